"""What the checks find, and what is said to be left out of it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal, Protocol, TypeVar

from schematools.errors import CannotRunError
from schematools.suggestions import did_you_mean

Severity = Literal["error", "warning", "info"]


class AnyFinding(Protocol):
    """What every finding has: a stable id, an object's full name, a sentence and the remedy."""

    @property
    def id(self) -> str: ...
    @property
    def severity(self) -> Severity: ...
    @property
    def object(self) -> str: ...
    @property
    def sentence(self) -> str: ...
    @property
    def remedy(self) -> str: ...


F = TypeVar("F", bound=AnyFinding)


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference: in which object, what was expected and found, and what mends it."""

    id: str
    object: str
    expected: str
    found: str
    remedy: str
    severity: Severity = "error"

    @property
    def sentence(self) -> str:
        return f"Expected {self.expected}; found {self.found}."


@dataclass(frozen=True, slots=True)
class Ignore:
    """Findings to leave out: those of an id, about objects that match a pattern, and why."""

    id: str
    pattern: str = "*"
    reason: str = ""

    def __str__(self) -> str:
        return self.id if self.pattern == "*" else f"{self.id}:{self.pattern}"

    def matches(self, finding: AnyFinding) -> bool:
        return finding.id == self.id and fnmatchcase(finding.object, self.pattern)


def parse_ignores(entries: Mapping[str, str], *, ids: Collection[str]) -> tuple[Ignore, ...]:
    """Return what ``ID`` and ``ID:PATTERN`` stand for; the values are reasons, or empty.

    Raise ``CannotRunError`` for an id that is not one of ``ids``.
    """
    ignores = []
    for text, reason in entries.items():
        name, _, pattern = text.partition(":")
        if name not in ids:
            raise CannotRunError(
                f"There is no finding {name!r} to ignore. {did_you_mean(name, ids)}"
            )
        ignores.append(Ignore(name, pattern or "*", reason))
    return tuple(ignores)


def without_ignored(findings: Iterable[F], ignores: Sequence[Ignore]) -> tuple[F, ...]:
    """Return the findings that nothing says to leave out."""
    return tuple(
        finding for finding in findings if not any(each.matches(finding) for each in ignores)
    )


def unused(findings: Collection[AnyFinding], ignores: Sequence[Ignore]) -> tuple[Ignore, ...]:
    """Return what leaves out nothing, so that it can be removed."""
    return tuple(each for each in ignores if not any(map(each.matches, findings)))
