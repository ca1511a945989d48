"""Adding, renaming and removing second factors, and checking their codes.

Whatever changes or asks the factors of somebody locks that user's row first, so that codes which
arrive at the same moment are checked, counted and used one after the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from authentication.device_trust import forget_trust_of
from authentication.mails import Notice, notify
from authentication.models import MOST_WRONG_IN_A_ROW, BackupCodeDevice, TOTPDevice
from authentication.second_factors import SecondFactor, SecondFactors, second_factors_of
from core import audit
from core.errors import ConflictError, DomainError
from core.json_values import flaw_of_text
from core.security_events import Kind, note
from users.models import EndReason, User, UserSession
from users.risk.gathering import FACTOR_REMOVED
from users.sessions import revoke_sessions

MOST_APPS = 10
LONGEST_NAME = 64
ENROLMENT_SECONDS = 900  # from the secret to its first code
MOST_WRONG_CODES = 5  # in one sign-in; the fifth ends it
TOLD_AFTER = 3  # wrong codes after a right password


class WrongCodeError(DomainError):
    """The code is not right, or it has been used."""

    code = "incorrect_code"

    def __init__(self, *, wait: int = 0, is_locked: bool = False) -> None:
        message = _("This code is not right, or it has been used already.")
        if is_locked:
            self.code = "factor_locked"
            message = _(
                "Locked after too many wrong codes. Prove another second factor, or ask an "
                "administrator."
            )
        elif wait:
            self.code = "too_soon"
            message = _("Too soon after a wrong code. Wait %d s, then try again.") % wait
        super().__init__(message, field="code")


class LastFactorError(ConflictError):
    """Its owner must use a second factor, and this is the only one."""

    code = "last_factor"

    def __init__(self) -> None:
        super().__init__(_("Your account must have a second factor: add another one first."))


# --- Checking codes -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SignIn:
    """What a pending sign-in found when it began, so that it can count its own wrong codes."""

    began_at: datetime
    wrong_before: Mapping[str, int] = field(default_factory=dict)

    def wrong_codes(self, factors: SecondFactors) -> int:
        """How many there were since. Those of another sign-in at the same time count, too."""
        return sum(
            device.wrong_codes - self.wrong_before.get(device.persistent_id, 0)
            for device in factors.guarded
        )


@dataclass(frozen=True, slots=True)
class CodeAnswer:
    """What became of a code: ``device`` accepted it; or ``wait`` seconds; or all is over."""

    device: SecondFactor | None = None
    wait: int = 0
    is_locked: bool = False
    is_over: bool = False

    @property
    def refusal(self) -> WrongCodeError:
        """What to tell whoever typed a code that was not accepted."""
        return WrongCodeError(wait=self.wait, is_locked=self.is_locked)


@transaction.atomic
def check_code(
    *, user: User, code: str, app_id: str = "", sign_in: SignIn | None = None
) -> CodeAnswer:
    """Accept a code once; count anything else, also while the device has to wait or is locked.

    In a ``sign_in`` the fifth wrong code ends it: what comes later is counted, never compared.
    Must not run inside a transaction that an error would roll back, and the count with it.
    """
    _lock(user)
    factors = second_factors_of(user)
    meant = factors.meant_by(code, app_id=app_id)
    if meant is None:
        return CodeAnswer()
    device: SecondFactor = type(meant).objects.select_for_update().get(pk=meant.pk)
    is_over = sign_in is not None and sign_in.wrong_codes(factors) >= MOST_WRONG_CODES
    wait, is_locked = device.seconds_to_wait, device.is_locked
    if is_over:
        device.throttle_increment()
    elif device.verify_token(code):
        _note_accepted(user, device, factors)
        return CodeAnswer(device=device)
    _note_refused(user, device)
    if sign_in is not None:
        factors = second_factors_of(user)
        is_over = sign_in.wrong_codes(factors) >= MOST_WRONG_CODES
        _tell_of_wrong_codes(user, device, factors, sign_in)
    return CodeAnswer(wait=wait, is_locked=is_locked, is_over=is_over)


def _note_accepted(user: User, device: SecondFactor, factors: SecondFactors) -> None:
    if isinstance(device, BackupCodeDevice):
        left = device.unused
        audit.record(
            action="backup_code_used",
            target=device,
            changes={"unused": (left + 1, left)},
            actor=user,
        )
        notify(user, Notice.BACKUP_CODE_USED, left=left)
    _unlock(factors, actor=user)


def _note_refused(user: User, device: SecondFactor) -> None:
    failures = device.throttling_failure_count
    audit.record(
        action="second_factor_failed",
        target=device,
        changes={"throttling_failure_count": (failures - 1, failures)},
    )
    if device.is_replay:
        note(Kind.REPLAYED_CODE, reason=device._meta.model_name or "")
    if failures == MOST_WRONG_IN_A_ROW:
        audit.record(action="factor_locked", target=device)
        notify(user, Notice.FACTOR_LOCKED, name=device.name)


def _tell_of_wrong_codes(
    user: User, device: SecondFactor, factors: SecondFactors, sign_in: SignIn
) -> None:
    """Once a sign-in: whoever types codes knows the password."""
    if sign_in.wrong_codes(factors) < TOLD_AFTER:
        return
    if any(each.warned_at and each.warned_at >= sign_in.began_at for each in factors.guarded):
        return
    device.warned_at = timezone.now()
    device.save(update_fields=["warned_at"])
    notify(user, Notice.WRONG_CODES, count=TOLD_AFTER)


@transaction.atomic
def unlock_factors(*, actor: User | None, user: User) -> int:
    """Let every locked device of ``user`` accept codes again; answer how many there were."""
    _lock(user)
    return _unlock(second_factors_of(user), actor=actor)


def _unlock(factors: SecondFactors, *, actor: User | None) -> int:
    locked = [device for device in factors.guarded if device.is_locked]
    for device in locked:
        failures = device.throttling_failure_count
        device.throttle_reset()
        audit.record(
            action="factor_unlocked",
            target=device,
            changes={"throttling_failure_count": (failures, 0)},
            actor=actor,
        )
    return len(locked)


@transaction.atomic
def record_step_up(*, actor: User, factor: str = "") -> None:
    """Note that ``actor`` proved again who they are, and the kind of factor that they used."""
    audit.record(
        action="step_up",
        target=_lock(actor),
        changes={"factor": (None, factor)} if factor else None,
        actor=actor,
    )


# --- Authenticator apps ---------------------------------------------------------------------


@transaction.atomic
def start_totp(*, actor: User, user: User, name: str = "") -> TOTPDevice:
    """Make an authenticator app that asks for nothing until its first code confirms it.

    Enrolments that were given up are removed. Raise ``ConflictError`` when there are ten apps,
    ``DomainError`` for a bad name.
    """
    _lock(user)
    apps = TOTPDevice.objects.filter(user=user)
    if apps.filter(confirmed=True).count() >= MOST_APPS:
        raise ConflictError(_("Remove an app first: %d are the most.") % MOST_APPS)
    given_up = apps.filter(confirmed=False, created_at__lte=oldest_enrolment())
    audit.record_rows(given_up, action="delete", actor=actor)
    given_up.delete()
    device = TOTPDevice(user=user, name=clean_name(name) or _("Authenticator app"), confirmed=False)
    audit.save(device, actor=actor)
    return device


@transaction.atomic
def confirm_totp(
    *, actor: User, device: TOTPDevice, code: str, name: str = "", must_be_first: bool = False
) -> list[str]:
    """Take the app into use if ``code`` shows that it holds the secret; its owner is told.

    Answer ten backup codes when these are the first of the user, else none. Raise
    ``WrongCodeError``; ``ConflictError`` when the app is gone, too old to be confirmed, in use
    already, or ``must_be_first`` and is not: then somebody else was faster with the password.
    """
    _lock(device.user)
    pending = TOTPDevice.objects.select_for_update().filter(
        pk=device.pk, confirmed=False, created_at__gt=oldest_enrolment()
    )
    locked = pending.first()
    if locked is None or (must_be_first and second_factors_of(device.user).lasting):
        raise ConflictError(_("This can no longer be confirmed. Start again."))
    if not locked.accepts(code):
        raise WrongCodeError
    locked.name, locked.confirmed = clean_name(name) or locked.name, True
    audit.save(locked, action="confirm", actor=actor)
    device.name, device.confirmed = locked.name, True
    notify(device.user, Notice.FACTOR_ADDED, name=locked.name)
    return ensure_backup_codes(actor=actor, user=device.user)


def oldest_enrolment() -> datetime:
    """What was started before can no longer be confirmed."""
    return timezone.now() - timedelta(seconds=ENROLMENT_SECONDS)


# --- All kinds ------------------------------------------------------------------------------


@transaction.atomic
def rename_app(*, actor: User, device: TOTPDevice, name: str) -> None:
    """Give an app another name; ``DomainError`` for a bad one, ``ConflictError`` if it is gone."""
    _lock(device.user)
    locked = TOTPDevice.objects.filter(pk=device.pk).first()
    if locked is None:
        raise ConflictError(_("It has been removed."))
    locked.name = clean_name(name) or locked.name
    audit.save(locked, action="rename", actor=actor)
    device.name = locked.name


@transaction.atomic
def remove_factor(*, actor: User, device: Any) -> None:
    """Remove an app, a passkey or a backup code set; its owner is told.

    Sessions that were verified by it are so no longer, at once, and go on; no device is trusted
    any more, as it was on the strength of a factor that may be in other hands now. With the last
    app or passkey the backup codes go, too. Raise ``LastFactorError`` for the last one that its
    owner must have; staff may remove it for somebody who has lost it. ``ConflictError`` if it is
    gone.
    """
    user: User = device.user
    _lock(user)
    if not type(device).objects.filter(pk=device.pk).exists():
        raise ConflictError(_("It has been removed."))
    factors = second_factors_of(user)
    removed = [device]
    others = [each for each in factors.lasting if each.persistent_id != device.persistent_id]
    is_last = device.confirmed and device in factors.lasting and not others
    if is_last:
        if actor.pk == user.pk and user.must_use_second_factor:
            raise LastFactorError
        removed += [factors.backup] if factors.backup else []
    gone = [each.persistent_id for each in removed]
    for each in removed:
        _delete(each, actor=actor)
    UserSession.objects.filter(user=user, ended_at=None, verified_factor__in=gone).update(
        verified_factor="", updated_at=timezone.now()
    )
    if device.confirmed:
        # On its owner, too: what is risky about a sign-in is looked up there.
        audit.record(action=FACTOR_REMOVED, target=user, actor=actor)
        forget_trust_of(user, actor=actor)
        notify(user, Notice.FACTOR_REMOVED, name=device.name)


def _delete(device: Any, *, actor: User) -> None:
    """The event keeps what the row said: who had which factor, and since when."""
    before = {
        "user": str(device.user_id),
        "name": device.name,
        "confirmed": device.confirmed,
        "created_at": audit.leaf(device.created_at),
    }
    audit.record(
        action="delete",
        target=device,
        changes={name: (value, None) for name, value in before.items()},
        actor=actor,
    )
    type(device).objects.filter(pk=device.pk).delete()


@transaction.atomic
def end_other_sessions(*, user: User, keep: UUID | None) -> int:
    """End what else ``user`` is signed in with, after a change of factors; answer how many."""
    rows = UserSession.objects.active().filter(user=user)
    if keep is not None:
        rows = rows.exclude(pk=keep)
    return revoke_sessions(rows, reason=EndReason.REVOKED_BY_OWNER)


def clean_name(name: str) -> str:
    """``name`` without spaces at its ends; ``DomainError`` for one that cannot be stored."""
    name = name.strip()
    if flaw := flaw_of_text(name):
        raise DomainError(flaw, field="name")
    if len(name) > LONGEST_NAME:
        raise DomainError(_("At most %d characters.") % LONGEST_NAME, field="name")
    return name


# --- Backup codes ---------------------------------------------------------------------------


@transaction.atomic
def ensure_backup_codes(*, actor: User, user: User) -> list[str]:
    """Make ten backup codes for who has none; answer them, which are shown only now."""
    _lock(user)
    if BackupCodeDevice.objects.filter(user=user, confirmed=True).exists():
        return []
    return _new_codes(actor=actor, user=user)


@transaction.atomic
def replace_backup_codes(*, actor: User, user: User) -> list[str]:
    """Make ten new backup codes, which end the old ones; their owner is told.

    Answer the codes, which are shown only now. Raise ``ConflictError`` for who has nothing that
    they could stand in for.
    """
    _lock(user)
    if not second_factors_of(user).lasting:
        raise ConflictError(_("Add an authenticator app or a passkey first."))
    codes = _new_codes(actor=actor, user=user)
    notify(user, Notice.BACKUP_CODES_REPLACED)
    return codes


def _new_codes(*, actor: User, user: User) -> list[str]:
    device = BackupCodeDevice.objects.select_for_update().filter(user=user).first()
    before = device.unused if device else 0
    if device is None:
        device = BackupCodeDevice(user=user)
    device.name, device.confirmed = "Backup codes", True
    codes = device.renew_codes()
    audit.save(device, actor=actor)
    audit.record(
        action="replace_codes",
        target=device,
        changes={"unused": (before, len(codes))},
        actor=actor,
    )
    return codes


def _lock(user: User) -> User:
    locked: User = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    return locked
