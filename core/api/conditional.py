"""Entity tags from a row's version, and the precondition of a write (RFC 9110, section 13)."""

from __future__ import annotations

from django.utils.http import parse_etags
from rest_framework.request import Request

from core.api.pagination import refuse
from core.errors import StaleVersionError


def etag_of(version: int) -> str:
    return f'"{version}"'


def is_unchanged(request: Request, version: int) -> bool:
    """Whether ``If-None-Match`` says that the caller has this version already."""
    tags = parse_etags(request.headers.get("If-None-Match", ""))
    return "*" in tags or etag_of(version) in (tag.removeprefix("W/") for tag in tags)


def expected_version(request: Request, version: int) -> int | None:
    """The version that a write must still find; ``None`` when the caller does not care.

    ``version`` is the one just read. Raise ``StaleVersionError`` when ``If-Match`` names others.
    """
    header = request.headers.get("If-Match")
    if header is None or header.strip() == "*":
        return None
    tags = parse_etags(header)
    if not tags:
        raise refuse(
            "If-Match", 'Not an entity tag. Send the ETag as it was received, such as "3".'
        )
    if etag_of(version) not in tags:
        raise StaleVersionError(f"It has changed since it was read: its version is {version} now.")
    return version
