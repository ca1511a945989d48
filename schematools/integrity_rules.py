"""Rules that rows have to keep, as SQL that finds those which do not.

A condition is about the row ``t``; names in it are quoted, percent signs doubled and values left
to parameters, so that it can stand in any query.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from schematools.expressions import literal
from schematools.findings import Finding, Severity
from schematools.markup import number

SHOWN = 5  # keys of rows, or values, that a finding names
ROW = "t"
OTHER = "other"


@dataclass(frozen=True, slots=True)
class Violation(Finding):
    """A rule that rows break; ``rows`` is how many, ``keys`` the first of them, as text.

    For values that are there more than once, the keys are those values.
    """

    rows: int = 0
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sql:
    """SQL with ``%s`` for each parameter."""

    text: str
    params: tuple[Any, ...] = ()

    def __str__(self) -> str:
        """Return it with the values in place, for people to run."""
        values = iter(self.params)
        return re.sub(
            r"%(s|%)", lambda match: literal(next(values)) if match[1] == "s" else "%", self.text
        )


@dataclass(frozen=True, slots=True)
class Place:
    """A table that rows are read from, and the columns that tell its rows apart.

    ``source`` and ``key`` are quoted; ``labels`` are the key's columns for people.
    """

    name: str
    source: str
    key: tuple[str, ...]
    labels: tuple[str, ...]

    def rows(self, sample: int | None = None) -> Sql:
        """Return what to read from: all rows, or the last ones by their key."""
        if sample is None:
            return Sql(f"{self.source} AS {ROW}")
        order = ", ".join(f"{column} DESC" for column in self.key)
        return Sql(f"(SELECT * FROM {self.source} ORDER BY {order} LIMIT %s) AS {ROW}", (sample,))  # noqa: S608


@dataclass(frozen=True, slots=True)
class RowRule:
    """Rows that meet ``broken`` break it.

    ``found`` follows "3 rows"; a rule ``alone`` looks at other tables too, so that it takes a
    query of its own.
    """

    id: str
    object: str
    place: Place
    broken: Sql
    expected: str
    found: str
    hint: str
    severity: Severity = "error"
    alone: bool = False

    def count(self, sample: int | None) -> Sql:
        return counted([self], sample)

    def first(self, sample: int | None) -> Sql:
        keys = ", ".join(self.place.key)
        rows = self.place.rows(sample)
        return Sql(
            f"SELECT {keys} FROM {rows.text} WHERE {self.broken.text} ORDER BY {keys} LIMIT %s",  # noqa: S608
            (*rows.params, *self.broken.params, SHOWN),
        )

    def violation(self, rows: int, keys: Iterable[Sequence[Any]]) -> Violation:
        shown = tuple(map(_joined, keys))
        listed = f", with {_joined(self.place.labels)} {_listed(shown, rows)}" if shown else ""
        return Violation(
            id=self.id,
            object=self.object,
            expected=self.expected,
            found=f"{number(rows, 'row')} {self.found}{listed}",
            remedy=f"{self.hint}; list them: {self.listing()}",
            severity=self.severity,
            rows=rows,
            keys=shown,
        )

    def listing(self) -> str:
        return str(
            Sql(
                f"SELECT * FROM {self.place.source} AS {ROW} WHERE {self.broken.text} "  # noqa: S608
                f"ORDER BY {', '.join(self.place.key)}",
                self.broken.params,
            )
        )


def counted(rules: Sequence[RowRule], sample: int | None) -> Sql:
    """Return one query for the number of rows that break each of the rules, all of one table."""
    columns = ", ".join(f"count(*) FILTER (WHERE {rule.broken.text})" for rule in rules)
    rows = rules[0].place.rows(sample)
    params = tuple(value for rule in rules for value in rule.broken.params)
    if len(rules) == 1:
        (rule,) = rules
        text = f"SELECT count(*) FROM {rows.text} WHERE {rule.broken.text}"  # noqa: S608
        return Sql(text, (*rows.params, *params))
    return Sql(f"SELECT {columns} FROM {rows.text}", (*params, *rows.params))  # noqa: S608


@dataclass(frozen=True, slots=True)
class UniqueRule:
    """No two of the rows that meet ``condition`` may have the same values."""

    object: str
    place: Place
    values: tuple[Sql, ...]
    expected: str
    condition: Sql = field(default_factory=lambda: Sql(""))
    nulls_distinct: bool = True
    id: str = "duplicate-value"

    def first(self, sample: int | None) -> Sql:
        """Return a query for the first values, how often each is there, and totals of both."""
        names = ", ".join(f"k{position}" for position, _ in enumerate(self.values))
        groups = self._groups(sample)
        return Sql(
            f"SELECT {names}, n, count(*) OVER (), sum(n) OVER () FROM ({groups.text}) AS d "  # noqa: S608
            "ORDER BY n DESC LIMIT %s",
            (*groups.params, SHOWN),
        )

    def _groups(self, sample: int | None = None) -> Sql:
        rows = self.place.rows(sample)
        selected = ", ".join(
            f"{value.text} AS k{position}" for position, value in enumerate(self.values)
        )
        wanted = [self.condition] if self.condition.text else []
        if self.nulls_distinct:
            wanted += [Sql(f"({value.text}) IS NOT NULL", value.params) for value in self.values]
        where = " AND ".join(f"({each.text})" for each in wanted) or "1 = 1"
        places = ", ".join(str(position + 1) for position, _ in enumerate(self.values))
        return Sql(
            f"SELECT {selected}, count(*) AS n FROM {rows.text} WHERE {where} "  # noqa: S608
            f"GROUP BY {places} HAVING count(*) > 1",
            (
                *(param for value in self.values for param in value.params),
                *rows.params,
                *(param for each in wanted for param in each.params),
            ),
        )

    def violation(self, groups: Sequence[Sequence[Any]]) -> Violation:
        *_, values, rows = groups[0]
        shown = tuple(_joined(group[:-3]) for group in groups)
        often = [f"{key} ({group[-3]} times)" for key, group in zip(shown, groups, strict=True)]
        return Violation(
            id=self.id,
            object=self.object,
            expected=self.expected,
            found=f"{number(int(values), 'value')} in {number(int(rows), 'row')}: "
            f"{_listed(often, int(values))}",
            remedy="change or delete all but one row of each, then run 'python manage.py "
            f"check_drift', which tells whether the rule is in place; list them: {self._groups()}",
            rows=int(rows),
            keys=shown,
        )


Rule = RowRule | UniqueRule


def quoted(name: str, connection: BaseDatabaseWrapper) -> str:
    """Quote any name for a query with parameters.

    Django's own ``quote_name`` trusts quotes that are there already, which is how projects name
    the table of another schema: only such names are left to it.
    """
    has_quotes = '"."' in name or (name.startswith('"') and name.endswith('"'))
    text = connection.ops.quote_name(name) if has_quotes else _escaped(name)
    return str(text).replace("%", "%%")


def plain_name(name: str) -> str:
    """Return a table's name as the catalog has it, where Django was given it with quotes."""
    return name.strip('"').replace('"."', ".")


def _escaped(name: str) -> str:
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def _joined(values: Sequence[Any]) -> str:
    texts = [str(value) for value in values]
    return texts[0] if len(texts) == 1 else f"({', '.join(texts)})"


def _listed(texts: Sequence[str], total: int) -> str:
    return ", ".join(texts) + (", …" if total > len(texts) else "")
