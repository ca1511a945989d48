"""Ids that clients choose: UUIDs of version 7 (RFC 9562), made now or lately."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import RFC_4122, UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

M = TypeVar("M")

VERSION = 7
EARLIEST = datetime(2020, 1, 1, tzinfo=UTC).timestamp()
AHEAD = 86_400  # seconds that a client's clock may be ahead of ours
HELP = (
    "An id of your own choice, a UUID of version 7 (RFC 9562). The same creation sent again "
    "answers 200 with the row as it is now, so that it is safe to repeat; another one with the "
    "same id answers 409 `id_taken`."
)
PATTERN = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-7[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$"


@extend_schema_field({"type": "string", "format": "uuid", "pattern": PATTERN, "description": HELP})
class ClientIdField(serializers.UUIDField):
    """Lists are sorted by keys as by time: one from another time would stand in a wrong place."""

    default_error_messages = {
        "version": "Not a UUID of version 7.",
        "time": "Its time is before 2020 or more than a day ahead.",
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)

    def to_internal_value(self, data: Any) -> UUID:
        key: UUID = super().to_internal_value(data)
        if key.variant != RFC_4122 or key.version != VERSION:
            self.fail("version")
        if not EARLIEST <= seconds_of(key) <= time.time() + AHEAD:
            self.fail("time")
        return key


def seconds_of(key: UUID) -> float:
    """The moment that a UUIDv7 says it was made at, in seconds since 1970."""
    return (key.int >> 80) / 1000


def made(
    values: Mapping[str, Any],
    make: Callable[..., M],
    make_once: Callable[..., tuple[M, bool]],
    **given: Any,
) -> tuple[M, bool]:
    """What a creation makes of its validated values, and whether it is new."""
    values = dict(values)
    key = values.pop("id", None)
    if key is None:
        return make(**given, **values), True
    return make_once(key=key, **given, **values)
