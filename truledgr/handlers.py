"""Django's entry points, made to answer where theirs crash: before and after the middleware.

A ``Content-Type`` with a charset makes Django read the query string while it makes the request:
charsets such as ``idna`` and queries with too many fields then raise outside all error handling:
400. What fails in the handling of errors itself is answered by ``last_resort()``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import IO, Any

from django.core.exceptions import SuspiciousOperation
from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponseBadRequest, HttpResponseBase

from truledgr.errors import last_resort

logger = logging.getLogger(__name__)

UNREADABLE = (UnicodeError, LookupError, SuspiciousOperation)
UNHANDLED = "The handling of an error failed."


class WSGI(WSGIHandler):
    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        try:
            # Only making the request raises; get_response() answers whatever happens later.
            return super().__call__(environ, start_response)
        except UNREADABLE:
            logger.warning("A request that cannot be read was refused.")
            start_response("400 Bad Request", [("Content-Type", "text/plain")])
            return [b"The request cannot be read.\n"]

    def get_response(self, request: HttpRequest) -> HttpResponseBase:
        try:
            return super().get_response(request)
        except Exception:
            logger.exception(UNHANDLED, extra={"request": request})
            return last_resort(request)


class ASGI(ASGIHandler):
    def create_request(
        self, scope: Mapping[str, Any], body_file: IO[bytes]
    ) -> tuple[ASGIRequest, None] | tuple[None, HttpResponseBase]:
        try:
            return super().create_request(scope, body_file)
        except UNREADABLE:
            logger.warning("A request that cannot be read was refused.")
            return None, HttpResponseBadRequest("The request cannot be read.\n", "text/plain")

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        try:
            return await super().get_response_async(request)
        except Exception:
            logger.exception(UNHANDLED, extra={"request": request})
            return last_resort(request)
