"""Cells of CSV files that spreadsheets show and never run, and the way back.

A spreadsheet takes a cell that starts with one of ``FORMULA_STARTS`` for a formula, whatever the
quotes around it, and so lets whoever wrote the text act as whoever opens the file. An apostrophe
before it makes it text. What starts with apostrophes and then such a character gets one more, so
that ``bare_cell(safe_cell(text)) == text`` for every text.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from typing import Any

# A tab or a line break in front is dropped by some spreadsheets, and what follows is a formula;
# the full-width forms are what East Asian keyboards type, and are taken for the same.
FORMULA_STARTS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
_STARTS = re.escape(FORMULA_STARTS)
# Spaces in front are dropped as well.
_DANGEROUS = re.compile(rf"'*[ \u00a0]*[{_STARTS}]")
_ESCAPED = re.compile(rf"'+[ \u00a0]*[{_STARTS}]")


class _Echo:
    """A file for ``csv.writer`` that answers what it is given."""

    def write(self, text: str) -> str:
        return text


def csv_row(cells: Iterable[Any]) -> str:
    """A line of a file (RFC 4180, with its line break) of cells that are safe already."""
    writer: Any = csv.writer(_Echo())  # one for each: threads would mix their lines in it
    return str(writer.writerow(cells))


def safe_cell(text: str) -> str:
    """``text`` with an apostrophe before it where a spreadsheet could run it."""
    return f"'{text}" if _DANGEROUS.match(text) else text


def bare_cell(text: str) -> str:
    """The text that ``safe_cell`` made this of; any other as it stands."""
    return text[1:] if _ESCAPED.match(text) else text
