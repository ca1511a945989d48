"""The body of an import: a file, kept on disk while it is read, and no larger than allowed."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO, Any, BinaryIO, cast

from django.conf import settings
from django.utils.http import parse_header_parameters
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser

from core.api.errors import TooLarge
from items.services.import_rows import CSV, JSON_LINES

BLOCK = 64 * 1024
IN_MEMORY = 1024 * 1024
UTF8 = frozenset({"utf-8", "utf8"})


@dataclass(frozen=True, slots=True)
class Upload:
    file: BinaryIO
    file_format: str


class FileParser(BaseParser):
    """Takes the body in blocks: it is larger than what ``request.body`` may hold."""

    file_format = ""

    def parse(  # type: ignore[override]  # it answers a file, and not fields
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Upload:
        headers = (parser_context or {})["request"].headers
        _type, parameters = parse_header_parameters(media_type or "")
        if parameters.get("charset", "utf-8").lower() not in UTF8:
            raise UnsupportedMediaType(media_type or "", "The file is read as UTF-8 only.")
        if headers.get("Content-Encoding", "identity") != "identity":
            raise UnsupportedMediaType(media_type or "", "Send the file without Content-Encoding.")
        declared = int(headers["Content-Length"])  # the framework reads no body without it
        if declared > settings.ITEM_IMPORT_MAX_BYTES:
            raise _too_large()
        return Upload(_spooled(stream, declared), self.file_format)


class CSVParser(FileParser):
    media_type = "text/csv"
    file_format = CSV


class JSONLinesParser(FileParser):
    media_type = "application/x-ndjson"
    file_format = JSON_LINES


def _spooled(stream: IO[Any], declared: int) -> BinaryIO:
    with ExitStack() as closing:
        file = closing.enter_context(SpooledTemporaryFile(max_size=IN_MEMORY))
        received = 0
        while block := stream.read(BLOCK):
            received += len(block)
            if received > settings.ITEM_IMPORT_MAX_BYTES:
                raise _too_large()
            file.write(block)
        if received < declared:
            raise ParseError(f"The body ended after {received:,} of {declared:,} bytes.")
        closing.pop_all()  # whoever reads it closes it
    return cast("BinaryIO", file)


def _too_large() -> TooLarge:
    return TooLarge(f"The file is larger than {settings.ITEM_IMPORT_MAX_BYTES:,} bytes. Cut it.")
