"""One thing that was done, as it waits to be written."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

LONGEST_TEXT = 200
# What a sign-in event may tell: never a typed name, never a secret.
DETAILS = frozenset({"method", "factor", "reason", "known_device", "new_device", "agent"})


class Row(NamedTuple):
    """A row of ``SessionActivity``, in the order of the columns that are written."""

    session_id: UUID | None
    user_id: UUID | None
    activity_type: str
    route: str
    method: str
    status: int | None
    duration_ms: int | None
    client_ip: str | None
    request_id: str
    extra: dict[str, Any]
    occurred_at: datetime


def details_of(extra: Mapping[str, object]) -> dict[str, Any]:
    """The allowed ones of ``extra``, each a short text, a number, a flag or nothing."""
    return {name: _plain(value) for name, value in extra.items() if name in DETAILS}


def _plain(value: object) -> str | int | None:
    if value is None or isinstance(value, bool | int):
        return value
    return str(value).replace("\0", "")[:LONGEST_TEXT]
