"""Files that an endpoint sends while it makes them, in memory no more than a piece at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.http import content_disposition_header

CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson; charset=utf-8",
}


def file_answer(
    request: HttpRequest, pieces: Iterator[str], *, file_format: str, name: str
) -> StreamingHttpResponse:
    """The pieces as a download, under either kind of server.

    An error after the first piece breaks the connection off before the end of the body is
    marked, so that clients report a transfer that failed and not a file that is too short.
    """
    encoded = (piece.encode() for piece in pieces)
    is_async = isinstance(request, ASGIRequest)
    disposition = content_disposition_header(as_attachment=True, filename=f"{name}.{file_format}")
    return StreamingHttpResponse(
        _in_a_thread(encoded) if is_async else encoded,
        content_type=CONTENT_TYPES[file_format],
        headers={
            "Content-Disposition": disposition or "",
            "Cache-Control": "no-store",
            "X-Accel-Buffering": "no",
        },
    )


async def _in_a_thread(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    following = sync_to_async(lambda: next(pieces, None))
    while (piece := await following()) is not None:
        yield piece
