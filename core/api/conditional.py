"""Entity tags, and the preconditions of a read and of a write (RFC 9110, section 13; RFC 6585).

The tag of a row is its version, such as ``"3"``. Where an answer shows more than the row, a
fingerprint of the whole body follows: ``"3-5f2c0a9d4e1b"``. A write looks at the version alone.
"""

from __future__ import annotations

from hashlib import sha256
from http import HTTPStatus
from typing import Any

from django.utils.http import parse_etags
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.pagination import refuse
from core.api.renderers import dumps
from core.errors import StaleVersionError

LENGTH = 12  # hexadecimal digits of a fingerprint


class PreconditionRequired(APIException):
    status_code = HTTPStatus.PRECONDITION_REQUIRED
    default_code = "precondition_required"
    default_detail = (
        "Send If-Match with the ETag of a GET, so that nobody else's change is overwritten; or "
        "If-Match: *, which means: whatever it is now."
    )


def etag_of(version: int, body: Any = None) -> str:
    """The tag of a row; with ``body``, of an answer that shows more than the row."""
    if body is None:
        return f'"{version}"'
    return f'"{version}-{sha256(dumps(body)).hexdigest()[:LENGTH]}"'


def answer_if_changed(request: Request, body: Any, etag: str) -> Response:
    """``body``; or 304 without it, where ``If-None-Match`` says that the caller has it."""
    tags = parse_etags(request.headers.get("If-None-Match", ""))
    if "*" in tags or etag in (tag.removeprefix("W/") for tag in tags):
        return Response(status=HTTPStatus.NOT_MODIFIED, headers={"ETag": etag})
    return Response(body, headers={"ETag": etag})


def expected_version(request: Request, version: int) -> int | None:
    """The version that a write must still find; ``None`` for ``If-Match: *``, whatever it is.

    ``version`` is the one just read. Raise ``PreconditionRequired`` (428) without ``If-Match``,
    ``StaleVersionError`` (412) when it names others.
    """
    header = request.headers.get("If-Match")
    if header is None:
        raise PreconditionRequired
    if header.strip() == "*":
        return None
    tags = parse_etags(header)
    if not tags:
        raise refuse(
            "If-Match", 'Not an entity tag. Send the ETag as it was received, such as "3".'
        )
    if str(version) not in (tag.strip('"').partition("-")[0] for tag in tags):
        raise StaleVersionError(f"It has changed since it was read: its version is {version} now.")
    return version
