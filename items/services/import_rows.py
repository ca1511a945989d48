"""Reading a file of items, as CSV or as JSON Lines, a row at a time and never a file at a time.

What is wrong with a row stands beside it as faults; what is wrong with the whole file raises
``HeaderError``. Nothing here knows the database or who is asking.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from math import inf
from typing import Any, BinaryIO
from uuid import UUID

from core.csv_cells import bare_cell
from core.json_values import flaw_of_text, printable

CSV, JSON_LINES = "csv", "jsonl"
FORMATS = (CSV, JSON_LINES)
# What a file may say of an item, and what an export says beside that, which is passed over.
TAKEN = ("id", "name", "description", "kind", "is_active", "tags", "data", "version")
PASSED_OVER = ("owner", "group", "created_by", "created_at", "updated_at", "deleted_at")

LONGEST_ROW = 1024 * 1024  # bytes: what an item may hold takes half of it, escaped as it may be
LONGEST_DETAIL = 300
# An export of 1e308 from PostgreSQL is a whole number of 309 digits.
LONGEST_NUMBER = 400
BLOCK = 64 * 1024
VERSION = re.compile(r"[1-9][0-9]{0,9}")
FLAGS = {"true": True, "false": False}
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
OTHER_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a row is refused: ``code`` for programs, ``detail`` for people."""

    field: str
    code: str
    detail: str


@dataclass(slots=True)
class Row:
    """One row as the file has it; ``size`` is what it takes there, in bytes."""

    line: int
    size: int
    values: dict[str, Any] = field(default_factory=dict)
    id: UUID | None = None
    version: int | None = None
    faults: list[Fault] = field(default_factory=list)

    def refuse(self, name: str, code: str, detail: str) -> None:
        self.faults.append(Fault(printable(name), code, printable(detail, longest=LONGEST_DETAIL)))


class HeaderError(Exception):
    """The file cannot be read as a whole; ``faults`` say why."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(faults[0].detail)
        self.faults = faults


def read_rows(file: BinaryIO, *, file_format: str, needed: Iterable[str] = ()) -> Iterator[Row]:
    """The rows of ``file``, read from its beginning; blank lines are none.

    ``needed`` names columns without which no row could be right. Raise ``HeaderError``.
    """
    file.seek(0)
    lines = _Lines(file)
    return _csv_rows(lines, needed) if file_format == CSV else _json_rows(lines)


# --- Lines ----------------------------------------------------------------------------------


class _TooLongError(Exception):
    """A row takes more than ``LONGEST_ROW``."""


class _Lines:
    """Lines as bytes; ``number`` is that of the last one, counted from 1."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.number = 0

    def read(self) -> bytes:
        """The next line with its end; empty after the last. Raise ``_TooLongError`` past it."""
        line = self._file.readline(LONGEST_ROW + 1)
        if not line:
            return b""
        self.number += 1
        if self.number == 1:
            if line.startswith(OTHER_MARKS):
                raise HeaderError(
                    Fault("file", "encoding", "The file is UTF-16. Save it as UTF-8.")
                )
            line = line.removeprefix(BYTE_ORDER_MARK) or b"\n"
        if len(line) > LONGEST_ROW:
            rest = line
            while rest and not rest.endswith(b"\n"):
                rest = self._file.readline(BLOCK)
            raise _TooLongError
        return line


def _text_of(line: bytes) -> tuple[str, bool]:
    """The line as text, and whether all of it is UTF-8."""
    try:
        return line.decode(), True
    except UnicodeDecodeError:
        return line.decode(errors="replace"), False


def _refuse_encoding(row: Row) -> None:
    row.refuse("file", "encoding", "Not UTF-8. Save the file as UTF-8.")


def _refuse_length(row: Row) -> None:
    row.refuse("file", "too_long", f"The row is longer than {LONGEST_ROW // 1024:,} KiB.")


# --- CSV ------------------------------------------------------------------------------------


class _Record:
    """Feeds ``csv.reader`` with the lines of one record."""

    def __init__(self, lines: _Lines) -> None:
        self._lines = lines
        self.size = self.quotes = 0
        self.is_readable = True

    def __iter__(self) -> _Record:
        return self

    def __next__(self) -> str:
        line = self._lines.read()
        if not line:
            raise StopIteration
        self.size += len(line)
        if self.size > LONGEST_ROW:
            raise _TooLongError
        self.quotes += line.count(b'"')
        text, is_readable = _text_of(line)
        self.is_readable = self.is_readable and is_readable
        return text

    def skip(self) -> None:
        """Go on to the end of the record: to where its quotation marks come in pairs."""
        while self.quotes % 2:
            try:
                line = self._lines.read()
            except _TooLongError:
                continue
            if not line:
                return
            self.quotes += line.count(b'"')


def _csv_rows(lines: _Lines, needed: Iterable[str]) -> Iterator[Row]:
    columns: list[str] | None = None
    while (read := _record_of(lines)) is not None:
        row, cells = read
        if columns is None:
            if row.faults:
                raise HeaderError(*row.faults)
            if cells:
                columns = _columns(cells, needed)
        elif row.faults:
            yield row
        elif cells:
            _take_cells(row, columns, cells)
            yield row
    if columns is None:
        raise HeaderError(Fault("file", "empty", "The file is empty. Its first row names columns."))


def _record_of(lines: _Lines) -> tuple[Row, list[str]] | None:
    """The next record, without cells where it cannot be read or is blank; none after the last."""
    record = _Record(lines)
    row = Row(line=lines.number + 1, size=0)
    cells: list[str] = []
    try:
        cells = next(csv.reader(record, strict=True))
    except StopIteration:
        return None
    except _TooLongError:
        record.skip()
        _refuse_length(row)
    except csv.Error as error:
        record.skip()
        code = "too_long" if "field limit" in str(error) else "csv"
        row.refuse("file", code, _unreadable(error, row.line, lines.number))
    row.size = record.size
    if not record.is_readable:
        _refuse_encoding(row)
    return row, cells


def _unreadable(error: csv.Error, first: int, last: int) -> str:
    text = f"Not readable as CSV: {error}."
    return text if first == last else f"{text} Lines {first} to {last} were passed over."


def _columns(cells: list[str], needed: Iterable[str]) -> list[str]:
    """The header; each column that is unknown, doubled or missing is a fault of its own."""
    columns = [cell.strip() for cell in cells]
    faults = []
    for position, name in enumerate(columns):
        if name not in TAKEN and name not in PASSED_OVER:
            faults.append(Fault(printable(name), "unknown_column", _unknown(name, "column")))
        elif name in columns[:position]:
            faults.append(Fault(name, "duplicate_column", "The column stands more than once."))
    faults += [
        Fault(name, "required", f"The column {name} is missing.")
        for name in needed
        if name not in columns
    ]
    if faults:
        raise HeaderError(*faults[:50])
    return columns


def _unknown(name: str, what: str) -> str:
    known = (*TAKEN, *PASSED_OVER)
    text = f"Not a {what} of an item."
    if ";" in name or "\t" in name:
        return f"{text} Separate the columns by commas."
    if near := get_close_matches(name.strip().casefold()[:50], known, n=1):
        return f"{text} Did you mean {near[0]}?"
    return f"{text} Those are: {', '.join(known)}."


def _take_cells(row: Row, columns: list[str], cells: list[str]) -> None:
    if len(cells) != len(columns):
        detail = f"The row has {len(cells)} cells, and the header {len(columns)}."
        row.refuse("file", "wrong_number_of_cells", detail)
        return
    for name, cell in zip(columns, cells, strict=True):
        text = bare_cell(cell)
        if name in PASSED_OVER or (not text and name not in {"name", "description"}):
            continue
        if flaw := flaw_of_text(text):
            row.refuse(name, "invalid", flaw)
            continue
        try:
            value = FROM_CELL.get(name, str)(text)
        except ValueError as error:
            row.refuse(name, "invalid", str(error))
            continue
        _put(row, name, value)


def _flag(text: str) -> bool:
    if text.lower() not in FLAGS:
        raise ValueError("Neither true nor false.")
    return FLAGS[text.lower()]


def _version(text: str) -> int:
    if not VERSION.fullmatch(text):
        raise ValueError("Not a version: a whole number from 1.")
    return int(text)


def _key(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise ValueError("Not an id: a UUID.") from None


def _json(text: str) -> Any:
    try:
        return json.loads(
            text, object_pairs_hook=_object, parse_constant=_no_constant, parse_int=_integer
        )
    except RecursionError:
        raise ValueError("Not valid JSON: nested too deeply.") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"Not valid JSON. {error.msg} (character {error.pos + 1}).") from None


FROM_CELL: Mapping[str, Callable[[str], Any]] = {
    "id": _key,
    "version": _version,
    "is_active": _flag,
    "tags": _json,
    "data": _json,
}


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("A name stands more than once in one object.")
    return members


def _no_constant(text: str) -> float:
    raise ValueError(f"Not valid JSON: {text} is no number.")


def _integer(text: str) -> float:
    return int(text) if len(text) <= LONGEST_NUMBER else inf  # which is refused by field


def _put(row: Row, name: str, value: Any) -> None:
    if name == "id":
        row.id = value
    elif name == "version":
        row.version = value
    else:
        row.values[name] = value


# --- JSON Lines -----------------------------------------------------------------------------


def _json_rows(lines: _Lines) -> Iterator[Row]:
    while True:
        try:
            line = lines.read()
        except _TooLongError:
            row = Row(line=lines.number, size=LONGEST_ROW)
            _refuse_length(row)
            yield row
            continue
        if not line:
            return
        text, is_readable = _text_of(line)
        if not text.strip():
            continue
        row = Row(line=lines.number, size=len(line))
        if is_readable:
            _take_object(row, text)
        else:
            _refuse_encoding(row)
        yield row


def _take_object(row: Row, text: str) -> None:
    try:
        found = _json(text)
    except ValueError as error:
        row.refuse("file", "json", str(error))
        return
    if not isinstance(found, dict):
        row.refuse("file", "json", "Not a JSON object. Each line is one object.")
        return
    for name, value in found.items():
        if name in PASSED_OVER:
            continue
        if name not in TAKEN:
            row.refuse(name, "unknown_field", _unknown(name, "field"))
        elif value is None and name in {"id", "version"}:
            continue
        elif detail := _mistyped(name, value):
            row.refuse(name, "wrong_type", detail)
        elif isinstance(value, str) and (flaw := flaw_of_text(value)):
            row.refuse(name, "invalid", flaw)
        else:
            _take_value(row, name, value)


def _mistyped(name: str, value: Any) -> str:
    """What JSON type the field has, where the value has another; lists and objects are for the
    service to check."""
    if name in {"id", "name", "description", "kind"} and not isinstance(value, str):
        return "Must be a string."
    if name == "is_active" and not isinstance(value, bool):
        return "Must be true or false."
    if name == "version" and (not isinstance(value, int) or isinstance(value, bool)):
        return "Must be a whole number."
    return ""


def _take_value(row: Row, name: str, value: Any) -> None:
    try:
        if name in {"id", "version"}:
            value = FROM_CELL[name](str(value))
    except ValueError as error:
        row.refuse(name, "invalid", str(error))
        return
    _put(row, name, value)
