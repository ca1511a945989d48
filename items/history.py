"""What one event of the trail changed in an item, so that people can read it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from typing import Any

from core.json_values import printable

LONG_TEXT = 200  # characters: from here on, and of several lines, a text is shown as a diff
MOST_COMPARED = 40_000  # pairs of lines; beyond, comparing them would take too long
MOST_PATHS = 100

MISSING = object()


@dataclass(frozen=True, slots=True)
class PathChange:
    """One place in JSON data; ``path`` is a JSON Pointer (RFC 6901), ``op`` as in RFC 6902."""

    op: str
    path: str
    before: Any = None
    after: Any = None


@dataclass(frozen=True, slots=True)
class FieldChange:
    """``diff`` stands in place of the values of a long text, ``paths`` in that of JSON data.

    ``is_hidden`` says that a value is left out, because it is not for the reader.
    """

    field: str
    before: Any = None
    after: Any = None
    diff: str | None = None
    paths: tuple[PathChange, ...] = ()
    more_paths: int = 0
    is_hidden: bool = False


def changes_in(recorded: Mapping[str, Any]) -> list[FieldChange]:
    """The changes that an event of the trail has recorded, without that of the version."""
    return [
        _change(name, before, after)
        for name, (before, after) in sorted(recorded.items())
        if name != "version"
    ]


def _change(name: str, before: Any, after: Any) -> FieldChange:
    if name == "data":
        paths = [*_paths(_parsed(before, {}), _parsed(after, {}), "")]
        shown = tuple(paths[:MOST_PATHS])
        return FieldChange(name, paths=shown, more_paths=len(paths) - len(shown))
    if name == "tags":
        return FieldChange(name, _parsed(before, None), _parsed(after, None))
    if name == "description" and (_is_long(before) or _is_long(after)):
        return FieldChange(name, diff=diff_of(before or "", after or ""))
    return FieldChange(name, before, after)


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


def _paths(before: Any, after: Any, path: str) -> Iterator[PathChange]:
    """Where two JSON values differ, depth first; they are not deep: 32 levels at most."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted(before.keys() | after.keys()):
            escaped = printable(name.replace("~", "~0").replace("/", "~1"))
            inner = (before.get(name, MISSING), after.get(name, MISSING))
            yield from _paths(*inner, f"{path}/{escaped}")
    elif isinstance(before, list) and isinstance(after, list):
        for index in range(max(len(before), len(after))):
            old = before[index] if index < len(before) else MISSING
            new = after[index] if index < len(after) else MISSING
            yield from _paths(old, new, f"{path}/{index}")
    elif before is MISSING:
        yield PathChange("add", path, after=after)
    elif after is MISSING:
        yield PathChange("remove", path, before=before)
    elif not _is_same(before, after):
        yield PathChange("replace", path, before, after)


def _is_same(before: Any, after: Any) -> bool:
    """To JSON, true is not 1; to Python, it is."""
    return before == after and isinstance(before, bool) == isinstance(after, bool)


def _is_long(value: Any) -> bool:
    return isinstance(value, str) and (len(value) > LONG_TEXT or "\n" in value)


def _parsed(text: Any, default: Any) -> Any:
    """The trail holds JSON columns as text."""
    return default if text is None else json.loads(text)
