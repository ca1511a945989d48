"""The answer that carries an export."""

from __future__ import annotations

from collections.abc import AsyncIterator
from os import SEEK_END
from typing import IO
from wsgiref.util import FileWrapper

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.http import content_disposition_header

from authentication.personal_data.export import Export

BLOCK = 64 * 1024


class AsyncFileWrapper:
    """What ``FileWrapper`` is to threads, for an event loop."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.close = file.close

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while block := await sync_to_async(self.file.read)(BLOCK):
            yield block


def as_download(export: Export, request: HttpRequest) -> StreamingHttpResponse:
    """The file, a block at a time under either kind of server; nobody keeps a copy of it."""
    size = export.file.seek(0, SEEK_END)
    export.file.seek(0)
    is_async = isinstance(request, ASGIRequest)
    disposition = content_disposition_header(as_attachment=True, filename=export.name)
    return StreamingHttpResponse(
        AsyncFileWrapper(export.file) if is_async else FileWrapper(export.file, BLOCK),
        content_type="application/zip",
        headers={
            "Content-Disposition": disposition or "",
            "Content-Length": str(size),
            "Cache-Control": "no-store",
        },
    )
