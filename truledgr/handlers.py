"""Django's entry points, made to answer where theirs crash: before and after the middleware.

A ``Content-Type`` with a charset makes Django read the query string while it makes the request:
charsets such as ``idna`` and queries with too many fields then raise outside all error handling:
400. What fails in the handling of errors itself is answered by ``last_resort()``.

An ASGI server ends by the signal that stopped it, behind the back of ``atexit``: it says so before,
by the protocol called lifespan, and what waits in this process is written then.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from functools import partial
from typing import IO, Any

from asgiref.sync import sync_to_async
from django.core.exceptions import SuspiciousOperation
from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.core.handlers.wsgi import WSGIHandler
from django.http import (
    HttpRequest,
    HttpResponseBadRequest,
    HttpResponseBase,
    StreamingHttpResponse,
)

from truledgr.errors import last_resort
from users.activity.buffer import flush_at_exit

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
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        await super().__call__(scope, receive, send)

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
            return _streamed(await super().get_response_async(request))
        except Exception:
            logger.exception(UNHANDLED, extra={"request": request})
            return last_resort(request)


def _streamed(response: HttpResponseBase) -> HttpResponseBase:
    """Files and exports, part by part; Django would read the whole of them first, and warn."""
    if isinstance(response, StreamingHttpResponse) and not response.is_async:
        parts: Iterator[bytes] = iter(response)
        response.streaming_content = _in_thread(parts)
    return response


async def _in_thread(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    next_part = sync_to_async(partial(next, parts, None))
    while (part := await next_part()) is not None:
        yield part


async def _live(
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """Say that all is well at the start; at the end, once what waits has been written."""
    while True:
        event = (await receive())["type"]
        if event == "lifespan.shutdown":
            await sync_to_async(flush_at_exit)()
        await send({"type": f"{event}.complete"})
        if event == "lifespan.shutdown":
            return
