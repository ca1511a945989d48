"""What text and JSON may hold so that every engine stores it and every client reads it back."""

from __future__ import annotations

from math import isfinite
from typing import Any

DEEPEST = 32


def flaw_of_text(text: str) -> str | None:
    """Say why ``text`` cannot be stored; ``None`` when it can."""
    if "\0" in text:
        return "Null characters are not allowed."
    try:
        text.encode()
    except UnicodeEncodeError:
        return "A lone surrogate is not a character."
    return None


def flaw_of(value: Any) -> str | None:
    """Say why a parsed JSON value cannot be stored; ``None`` when it can.

    It walks without recursion, so that depth is an answer and not a crash.
    """
    waiting = [(value, 0)]
    while waiting:
        part, depth = waiting.pop()
        flaw = None
        if isinstance(part, str):
            flaw = flaw_of_text(part)
        elif isinstance(part, float) and not isfinite(part):
            flaw = "Not a number that can be stored: too large, or no number at all."
        elif isinstance(part, dict | list) and depth == DEEPEST:
            flaw = f"Nested deeper than {DEEPEST} levels."
        elif isinstance(part, dict):
            waiting += [(inner, depth + 1) for pair in part.items() for inner in pair]
        elif isinstance(part, list):
            waiting += [(inner, depth + 1) for inner in part]
        if flaw:
            return flaw
    return None


def printable(text: str, *, longest: int = 100) -> str:
    """``text`` cut and escaped, so that an answer may name what the caller sent."""
    cut = text if len(text) <= longest else f"{text[:longest]}…"
    return cut.encode(errors="backslashreplace").decode().replace("\0", "\\x00")
