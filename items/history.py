"""What one event of the trail changed in an item, so that people can read it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.differences import PathChange, diff_of, is_long, paths_between

MOST_PATHS = 100


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
        paths = [*paths_between(_parsed(before, {}), _parsed(after, {}))]
        shown = tuple(paths[:MOST_PATHS])
        return FieldChange(name, paths=shown, more_paths=len(paths) - len(shown))
    if name == "tags":
        return FieldChange(name, _parsed(before, None), _parsed(after, None))
    if name == "description" and (is_long(before) or is_long(after)):
        return FieldChange(name, diff=diff_of(before or "", after or ""))
    return FieldChange(name, before, after)


def _parsed(text: Any, default: Any) -> Any:
    """The trail holds JSON columns as text."""
    return default if text is None else json.loads(text)
