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

from schematools.model import Column, Constraint, ForeignKey, Index, Table, TableKind

# Four queries, however many tables there are. No parameters and no percent signs: drivers differ.

# Begins every query with the tables it is about.
SCOPE = """
WITH scope AS MATERIALIZED (
    SELECT c.oid, c.relkind,
        CASE WHEN n.nspname = current_schema() THEN c.relname::text
             ELSE n.nspname || '.' || c.relname END AS name
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
      AND NOT c.relispartition
      AND n.nspname = ANY (current_schemas(false))
      AND left(n.nspname, 3) <> 'pg_'
      AND n.nspname <> 'information_schema'
      AND NOT EXISTS (
          SELECT FROM pg_depend d
          WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
      )
)
"""

# 1. Tables and views, with their comments.
TABLES = """
SELECT s.oid, s.name, s.relkind::text, coalesce(obj_description(s.oid, 'pg_class'), '')
FROM scope s
"""

# 2. Columns. A sequence that a column owns and takes its default from is a serial's, which says
#    the same as an identity. A domain may refuse NULL as well.
COLUMNS = r"""
SELECT a.attrelid, a.attname::text,
    format_type(a.atttypid, a.atttypmod),
    NOT (a.attnotnull OR (t.typtype = 'd' AND t.typnotnull)),
    coalesce(pg_get_expr(d.adbin, d.adrelid), ''),
    a.attgenerated <> '',
    a.attidentity <> '' OR (
        pg_get_expr(d.adbin, d.adrelid) ~ '^nextval\(''([^'']|'''')+''::regclass\)$'
        AND EXISTS (
            SELECT FROM pg_depend owned
            JOIN pg_depend used ON used.refclassid = owned.classid AND used.refobjid = owned.objid
            WHERE owned.classid = 'pg_class'::regclass AND owned.deptype = 'a'
              AND owned.refclassid = 'pg_class'::regclass
              AND owned.refobjid = a.attrelid AND owned.refobjsubid = a.attnum
              AND used.classid = 'pg_attrdef'::regclass AND used.objid = d.oid
        )
    ),
    CASE WHEN a.attcollation = t.typcollation THEN ''
         WHEN pg_collation_is_visible(a.attcollation) THEN c.collname::text
         ELSE c.collnamespace::regnamespace || '.' || c.collname END,
    coalesce(col_description(a.attrelid, a.attnum), '')
FROM scope s
JOIN pg_attribute a ON a.attrelid = s.oid
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_collation c ON c.oid = a.attcollation
WHERE a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum
"""

# 3. Indexes, with the primary key, unique or exclusion constraint behind them. The names of the
#    columns are null where an expression stands. Before PostgreSQL 15 there was no
#    indnullsnotdistinct, which asking for it as JSON does not mind.
INDEXES = """
SELECT i.indrelid, ic.relname::text, am.amname::text, i.indisunique, i.indisvalid,
    coalesce(to_jsonb(i) ->> 'indnullsnotdistinct', 'false') = 'false',
    i.indnkeyatts,
    ARRAY(
        SELECT a.attname::text
        FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS key (number, place)
        LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = key.number
            AND a.attnum <> 0
        ORDER BY key.place
    ),
    pg_get_indexdef(i.indexrelid),
    coalesce(pg_get_expr(i.indpred, i.indrelid), ''),
    coalesce(k.contype::text, ''), coalesce(k.condeferrable, false),
    coalesce(k.condeferred, false),
    CASE WHEN k.contype = 'x' THEN pg_get_constraintdef(k.oid) ELSE '' END
FROM scope s
JOIN pg_index i ON i.indrelid = s.oid
JOIN pg_class ic ON ic.oid = i.indexrelid
JOIN pg_am am ON am.oid = ic.relam
LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid
    AND k.contype IN ('p', 'u', 'x')
ORDER BY ic.relname
"""

# 4. Checks and foreign keys. Those with a parent are what a partition adds to its table's.
CONSTRAINTS = """
SELECT k.conrelid, k.conname::text, k.contype::text,
    ARRAY(
        SELECT a.attname::text
        FROM unnest(k.conkey) WITH ORDINALITY AS key (number, place)
        JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = key.number
        ORDER BY key.place
    ),
    coalesce(
        CASE WHEN n.nspname = current_schema() THEN f.relname::text
             ELSE n.nspname || '.' || f.relname END, ''
    ),
    ARRAY(
        SELECT a.attname::text
        FROM unnest(k.confkey) WITH ORDINALITY AS key (number, place)
        JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = key.number
        ORDER BY key.place
    ),
    k.confdeltype::text, k.condeferrable, k.condeferred,
    coalesce(to_jsonb(k) ->> 'conenforced', 'true') = 'true',
    coalesce(pg_get_expr(k.conbin, k.conrelid), '')
FROM scope s
JOIN pg_constraint k ON k.conrelid = s.oid
LEFT JOIN pg_class f ON f.oid = k.confrelid
LEFT JOIN pg_namespace n ON n.oid = f.relnamespace
WHERE k.contype IN ('c', 'f') AND k.conparentid = 0
ORDER BY k.conname
"""

KINDS: Mapping[str, TableKind] = {
    "r": "table",
    "p": "partitioned table",
    "v": "view",
    "m": "materialized view",
    "f": "foreign table",
}
ON_DELETE = {
    "a": "NO ACTION",
    "r": "RESTRICT",
    "c": "CASCADE",
    "n": "SET NULL",
    "d": "SET DEFAULT",
}
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
    definition: str

    @property
    def covers_all_rows(self) -> bool:
        return self.unique and self.valid and not self.condition and None not in self.columns


def read_tables(connection: BaseDatabaseWrapper) -> list[Table]:
    """Return the tables and views, in no order."""
    found: defaultdict[int, _Rows] = defaultdict(_Rows)
    with connection.cursor() as cursor:
        tables = _fetch(cursor, TABLES)
        for oid, *row in _fetch(cursor, COLUMNS):
            found[oid].columns.append(row)
        for oid, *row in _fetch(cursor, INDEXES):
            found[oid].keys.append(_key(row))
        for oid, *row in _fetch(cursor, CONSTRAINTS):
            found[oid].constraints.append(row)
    return [_read_table(name, kind, text, found[oid]) for oid, name, kind, text in tables]


def _fetch(cursor: CursorWrapper, sql: str) -> list[Row]:
    cursor.execute(SCOPE + sql)
    return list(cursor.fetchall())


def _read_table(name: str, kind: str, description: str, rows: _Rows) -> Table:
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
    )


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
    condition, constraint, deferrable, deferred, exclusion = rest
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
        definition=exclusion,
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
                expression=key.definition[len("EXCLUDE USING ") : group_at(key.definition)[1] + 1],
                condition=key.condition,
                include=key.include,
                deferrable=key.deferrable,
            )


def _constraint(key: _Key, kind: Any) -> Constraint:
    return Constraint(
        kind=kind,
        name=key.name,
        columns=key.parts,
        condition=key.condition,
        include=key.include,
        deferrable=key.deferrable,
        nulls_distinct=key.nulls_distinct,
    )


# Checks and foreign keys


def _checks(rows: _Rows) -> Iterator[Constraint]:
    for name, kind, *_, expression in rows.constraints:
        if kind == "c":
            yield Constraint(
                kind="check", name=name, expression=without_outer_parentheses(expression)
            )


def _foreign_keys(rows: _Rows, columns: Iterable[Column]) -> Iterator[ForeignKey]:
    """Yield the foreign keys in the order of the columns."""
    place = {column.name: number for number, column in enumerate(columns)}
    nullable = {column.name for column in columns if column.null}
    unique = [set(key.columns) for key in rows.keys if key.covers_all_rows]
    references = [row for row in rows.constraints if row[1] == "f"]
    for row in sorted(references, key=lambda row: ([place[name] for name in row[2]], row[3])):
        own = tuple(row[2])
        _, _, _, target, target_columns, action, deferrable, deferred, enforced, _ = row
        yield ForeignKey(
            name=", ".join(own),
            columns=own,
            target=target,
            target_columns=tuple(target_columns),
            on_delete=ON_DELETE[action],
            null=not nullable.isdisjoint(own),
            unique=any(key <= set(own) for key in unique),
            enforced=enforced,
            deferrable=_deferrable(deferrable=deferrable, deferred=deferred),
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
