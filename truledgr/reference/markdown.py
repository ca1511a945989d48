"""What the pages are put together from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

NOTE = "<!-- Made by `manage.py generate_reference`; what is changed here is lost. -->"


def page(title: str, *parts: str) -> str:
    """A whole page: parts are paragraphs, tables and headings, with a blank line between."""
    return "\n\n".join([NOTE, f"# {title}", *(part for part in parts if part)]) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [_line(head), "|---" * len(head) + "|", *(_line(row) for row in rows)]
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(' '.join(cell.split()).replace('|', chr(92) + '|') for cell in cells)} |"


def code(text: str) -> str:
    return f"`{text}`" if text else ""


def codes(texts: Iterable[str]) -> str:
    return ", ".join(code(text) for text in texts)


def sentence(text: str) -> str:
    """``text`` with a capital first and a full stop last."""
    text = " ".join(text.split())
    if not text:
        return ""
    return text[0].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")
