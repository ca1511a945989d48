"""Exporting items as CSV or as JSON Lines, a block at a time, in a form that imports again."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from core.audit import iso_utc
from core.csv_cells import safe_cell
from items.models import ItemQuerySet
from items.services.import_rows import CSV, JSON_LINES

FIELDS = (
    "id", "name", "description", "kind", "is_active", "tags", "data", "owner", "group",
    "created_by", "version", "created_at", "updated_at", "deleted_at",
)  # fmt: skip
BATCH = 500  # rows that are held at a time
BLOCK = 32 * 1024  # characters of a piece of the file, or one row where that is longer

Values = tuple[Any, ...]


def export_items(
    rows: ItemQuerySet, *, file_format: str, advance: Callable[[int], object] = lambda _rows: None
) -> Iterator[str]:
    """The file, in pieces: the oldest item first, and in memory no more than a batch of them.

    The first piece is made at once, so that a database that does not answer is an error before
    anything has been sent. On PostgreSQL the rows are those of one moment, held by a cursor of
    the server's. ``advance`` is told of each row.
    """
    chosen = rows.order_by("pk").values_list(*FIELDS).iterator(chunk_size=BATCH)
    pieces = PIECES_OF[file_format](_counted(chosen, advance))
    first = next(pieces, "")
    return _after(first, pieces)


def _after(first: str, pieces: Iterator[str]) -> Iterator[str]:
    yield first
    yield from pieces


def _counted(rows: Iterable[Values], advance: Callable[[int], object]) -> Iterator[Values]:
    for row in rows:
        yield row
        advance(1)


def _csv_pieces(rows: Iterator[Values]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(FIELDS)
    for row in rows:
        writer.writerow([*map(_cell, row)])
        if buffer.tell() >= BLOCK:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def _json_pieces(rows: Iterator[Values]) -> Iterator[str]:
    lines: list[str] = []
    size = 0
    for row in rows:
        line = _dumped(dict(zip(FIELDS, map(_plain, row), strict=True))) + "\n"
        lines.append(line)
        size += len(line)
        if size >= BLOCK:
            yield "".join(lines)
            lines, size = [], 0
    yield "".join(lines)


PIECES_OF: Mapping[str, Callable[[Iterator[Values]], Iterator[str]]] = {
    CSV: _csv_pieces,
    JSON_LINES: _json_pieces,
}


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return safe_cell(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return _dumped(value)
    return "" if value is None else str(_plain(value))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso_utc(value)
    return str(value) if isinstance(value, UUID) else value


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
