"""Closing accounts: asking for it, changing one's mind, and carrying it out.

An account that is closed is deleted and anonymised in one transaction. There is no way back: what
told whose it was is gone, except from the audit trail (docs/developer/personal-data.md).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import ProtectedError
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from authentication.mails import Notice, notify
from authentication.mails.addresses import base_url
from authentication.mails.notices import primary_address
from authentication.personal_data.owners import refuse_impersonator
from core import audit
from core.errors import ConflictError, DomainError
from core.personal_data import Obstacle, declarations, obstacles_of
from users.models import User

logger = logging.getLogger(__name__)

# What is noted of requests that were under way when an account was closed, and how long after.
WRITTEN_LATE = frozenset({"devices", "sessions", "activity", "session_days"})
LATE = timedelta(days=1)


class CannotCloseError(ConflictError):
    """Something is in the way; the message names each thing, and what to do about it."""

    code = "account_has_obstacles"

    def __init__(self, obstacles: list[Obstacle]) -> None:
        super().__init__(" ".join(obstacle.detail for obstacle in obstacles))
        self.obstacles = obstacles


# --- The owner asks, or changes their mind ----------------------------------------------------


@transaction.atomic
def ask_for_deletion(*, actor: User, username: str) -> datetime:
    """Have the account of ``actor`` closed after the grace period; answer when that is.

    ``username`` is typed by the owner, to confirm it. Asked for again, the day stays. Raise
    ``DomainError`` for another name, ``CannotCloseError`` when something is in the way.
    """
    refuse_impersonator()
    if username.strip() != actor.get_username():
        raise DomainError(_("This is not your username."), field="username")
    if obstacles := obstacles_of(actor):
        raise CannotCloseError(obstacles)
    owner = _locked(actor)
    if owner.deletion_due_at is not None:
        return owner.deletion_due_at
    before = audit.snapshot(owner)
    due = timezone.now() + timedelta(days=settings.ACCOUNT_DELETION_GRACE_DAYS)
    owner.deletion_due_at = due
    audit.save(owner, action="ask_for_deletion", before=before, actor=actor)
    notify(owner, Notice.DELETION_ASKED, due=f"{due:%Y-%m-%d %H:%M} UTC", url=_page())
    return due


@transaction.atomic
def cancel_deletion(*, actor: User | None, user: User) -> bool:
    """Keep the account; answer whether its deletion had been asked for."""
    refuse_impersonator()
    owner = _locked(user)
    if owner.deletion_due_at is None:
        return False
    before = audit.snapshot(owner)
    owner.deletion_due_at = None
    audit.save(owner, action="cancel_deletion", before=before, actor=actor)
    notify(owner, Notice.DELETION_CANCELLED)
    return True


def _page() -> str:
    return base_url() + reverse("account_data")


def _locked(user: User) -> User:
    owner: User | None = (
        User.objects.alive().select_for_update(no_key=True).filter(pk=user.pk).first()
    )
    if owner is None:
        raise ConflictError(_("The account has been deleted."))
    return owner


# --- Carrying it out --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Closed:
    """What became of one account that was due; ``refused`` says why it was not closed."""

    user_id: UUID
    username: str
    refused: str = ""


def due_accounts() -> Any:
    due = User.objects.alive().filter(deletion_due_at__lte=timezone.now())
    return due.order_by("deletion_due_at", "pk")


def close_due_accounts(advance: Callable[[int], object] = lambda _count: None) -> list[Closed]:
    """Close each account that is due, in a transaction of its own; answer what became of them.

    ``advance`` is told of each. One that fails does not keep the others. Where something is in
    the way by now the request is withdrawn, and its owner told.
    """
    done = []
    for closed in _close_each():
        done.append(closed)
        advance(1)
    _sweep()
    return done


def _sweep() -> None:
    """Do again what was done to rows that requests under way may have written since."""
    for user in User.objects.filter(anonymised_at__gte=timezone.now() - LATE):
        with transaction.atomic():
            for declared in reversed(declarations()):
                if declared.name in WRITTEN_LATE:
                    declared.closing.apply(declared.of(user), user)


def _close_each() -> Iterator[Closed]:
    for user in due_accounts():
        name = user.get_username()
        try:
            if close_account(user=user, must_be_due=True):
                yield Closed(user.pk, name)
        except CannotCloseError as error:
            _withdraw(user)
            yield Closed(user.pk, name, error.message)
        except Exception:
            logger.exception("The account %s could not be closed.", user.pk)
            yield Closed(user.pk, name, _("It failed; the log says why."))


@transaction.atomic
def close_account(*, user: User, reason: str = "", must_be_due: bool = False) -> bool:
    """Delete and anonymise an account, live or deleted; answer whether it was there to be closed.

    Of two at once one finds nothing to do, as does whoever comes after. Raise
    ``CannotCloseError`` when something is in the way.
    """
    # Before the row is locked: administrators are locked in an order of their own.
    if not user.is_deleted and (obstacles := obstacles_of(user)):
        raise CannotCloseError(obstacles)
    rows = due_accounts() if must_be_due else User.objects.filter(anonymised_at=None)
    owner: User | None = rows.select_for_update(no_key=True).filter(pk=user.pk).first()
    if owner is None:
        return False
    _say_goodbye(owner)
    counts = _anonymise(owner)
    changes: dict[str, Any] = {name: (count, 0) for name, count in counts.items() if count}
    if reason:
        changes["reason"] = (None, reason)
    audit.record(action="anonymise", target=User.objects.get(pk=owner.pk), changes=changes)
    return True


def _say_goodbye(owner: User) -> None:
    """The last mail goes to the old address; the letter is written after the commit."""
    was = copy(owner)
    if not owner.is_deleted:
        notify(was, Notice.ACCOUNT_CLOSED, to=[primary_address(was)], can_report=False)


def _anonymise(owner: User) -> dict[str, int]:
    """Do with every row about ``owner`` what its table declares; answer how many were touched.

    What stands on other tables goes before them; the account's own row comes last.
    """
    try:
        return {
            declared.name: declared.closing.apply(declared.of(owner), owner)
            for declared in reversed(declarations())
        }
    except ProtectedError as error:
        # Somebody has just made the account the owner of something.
        raise CannotCloseError([Obstacle("protected", str(error.args[0]))]) from error


@transaction.atomic
def _withdraw(user: User) -> None:
    owner: User | None = due_accounts().select_for_update(no_key=True).filter(pk=user.pk).first()
    if owner is None:  # closed or cancelled meanwhile
        return
    before = audit.snapshot(owner)
    owner.deletion_due_at = None
    audit.save(owner, action="refuse_deletion", before=before)
    notify(owner, Notice.DELETION_REFUSED, url=_page())
