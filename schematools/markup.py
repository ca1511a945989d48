"""Small pieces of Markdown that are safe whatever text is put into them."""

import re
from collections.abc import Callable, Iterable, Sequence
from urllib.parse import quote
from zlib import crc32

from schematools.model import Module, Table

_CODE_SPAN = re.compile(r"(`+[^`]+`+)")
_BACKTICKS = re.compile(r"`+")
_BARS = re.compile(r"\\*\|")
_MARKS = re.compile(r"[\\`*\[\]<>&#~|]")
_EDGE_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")


def first_paragraph(value: str) -> str:
    """Return the first paragraph of a text, on one line."""
    paragraph, _, _ = value.partition("\n\n")
    return " ".join(paragraph.split())


def text(value: str) -> str:
    """Return Markdown in which nothing is taken for HTML, except what is code."""
    return _outside_code(value, lambda piece: piece.replace("<", "&lt;"))


def inline(value: str) -> str:
    """Return text on one line in which nothing but code spans is taken for Markdown."""
    return _outside_code(" ".join(value.split()), _escaped)


def plain(value: str) -> str:
    """Return text on one line in which nothing is taken for Markdown or HTML."""
    return _escaped(" ".join(value.split()))


def code(value: str) -> str:
    """Return ``value`` in a code span on one line, or nothing for nothing."""
    value = " ".join(value.split())
    if not value:
        return ""
    if "`" not in value:
        return f"`{value}`"
    fence = "`" * (1 + max(len(run) for run in _BACKTICKS.findall(value)))
    space = " " if value.startswith("`") or value.endswith("`") else ""
    return f"{fence}{space}{value}{space}{fence}"


def codes(values: Iterable[str]) -> str:
    return ", ".join(code(value) for value in values)


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Return the lines of a table; columns of numbers are aligned to the right."""
    rows = [list(row) for row in rows]
    rules = [
        "---:" if rows and all(isinstance(row[column], int) for row in rows) else "---"
        for column in range(len(header))
    ]
    return [_row(header), _row(rules), *(_row(row) for row in rows)]


def blocks(*parts: Sequence[str]) -> str:
    """Join blocks of lines, with an empty line between any two, into a text."""
    return "\n\n".join("\n".join(lines) for lines in parts if lines)


def page_name(module: Module) -> str:
    return f"{module.name}-erd.md"


def viewpoint_page_name(name: str) -> str:
    return f"{name}-view.md"


def anchor(table_name: str) -> str:
    """Return an id for a table, readable where its name allows and never shared by two names."""
    safe = re.sub(r"[^A-Za-z0-9_-]+", "-", table_name)
    return f"table-{safe}" if safe == table_name else f"table-{safe}-{_digest(table_name)}"


def table_link(to: Table, module: Module, *, directory: str = "") -> str:
    """Return a link to the table's place on its module's page, or its name if it has none."""
    if not module.documented:
        return code(to.name)
    return f"[{code(to.name)}]({directory}{quote(page_name(module))}#{anchor(to.name)})"


def module_link(module: Module, *, directory: str = "") -> str:
    """Return a link to the module's page, or its title if it has none."""
    if not module.documented:
        return plain(module.title)
    return f"[{plain(module.title)}]({directory}{quote(page_name(module))})"


def number(amount: int, singular: str, plural: str = "") -> str:
    """Return "1 table", "2 tables"."""
    return f"{amount:,} {singular if amount == 1 else plural or singular + 's'}"


def _outside_code(value: str, change: Callable[[str], str]) -> str:
    if "`" not in value:
        return change(value)
    pieces = _CODE_SPAN.split(value)
    return "".join(
        piece if position % 2 else change(piece) for position, piece in enumerate(pieces)
    )


def _escaped(value: str) -> str:
    return _EDGE_UNDERSCORE.sub(r"\\_", _MARKS.sub(r"\\\g<0>", value))


def _row(cells: Iterable[object]) -> str:
    return f"| {' | '.join(map(_cell, cells))} |"


def _cell(value: object) -> str:
    written = f"{value:,}" if isinstance(value, int) else str(value)
    if "|" not in written:
        return written
    return _BARS.sub(lambda bars: rf"\{bars[0]}" if len(bars[0]) % 2 else bars[0], written)


def _digest(value: str) -> str:
    return f"{crc32(value.encode()):08x}"
