"""Where two texts or two JSON values differ, so that people can read it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher, unified_diff
from itertools import groupby, zip_longest
from typing import Any

from core.json_values import printable

LONG_TEXT = 200  # characters: from here on, and of several lines, a text is shown as a diff
MOST_COMPARED = 40_000  # pairs of lines or words; beyond, comparing them would take too long
ALIKE = (
    0.4  # from here on two lines are one line that was changed (0 to 1, by letters in common words)
)

MISSING = object()
KINDS = {"+": "added", "-": "removed", "@": "place"}


# --- JSON -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PathChange:
    """One place in JSON data; ``path`` is a JSON Pointer (RFC 6901), ``op`` as in RFC 6902."""

    op: str
    path: str
    before: Any = None
    after: Any = None


def paths_between(before: Any, after: Any, path: str = "") -> Iterator[PathChange]:
    """Where two JSON values differ, depth first; they are not deep: 32 levels at most."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted(before.keys() | after.keys()):
            escaped = printable(name.replace("~", "~0").replace("/", "~1"))
            inner = (before.get(name, MISSING), after.get(name, MISSING))
            yield from paths_between(*inner, f"{path}/{escaped}")
    elif isinstance(before, list) and isinstance(after, list):
        for index in range(max(len(before), len(after))):
            old = before[index] if index < len(before) else MISSING
            new = after[index] if index < len(after) else MISSING
            yield from paths_between(old, new, f"{path}/{index}")
    elif before is MISSING:
        yield PathChange("add", path, after=after)
    elif after is MISSING:
        yield PathChange("remove", path, before=before)
    elif not _is_same(before, after):
        yield PathChange("replace", path, before, after)


def _is_same(before: Any, after: Any) -> bool:
    """To JSON, true is not 1; to Python, it is."""
    return before == after and isinstance(before, bool) == isinstance(after, bool)


# --- Text -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a diff with its sign; ``parts`` are texts, each with whether it is what differs."""

    kind: str
    parts: tuple[tuple[str, bool], ...]


def is_long(value: Any) -> bool:
    return isinstance(value, str) and (len(value) > LONG_TEXT or "\n" in value)


def diff_of(before: str, after: str) -> str:
    """A unified diff without file names, empty when nothing differs.

    Texts of very many lines are shown as wholly replaced.
    """
    old, new = before.splitlines(), after.splitlines()
    if len(old) * len(new) > MOST_COMPARED:
        head = f"@@ -1,{len(old)} +1,{len(new)} @@"
        return "\n".join([head, *(f"-{line}" for line in old), *(f"+{line}" for line in new)])
    lines = [*unified_diff(old, new, lineterm="")][2:]
    return "\n".join(lines)


def lines_of(diff: str) -> list[Line]:
    """The lines of ``diff_of()``; in those that were changed, the words that differ are marked."""
    found: list[Line] = []
    removed: list[str] = []
    for kind, texts in groupby(diff.split("\n") if diff else [], key=_kind_of):
        lines = [*texts]
        if kind == "removed":
            removed = lines
            continue
        found += _changed(removed, lines if kind == "added" else [])
        removed = []
        if kind != "added":
            found += [Line(kind, ((line, False),)) for line in lines]
    return [*found, *_changed(removed, [])]


def _kind_of(line: str) -> str:
    return KINDS.get(line[:1], "same")


def _changed(removed: list[str], added: list[str]) -> Iterator[Line]:
    """All that was removed, then all that was added in its place."""
    pairs = [_marked(old, new) for old, new in zip_longest(removed, added)]
    yield from (Line("removed", old) for old, _new in pairs if old)
    yield from (Line("added", new) for _old, new in pairs if new)


Parts = tuple[tuple[str, bool], ...]


def _marked(old: str | None, new: str | None) -> tuple[Parts, Parts]:
    if old is None or new is None:
        return ((old, False),) if old else (), ((new, False),) if new else ()
    before, after = _words(old), _words(new)
    if len(before) * len(after) <= MOST_COMPARED:
        steps = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
        kept = [word for step, i, j, _k, _l in steps if step == "equal" for word in before[i:j]]
        if _length(kept) * 2 >= ALIKE * (_length(before) + _length(after)):
            olds = (("".join(before[i:j]), step != "equal") for step, i, j, _k, _l in steps)
            news = (("".join(after[k:m]), step != "equal") for step, _i, _j, k, m in steps)
            return (
                ((old[:1], False), *(part for part in olds if part[0])),
                ((new[:1], False), *(part for part in news if part[0])),
            )
    return ((old, False),), ((new, False),)


def _length(words: list[str]) -> int:
    """How many letters they have; spaces are alike in any two lines."""
    return sum(len(word) for word in words if not word.isspace())


def _words(line: str) -> list[str]:
    """The words of a line of a diff, without its sign."""
    return re.findall(r"\w+|\s+|[^\w\s]", line[1:])
