"""Reduces schemas to what models and a database can both be asked without a scratch place.

Expressions are spelt differently on the two sides, so they are left out: what remains are tables,
columns, plain types, keys over plain columns, and references.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from schematools.model import Column, Constraint, ForeignKey, Index, Schema, Table

# How PostgreSQL writes the types that Django names.
_SPELLINGS = (
    (re.compile(r"^varchar\b"), "character varying"),
    (re.compile(r"^char\b"), "character"),
    (re.compile(r"^(time|timestamp)$"), r"\1 without time zone"),
    (re.compile(r"^bool$"), "boolean"),
    (re.compile(r"^(int|serial)$"), "integer"),
    (re.compile(r"^bigserial$"), "bigint"),
    (re.compile(r"^smallserial$"), "smallint"),
)
_PLAIN = re.compile(
    r"(character( varying)?|numeric)(\(\d+(,\d+)?\))?|bigint|boolean|bytea|date|double precision"
    r"|inet|integer|interval|jsonb|smallint|text|uuid|(time|timestamp) with(out)? time zone"
    # SQLite's own
    r"|integer unsigned|bool|real|datetime|decimal|blob|varchar(\(\d+\))?|char(\(\d+\))?"
)


def outline(schema: Schema) -> Schema:
    return replace(schema, tables=tuple(_table(table, schema.vendor) for table in schema.tables))


def _table(table: Table, vendor: str) -> Table:
    names = {column.name for column in table.columns}
    return replace(
        table,
        columns=tuple(_column(column, vendor) for column in table.columns),
        indexes=tuple(
            Index(columns=index.columns, name=index.name, definition=index.definition)
            for index in table.indexes
            if _is_plain(index, names)
        ),
        constraints=tuple(_constraints(table, names)),
        foreign_keys=tuple(_reference(key) for key in table.foreign_keys if key.enforced),
        triggers=(),
        options=(),
        query="",
    )


def _column(column: Column, vendor: str) -> Column:
    kind = column.type.lower().replace(", ", ",")
    if vendor == "postgresql":
        for pattern, spelling in _SPELLINGS:
            kind = pattern.sub(spelling, kind)
    return Column(
        name=column.name,
        type=kind if _PLAIN.fullmatch(kind) else "",
        null=column.null,
    )


def _constraints(table: Table, names: set[str]) -> Iterator[Constraint]:
    for rule in table.constraints:
        if rule.kind in {"primary key", "unique"} and _is_plain(rule, names):
            yield Constraint(
                kind=rule.kind,
                columns=rule.columns,
                name=rule.name,
                is_index=rule.is_index,
                definition=rule.definition,
            )


def _is_plain(key: Index | Constraint, names: set[str]) -> bool:
    return not key.condition and not key.include and names.issuperset(key.columns)


def _reference(key: ForeignKey) -> ForeignKey:
    return ForeignKey(
        name=key.name,
        columns=key.columns,
        target=key.target,
        target_columns=key.target_columns,
        on_delete="",
        constraint=key.constraint,
    )
