"""Changes the source of a migration where it must change and nowhere else.

Positions come from Python's own parser, so that comments, quotes and layout stay as they are. What
is not written out, so that it cannot be changed in place, is refused.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

MigrationKey = tuple[str, str]

LISTS = ("dependencies", "run_before")

_BLANK = re.compile(rb"[ \t\f]*\r?\n?")
_NOTHING_MORE = re.compile(rb"[ \t]*(#[^\r\n]*)?\r?\n?")
_COMMA_BEFORE = re.compile(rb",[ \t]*$")
_COMMA_AFTER = re.compile(rb"[ \t]*,[ \t]*")


class SourceEditError(Exception):
    """The source is written in a way that cannot be changed in place; the message says how."""


@dataclass(frozen=True, slots=True)
class _Edit:
    """Bytes to replace."""

    start: int
    end: int
    text: bytes = b""


def without_replaces(source: str) -> str:
    """Return the migration without its ``replaces``, and without the gap that it would leave.

    Raise ``SourceEditError`` unless it is one plain statement on lines of its own.
    """
    text = _Source(source)
    statements = list(text.assignments("replaces"))
    mentions = [
        node
        for node in ast.walk(text.migration)
        if isinstance(node, ast.Name) and node.id == "replaces"
    ]
    if len(statements) != 1 or len(mentions) != 1:
        raise SourceEditError("'replaces' is not one plain assignment")
    if len(text.migration.body) == 1:
        raise SourceEditError("'replaces' is all that there is in the class")
    return text.changed([text.removal_of(statements[0])])


def with_dependencies(source: str, new_names: Mapping[MigrationKey, MigrationKey]) -> str:
    """Return the migration with other names in its ``dependencies`` and ``run_before``.

    An entry that would be there twice goes away. What is computed is left as it is.
    """
    text = _Source(source)
    edits: list[_Edit] = []
    for name in LISTS:
        for statement in text.assignments(name):
            if isinstance(statement.value, (ast.List, ast.Tuple)):
                edits += _renamings(text, statement.value, new_names)
    return text.changed(edits)


def _renamings(
    text: "_Source", entries: ast.List | ast.Tuple, new_names: Mapping[MigrationKey, MigrationKey]
) -> Iterator[_Edit]:
    keys = {entry: key for entry in entries.elts if (key := _key(entry))}
    seen = {key for key in keys.values() if key not in new_names}
    for entry, key in keys.items():
        if key not in new_names:
            continue
        new = new_names[key]
        if new in seen and (removal := text.removal_of_entry(entry)):
            yield removal
            continue
        seen.add(new)
        app, name = entry.elts  # type: ignore[attr-defined]
        if new[0] != key[0]:
            yield text.renaming(app, new[0])
        yield text.renaming(name, new[1])


def _key(entry: ast.expr) -> MigrationKey | None:
    """Return what an entry names, if it is a pair of plain strings."""
    if not isinstance(entry, (ast.Tuple, ast.List)) or len(entry.elts) != len(("app", "name")):
        return None
    values = [each.value for each in entry.elts if isinstance(each, ast.Constant)]
    app, name = (*values, None, None)[:2]
    return (app, name) if isinstance(app, str) and isinstance(name, str) else None


class _Source:
    """A migration's source as bytes, which is what the parser's columns count."""

    def __init__(self, source: str) -> None:
        self.raw = source.encode()
        self.lines = self.raw.splitlines(keepends=True)
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line))
        classes = [
            node
            for node in ast.parse(source).body
            if isinstance(node, ast.ClassDef) and node.name == "Migration"
        ]
        if len(classes) != 1:
            raise SourceEditError("there is not one class 'Migration' at the top level")
        self.migration = classes[0]

    def changed(self, edits: list[_Edit]) -> str:
        raw = self.raw
        for edit in sorted(edits, key=lambda each: each.start, reverse=True):
            raw = raw[: edit.start] + edit.text + raw[edit.end :]
        return raw.decode()

    def assignments(self, name: str) -> Iterator[ast.Assign | ast.AnnAssign]:
        """Yield the statements of the class that are ``name = …``."""
        for statement in self.migration.body:
            if isinstance(statement, ast.Assign):
                targets = statement.targets
            elif isinstance(statement, ast.AnnAssign):
                targets = [statement.target]
            else:
                continue
            if len(targets) == 1 and isinstance(targets[0], ast.Name) and targets[0].id == name:
                yield statement

    def removal_of(self, statement: ast.stmt) -> _Edit:
        """Return the removal of whole lines, with the empty ones after when some are before."""
        start, end = self._span(statement)
        first, last = statement.lineno - 1, (statement.end_lineno or statement.lineno) - 1
        before, after = self.raw[self.starts[first] : start], self.raw[end : self.starts[last + 1]]
        if before.strip() or not _NOTHING_MORE.fullmatch(after):
            raise SourceEditError("'replaces' shares its line with something else")
        following = last + 1
        if self._is_blank(first - 1) or first == self.migration.lineno:
            while following < len(self.lines) and self._is_blank(following):
                following += 1
        return _Edit(self.starts[first], self.starts[following])

    def removal_of_entry(self, entry: ast.expr) -> _Edit | None:
        """Return the removal of one of a list's entries; nothing where a comment is in the way."""
        start, end = self._span(entry)
        first, last = entry.lineno - 1, (entry.end_lineno or entry.lineno) - 1
        line_start, line_end = self.starts[first], self.starts[last + 1]
        comma = _COMMA_AFTER.match(self.raw, end, line_end)
        if comma is None:
            before = _COMMA_BEFORE.search(self.raw[line_start:start])
            return _Edit(line_start + before.start(), end) if before else None
        is_alone = not self.raw[line_start:start].strip()
        if is_alone and not self.raw[comma.end() : line_end].strip():
            return _Edit(line_start, line_end)
        return _Edit(start, comma.end())

    def renaming(self, literal: ast.expr, new: str) -> _Edit:
        """Return the change of a string's content, with the quotes that it has."""
        start, end = self._span(literal)
        quote = next(byte for byte in self.raw[start:end] if byte in b"'\"")
        return _Edit(start, end, b"%c%s%c" % (quote, new.encode(), quote))

    def _span(self, node: ast.stmt | ast.expr) -> tuple[int, int]:
        end_line, end_column = node.end_lineno or node.lineno, node.end_col_offset or 0
        return (
            self.starts[node.lineno - 1] + node.col_offset,
            self.starts[end_line - 1] + end_column,
        )

    def _is_blank(self, line: int) -> bool:
        return 0 <= line < len(self.lines) and bool(_BLANK.fullmatch(self.lines[line]))
