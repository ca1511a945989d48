"""Reads a session, its user and what backends want to know of them: one query, compiled once.

Every signed-in request runs it. Building it anew, with its join and its subquery, would cost the
request three times what running it does.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import OuterRef, QuerySet
from django.utils import timezone

from core.compiled_query import CompiledQuery, compile_query
from users.models import User, UserSession
from users.session_user import requirement_columns

COLUMNS = (
    "id", "session_data", "verified_factor", "last_activity_at", "client_ip", "is_remembered",
)  # fmt: skip
USER_COLUMNS = tuple(field.attname for field in User._meta.concrete_fields)
# Stand in the compiled statement for what differs from one request to the next.
ANY_KEY, ANY_MOMENT = "the hash of a key", datetime(1, 1, 1, tzinfo=UTC)


class SessionRow(NamedTuple):
    """What a request needs of an open session; no user when theirs may not sign in."""

    id: UUID
    session_data: str
    verified_factor: str
    last_activity_at: datetime
    client_ip: str | None
    is_remembered: bool
    user: User | None


def read_session(key_hash: str) -> SessionRow | None:
    """The open session of that key; None when there is none, or it is past one of its limits."""
    statement, asked = _statement(tuple(settings.AUTHENTICATION_BACKENDS))
    adapted = connection.ops.adapt_datetimefield_value
    found = statement.run({ANY_KEY: key_hash, adapted(ANY_MOMENT): adapted(timezone.now())})
    if not found:
        return None
    [row] = found
    user_at = len(COLUMNS)
    asked_at = user_at + len(USER_COLUMNS)
    user = None
    if row[user_at + USER_COLUMNS.index("id")] is not None:
        user = User.from_db(connection.alias, USER_COLUMNS, row[user_at:asked_at])
        for name, value in zip(asked, row[asked_at:], strict=True):
            setattr(user, name, value)
    return SessionRow._make([*row[:user_at], user if user and user.can_sign_in else None])


def rows_to_read(key_hash: str, at: datetime) -> QuerySet[UserSession, Any]:
    """The query that is compiled, as it would be for this key at this moment."""
    asked = requirement_columns(OuterRef("user_id"), at=at)
    users = [f"user__{name}" for name in USER_COLUMNS]
    rows = UserSession.objects.active(at).filter(key_hash=key_hash).order_by()
    return rows.annotate(**asked).values_list(*COLUMNS, *users, *asked)


@lru_cache
def _statement(_backends: tuple[str, ...]) -> tuple[CompiledQuery, tuple[str, ...]]:
    """The statement for these backends, and what they call the columns that they ask for."""
    asked = tuple(requirement_columns(OuterRef("user_id"), at=ANY_MOMENT))
    return compile_query(partial(rows_to_read, ANY_KEY, ANY_MOMENT)), asked
