"""Reads the catalog of PostgreSQL.

What the search path shows is read, except for what belongs to an extension or the system. Names in
its first schema stand alone, others with their schema. Partitions are left out: the table they are
part of has their columns and keys. Expressions are spelt as PostgreSQL spells them.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from schematools import catalog_postgresql_sql as sql
from schematools.model import Column, Constraint, ForeignKey, Index, Table, TableKind, Trigger

SCOPE = sql.SCOPE
KINDS: Mapping[str, TableKind] = {
    "r": "table",
    "p": "partitioned table",
    "v": "view",
    "m": "materialized view",
    "f": "foreign table",
}
ACTIONS = {
    "a": "NO ACTION",
    "r": "RESTRICT",
    "c": "CASCADE",
    "n": "SET NULL",
    "d": "SET DEFAULT",
}
FIRING = {"O": "", "D": "disabled", "R": "replica", "A": "always"}
MATCH = {"s": "", "f": "FULL", "p": "PARTIAL"}
_MARK = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|[(),]""")
_QUOTED = re.compile(r'"(?:[^"]|"")*"')

Row = Sequence[Any]


@dataclass(slots=True)
class _Rows:
    """What the catalog says about one table."""

    columns: list[Row] = field(default_factory=list)
    keys: list["_Key"] = field(default_factory=list)
    constraints: list[Row] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Key:
    """An index, and the constraint behind it if there is one."""

    name: str
    method: str
    unique: bool
    valid: bool
    nulls_distinct: bool
    columns: tuple[str | None, ...]  # nothing stands for an expression
    parts: tuple[str, ...]
    include: tuple[str, ...]
    condition: str
    constraint: str
    deferrable: str
    constraint_definition: str
    definition: str

    @property
    def covers_all_rows(self) -> bool:
        return self.unique and self.valid and not self.condition and None not in self.columns


def read_tables(connection: BaseDatabaseWrapper) -> list[Table]:
    """Return the tables and views, in no order."""
    found: defaultdict[int, _Rows] = defaultdict(_Rows)
    with connection.cursor() as cursor:
        tables = _fetch(cursor, sql.TABLES)
        for oid, *row in _fetch(cursor, sql.COLUMNS):
            found[oid].columns.append(row)
        for oid, *row in _fetch(cursor, sql.INDEXES):
            found[oid].keys.append(_key(row))
        for oid, *row in _fetch(cursor, sql.CONSTRAINTS):
            found[oid].constraints.append(row)
    return [_read_table(row, found[oid]) for oid, *row in tables]


def _fetch(cursor: CursorWrapper, question: str) -> list[Row]:
    cursor.execute(SCOPE + question)
    return list(cursor.fetchall())


def _read_table(row: Row, rows: _Rows) -> Table:
    name, kind, description, query, options, triggers, disabled = row
    columns = tuple(_columns(rows))
    return Table(
        name=name,
        module="",
        kind=KINDS[kind],
        description=description,
        columns=columns,
        indexes=tuple(_indexes(rows.keys)),
        constraints=(*_key_constraints(rows.keys), *_checks(rows)),
        foreign_keys=tuple(_foreign_keys(rows, columns)),
        triggers=(*_triggers(triggers), *_disabled_triggers(disabled)),
        options=tuple(filter(None, options)),
        query=query,
    )


def _triggers(rows: Iterable[Row]) -> Iterator[Trigger]:
    for name, enabled, definition, source, function in rows:
        yield Trigger(
            name=name,
            action=f"{definition} {' '.join(source.split())}",
            firing=FIRING[enabled],
            definition=f"{function.strip()}; {definition}" if function else definition,
        )


def _disabled_triggers(constraints: Iterable[str]) -> Iterator[Trigger]:
    """Yield a trigger for each constraint whose own triggers do not fire."""
    for name in constraints:
        yield Trigger(name=name, action="", firing="disabled")


def _columns(rows: _Rows) -> Iterator[Column]:
    for name, kind, null, default, is_generated, is_identity, collation, text in rows.columns:
        yield Column(
            name=name,
            type=kind,
            null=null,
            db_default="identity" if is_identity else "" if is_generated else default,
            generated=without_outer_parentheses(default) if is_generated else "",
            collation=collation,
            description=" ".join(text.split()),
        )


# Keys and indexes


def _key(row: Row) -> _Key:
    name, method, unique, valid, nulls_distinct, width, columns, definition, *rest = row
    condition, constraint, deferrable, deferred, constraint_definition = rest
    # Of a partitioned table; as it stands there it would leave the partitions without theirs.
    definition = definition.replace(" ON ONLY ", " ON ", 1)
    start, end = group_at(definition)
    return _Key(
        name=name,
        method=method,
        unique=unique,
        valid=valid,
        nulls_distinct=nulls_distinct,
        columns=tuple(columns[:width]),
        parts=tuple(map(_part, columns, split(definition[start:end]))),
        include=tuple(columns[width:]),
        condition=without_outer_parentheses(condition),
        constraint=constraint,
        deferrable=_deferrable(deferrable=deferrable, deferred=deferred),
        constraint_definition=constraint_definition,
        definition=definition,
    )


def _part(column: str | None, sql: str) -> str:
    """Return a column of an index as in SQL; the name of a column stands there bare."""
    if column is None:
        return without_outer_parentheses(sql)
    return column + _QUOTED.sub("", sql, count=1) if sql.startswith('"') else sql


def _indexes(keys: Iterable[_Key]) -> Iterator[Index]:
    for key in keys:
        if not key.unique and not key.constraint:
            yield Index(
                name=key.name,
                columns=key.parts,
                method="" if key.method == "btree" else key.method,
                condition=key.condition,
                include=key.include,
                valid=key.valid,
                definition=key.definition,
            )


def _key_constraints(keys: Sequence[_Key]) -> Iterator[Constraint]:
    """Yield the primary key, then unique constraints and indexes, then exclusions."""
    for key in keys:
        if key.constraint == "p":
            yield _constraint(key, "primary key")
    for key in keys:
        if key.constraint == "u" or (key.unique and not key.constraint):
            yield _constraint(key, "unique")
    for key in keys:
        if key.constraint == "x":
            yield Constraint(
                kind="exclusion",
                name=key.name,
                expression=_exclusion(key.constraint_definition),
                condition=key.condition,
                include=key.include,
                deferrable=key.deferrable,
                valid=key.valid,
                definition=key.constraint_definition,
            )


def _exclusion(definition: str) -> str:
    return definition[len("EXCLUDE USING ") : group_at(definition)[1] + 1]


def _constraint(key: _Key, kind: Any) -> Constraint:
    return Constraint(
        kind=kind,
        name=key.name,
        columns=key.parts,
        condition=key.condition,
        include=key.include,
        deferrable=key.deferrable,
        nulls_distinct=key.nulls_distinct,
        valid=key.valid,
        is_index=not key.constraint,
        definition=key.constraint_definition or key.definition,
    )


# Checks and foreign keys


def _checks(rows: _Rows) -> Iterator[Constraint]:
    for name, kind, *_, expression, _, _, valid, definition in rows.constraints:
        if kind == "c":
            yield Constraint(
                kind="check",
                name=name,
                expression=without_outer_parentheses(expression),
                valid=valid,
                definition=definition,
            )


def _foreign_keys(rows: _Rows, columns: Iterable[Column]) -> Iterator[ForeignKey]:
    """Yield the foreign keys in the order of the columns."""
    place = {column.name: number for number, column in enumerate(columns)}
    nullable = {column.name for column in columns if column.null}
    unique = [set(key.columns) for key in rows.keys if key.covers_all_rows]
    references = [row for row in rows.constraints if row[1] == "f"]
    for row in sorted(references, key=lambda row: ([place[name] for name in row[2]], row[3])):
        own = tuple(row[2])
        name, _, _, target, target_columns, action, deferrable, deferred, enforced, *rest = row
        _, update, match, valid, definition = rest
        yield ForeignKey(
            name=", ".join(own),
            columns=own,
            target=target,
            target_columns=tuple(target_columns),
            on_delete=ACTIONS[action],
            null=not nullable.isdisjoint(own),
            unique=any(key <= set(own) for key in unique),
            enforced=enforced,
            deferrable=_deferrable(deferrable=deferrable, deferred=deferred),
            on_update="" if update == "a" else ACTIONS[update],
            match=MATCH[match],
            valid=valid,
            constraint=name,
            definition=definition,
        )


def _deferrable(*, deferrable: bool, deferred: bool) -> str:
    if not deferrable:
        return ""
    return "initially deferred" if deferred else "initially immediate"


# Text


def group_at(sql: str) -> tuple[int, int]:
    """Return where the content of the first parentheses begins and ends."""
    depth, start = 0, len(sql)
    for mark in _MARK.finditer(sql):
        if mark[0] == "(":
            start = mark.end() if depth == 0 else start
            depth += 1
        elif mark[0] == ")":
            depth -= 1
            if depth == 0:
                return start, mark.start()
    return start, len(sql)


def split(sql: str) -> Iterator[str]:
    """Yield what stands between the commas that are in no parentheses or quotes."""
    depth, start = 0, 0
    for mark in _MARK.finditer(sql):
        depth += {"(": 1, ")": -1}.get(mark[0], 0)
        if mark[0] == "," and depth == 0:
            yield sql[start : mark.start()].strip()
            start = mark.end()
    yield sql[start:].strip()


def without_outer_parentheses(sql: str) -> str:
    """Return the expression without parentheses around all of it."""
    while group_at(sql) == (1, len(sql) - 1):
        sql = sql[1:-1]
    return sql
