"""Adding, proving, renaming and removing passkeys."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from authentication.mails import Notice, notify
from authentication.passkeys.credentials import (
    Passkey,
    PasskeyRefusedError,
    passkeys_of,
    proven,
    registered,
)
from authentication.second_factors import second_factors_of
from authentication.services.second_factors import (
    TOLD_AFTER,
    clean_name,
    ensure_backup_codes,
    unlock_factors,
)
from core import audit
from core.errors import ConflictError
from users.models import User

MOST_PASSKEYS = 20


def refuse_too_many(user: User) -> None:
    """Raise ``ConflictError`` when ``user`` has as many passkeys as one may have."""
    if Passkey.objects.filter(user=user).count() >= MOST_PASSKEYS:
        raise ConflictError(_("Remove a passkey first: %d are the most.") % MOST_PASSKEYS)


@transaction.atomic
def add_passkey(
    *,
    actor: User,
    user: User,
    name: str,
    state: dict[str, Any],
    answer: dict[str, Any],
    must_be_first: bool = False,
) -> tuple[Passkey, list[str]]:
    """Save the passkey that ``answer`` registers, ready for use; its owner is told.

    ``state`` is what ``take_challenge()`` gave. Answer it with ten backup codes when these are the
    first of the user, else with none. Raise ``PasskeyRefusedError`` for an answer that proves
    nothing or a passkey that is known already; ``ConflictError`` for one too many, or when it
    ``must_be_first`` and is not; ``DomainError`` for a bad name.
    """
    name = clean_name(name) or _("Passkey")
    _lock(user)
    refuse_too_many(user)
    if must_be_first and second_factors_of(user).lasting:
        raise ConflictError(_("This can no longer be confirmed. Start again."))
    try:
        with transaction.atomic():
            passkey, seen = registered(user=user, state=state, answer=answer)
    except IntegrityError as error:
        raise PasskeyRefusedError("known_already") from error
    passkey.name = name
    passkey.save(update_fields=["name"])
    changes = {name: (None, value) for name, value in audit.snapshot(passkey).items()}
    changes |= {name: (None, value) for name, value in seen.items()}
    audit.record(action="create", target=passkey, changes=changes, actor=actor)
    notify(user, Notice.FACTOR_ADDED, name=name)
    return passkey, ensure_backup_codes(actor=actor, user=user)


def prove_passkey(*, user: User, state: dict[str, Any], answer: dict[str, Any]) -> Passkey:
    """The passkey of ``user`` that ``answer`` proves; both outcomes are recorded.

    It unlocks devices that too many wrong codes have locked, as a right code does. Raise
    ``PasskeyRefusedError`` as ``authentication.passkeys.credentials.proven()`` does.
    """
    try:
        with transaction.atomic():
            _lock(user)
            passkey, seen = proven(user=user, state=state, answer=answer)
            changes = {name: (None, value) for name, value in seen.items()}
            audit.record(action="passkey_used", target=passkey, changes=changes, actor=user)
            unlock_factors(actor=user, user=user)
    except PasskeyRefusedError as error:
        record_refusal(user=user, reason=error.reason)
        raise
    return passkey


def record_refusal(*, user: User, reason: str) -> None:
    with transaction.atomic():
        audit.record(
            action="second_factor_failed",
            target=_lock(user),  # the session's own is a lazy stand-in
            changes={"factor": (None, "passkey"), "reason": (None, reason)},
            actor=user,
        )


def tell_of_refusals(*, user: User, count: int) -> None:
    """Tell the owner, once a sign-in, that somebody with the right password is refused."""
    if count == TOLD_AFTER:
        notify(user, Notice.WRONG_CODES, count=count)


@transaction.atomic
def rename_passkey(*, actor: User, passkey: Passkey, name: str) -> Passkey:
    """Give a passkey a name; ``DomainError`` for a bad one, ``ConflictError`` if it is gone."""
    _lock(passkey.user)
    locked = passkeys_of(passkey.user).filter(pk=passkey.pk).first()
    if locked is None:
        raise ConflictError(_("It has been removed."))
    locked.name = clean_name(name) or locked.name
    audit.save(locked, action="rename", actor=actor)
    return locked


def _lock(user: User) -> User:
    """The user's row, before any of their factors: every service takes the locks in this order."""
    locked: User = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    return locked
