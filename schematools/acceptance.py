"""Reads, in migration files, which hazards somebody has accepted, and why.

A comment beside an operation, or on the lines above it, is about that operation; one before the
class is about the whole file::

    # schematools: accept index-added — the table has a hundred rows
    migrations.AddIndex(…)

The reason follows a dash or a colon. What is wrong with an acceptance is a finding itself:

=========================  =======================================================
``accept-unknown``         it names no hazard that there is
``accept-unused``          it accepts nothing that is found
``accept-without-reason``  it does not say why
=========================  =======================================================
"""

import ast
import io
import re
import tokenize
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from schematools.findings import Severity
from schematools.hazards import Hazard
from schematools.suggestions import did_you_mean

AcceptanceId = Literal["accept-unknown", "accept-unused", "accept-without-reason"]
SEVERITIES: dict[AcceptanceId, Severity] = {
    "accept-unknown": "error",
    "accept-unused": "warning",
    "accept-without-reason": "error",
}
EXAMPLE = "# schematools: accept index-added — the table is small"

_COMMENT = re.compile(r"#\s*schematools:\s*accept\b\s*(?P<rest>.*)")
# A hyphen, either dash, or a colon goes before the reason.
_REST = re.compile(r"(?P<id>[\w-]*\w)?\s*(?:[-\u2013\u2014:]+\s*)?(?P<reason>.*)")


@dataclass(frozen=True, slots=True)
class Acceptance:
    """One comment; ``position`` is the operation that it is about, or nothing for the file.

    ``is_misplaced`` is one inside the class and beside no operation.
    """

    id: str
    reason: str
    line: int
    position: int | None = None
    is_misplaced: bool = False

    def accepts(self, hazard: Hazard) -> bool:
        if self.is_misplaced or not self.reason or hazard.id != self.id:
            return False
        return self.position is None or self.position == hazard.position


def read_acceptances(source: str) -> tuple[Acceptance, ...]:
    """Return the acceptances in a migration file's source, in their order."""
    comments = [(line, _COMMENT.match(text)) for line, text in _comments(source)]
    found = [(line, match["rest"].strip()) for line, match in comments if match]
    if not found:
        return ()
    places = _Places(source)
    return tuple(
        Acceptance(*_id_and_reason(rest), line, places.position(line), places.is_misplaced(line))
        for line, rest in found
    )


def flaws(
    acceptances: Iterable[Acceptance],
    hazards: Sequence[Hazard],
    *,
    migration: str,
    ids: Collection[str],
) -> Iterator[Hazard]:
    """Yield what is wrong with acceptances; ``hazards`` are all that the file was found to have."""
    for each in acceptances:
        if each.id not in ids:
            yield _flaw("accept-unknown", each, migration, did_you_mean(each.id, ids))
        elif not each.reason:
            yield _flaw("accept-without-reason", each, migration, f"Write one: {EXAMPLE}")
        elif not any(map(each.accepts, hazards)):
            where = (
                "Put it on or above an operation, or before the class."
                if each.is_misplaced
                else "Remove it."
            )
            yield _flaw("accept-unused", each, migration, where)


def _flaw(name: AcceptanceId, each: Acceptance, migration: str, remedy: str) -> Hazard:
    messages = {
        "accept-unknown": f"There is no hazard {each.id!r} to accept.",
        "accept-unused": f"Nothing is accepted by accepting {each.id!r} here.",
        "accept-without-reason": f"Nothing says why {each.id!r} is accepted, so it is not.",
    }
    return Hazard(
        id=name,
        severity=SEVERITIES[name],
        object=f"{migration}: line {each.line}",
        message=messages[name],
        remedy=remedy,
        migration=migration,
        position=-1 if each.position is None else each.position,
    )


def _comments(source: str) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def _id_and_reason(rest: str) -> tuple[str, str]:
    match = _REST.fullmatch(rest)
    return (match["id"] or "", match["reason"].strip()) if match else ("", rest)


class _Places:
    """Where a migration's class and its operations are in the source."""

    def __init__(self, source: str) -> None:
        tree = ast.parse(source)
        self.lines = [line.strip() for line in source.splitlines()]
        classes = [
            node
            for node in tree.body
            if isinstance(node, ast.ClassDef) and node.name == "Migration"
        ]
        self.class_line = _first_line(classes[-1]) if classes else len(self.lines) + 1
        self.operations = _operations(classes[-1]) if classes else []

    def position(self, line: int) -> int | None:
        """Return the operation on whose lines, or on the lines right above which, ``line`` is."""
        for position, node in enumerate(self.operations):
            first = node.lineno
            while first > 1 and self.lines[first - 2].startswith("#"):
                first -= 1
            if first <= line <= (node.end_lineno or first):
                return position
        return None

    def is_misplaced(self, line: int) -> bool:
        return line >= self.class_line and self.position(line) is None


def _first_line(node: ast.ClassDef) -> int:
    return min([node.lineno, *(each.lineno for each in node.decorator_list)])


def _operations(node: ast.ClassDef) -> list[ast.expr]:
    """Return the class's operations where they are written out as a list."""
    for statement in node.body:
        if isinstance(statement, ast.Assign):
            targets, value = statement.targets, statement.value
        elif isinstance(statement, ast.AnnAssign) and statement.value:
            targets, value = [statement.target], statement.value
        else:
            continue
        names = [target.id for target in targets if isinstance(target, ast.Name)]
        if "operations" in names and isinstance(value, (ast.List, ast.Tuple)):
            starred = any(isinstance(each, ast.Starred) for each in value.elts)
            return [] if starred else value.elts
    return []
