"""Keeps blocks of hand-written Markdown fresh.

A block stands between the lines ``<!-- schematools:NAME -->`` and ``<!-- /schematools:NAME -->``.
Lines inside a fenced code block are examples and stay as they are.
"""

import re
from collections.abc import Mapping

from schematools.errors import CannotRunError
from schematools.suggestions import did_you_mean

_OPENING = re.compile(r"\s*<!--\s*schematools:(?P<name>\S+)\s*-->\s*")
_CLOSING = re.compile(r"\s*<!--\s*/schematools:(?P<name>\S+)\s*-->\s*")
_FENCE = re.compile(r" {0,3}(?P<fence>`{3,}|~{3,})")


def refresh(source: str, contents: Mapping[str, str]) -> str:
    """Return ``source`` with every block's inside replaced by the content of its name.

    Raise ``CannotRunError`` for a name without content and for a block that is not closed.
    """
    kept: list[str] = []
    fence = block = ""
    for line in source.splitlines():
        if block:
            closing = _CLOSING.fullmatch(line)
            if closing and closing["name"] == block:
                kept += ["", contents[block], "", line]
                block = ""
            elif closing or _OPENING.fullmatch(line):
                break
            continue
        kept.append(line)
        fence = fence_after(line, fence)
        opening = None if fence else _OPENING.fullmatch(line)
        if opening:
            block = opening["name"]
            if block not in contents:
                raise CannotRunError(
                    f"There is no block named {block!r}. {did_you_mean(block, contents)}"
                )
    if block:
        raise CannotRunError(f"The block {block!r} is not closed by <!-- /schematools:{block} -->.")
    return "\n".join(kept) + "\n"


def fence_after(line: str, fence: str) -> str:
    """Return the fence that is open after this line, given the one that was open before it."""
    match = _FENCE.match(line)
    if not match:
        return fence
    if not fence:
        return match["fence"]
    closes = match["fence"].startswith(fence) and not line[match.end() :].strip()
    return "" if closes else fence
