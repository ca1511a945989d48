"""Ending many sessions at once, for a reason that the trail keeps."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from django.db import transaction

from core import audit
from core.reasons import clean_reason
from users.models import EndReason, User, UserSession, UserSessionQuerySet
from users.sessions import revoke_sessions

SHORTEST_REASON = 5
BATCH = 5_000
ACTION = "end_sessions"
EVERYBODY = User(pk="", username="everybody")  # whom the trail names for all of them


def open_sessions(*, of: User | None = None, keep: UUID | None = None) -> UserSessionQuerySet:
    """The sessions that somebody is signed in with: one user's or everybody's, but for ``keep``."""
    rows = UserSession.objects.active().exclude(user=None)
    if of is not None:
        rows = rows.filter(user=of)
    return rows if keep is None else rows.exclude(pk=keep)


def end_all(
    *, reason: str, of: User | None = None, keep: UUID | None = None, batch: int = BATCH
) -> Iterator[int]:
    """End ``open_sessions()`` in batches; answer the size of each as it is committed.

    The trail has one event that names the reason and then one of each session, all under one
    request id. The acting context names the actor. Raise ``DomainError`` for a reason that is
    none, before anything has ended.
    """
    reason = clean_reason(reason, shortest=SHORTEST_REASON)
    with transaction.atomic():
        audit.record(action=ACTION, target=of or EVERYBODY, changes={"reason": (None, reason)})
    return _batches(open_sessions(of=of, keep=keep), batch)


def _batches(rows: UserSessionQuerySet, size: int) -> Iterator[int]:
    """By the key: no batch reads what earlier ones have ended, whatever is added meanwhile."""
    rows = rows.order_by("pk")
    left = rows
    while keys := list(left.values_list("pk", flat=True)[:size]):
        first, last = keys[0], keys[-1]
        batch = rows.filter(pk__gte=first, pk__lte=last).order_by()
        yield revoke_sessions(batch, reason=EndReason.REVOKED_BY_STAFF)
        left = rows.filter(pk__gt=last)
