"""Primary keys: UUIDs of version 7 (RFC 9562), which sort by the moment they were made."""

from datetime import datetime
from uuid import UUID

from uuid_utils import compat


def uuid7() -> UUID:
    return compat.uuid7()


def first_key_of(moment: datetime) -> UUID:
    """The smallest key that can have been made at ``moment``: all made later are greater."""
    return UUID(int=int(moment.timestamp() * 1000) << 80 | 0x7 << 76 | 0b10 << 62)
