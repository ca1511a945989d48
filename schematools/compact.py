"""Writes a schema as small JSON that a person or a language model reads in one go.

It is meant to be pasted into a question, not to be read back: it says what tables hold and how they
hang together, and leaves out indexes, collations, what a kind of database does differently and all
but the first sentence of a description. The document explains itself in its key ``legend``::

    {
      "format": "schematools-compact", "version": 1, "title": …, "database": …, "legend": …,
      "modules": {<module>: {"purpose": …, "tables": {<table>: {
        "about": …, "kind": "view", "columns": {<column>: <text>},
        "primary_key": [<column>, …], "keys": [<text>, …],
        "unique": [<text>, …], "checks": [<text>, …], "many_to_many": {<field>: <text>},
        "generic_keys": {<field>: <text>}
      }}}}
    }

A key that would be empty is absent. ``primary_key`` and ``keys`` are there for several columns;
what is about one column is said at the column.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from schematools.mermaid import TYPE_NAMES
from schematools.model import Column, Constraint, ForeignKey, Module, Schema, Table

FORMAT = "schematools-compact"
VERSION = 1
MAX_SENTENCE = 80
LEGEND = (
    "column: type, ? nullable, pk, unique, -> table (its primary key) or table.column with what "
    "deleting that row does to this one, = default, {choices}, -- meaning; ~> is a reference that "
    "the database does not enforce; modules not shown here may be referred to"
)


def document(
    schema: Schema, *, title: str, modules: Sequence[Module] | None = None
) -> dict[str, Any]:
    """Return these modules, or all documented ones, as values that ``json`` writes."""
    chosen = schema.documented_modules if modules is None else modules
    return {
        "format": FORMAT,
        "version": VERSION,
        "title": title,
        "database": schema.vendor,
        "legend": LEGEND,
        "modules": {module.name: _module(module, schema) for module in chosen},
    }


def dumps(found: dict[str, Any]) -> str:
    """Return the document as JSON with a table on each line, and one newline at the end."""
    return _lines(found, levels=4) + "\n"


def _lines(value: Any, *, levels: int) -> str:
    """Return JSON in which so many levels of objects have a line for each of their keys."""
    if levels == 0 or not isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    items = (
        f"{json.dumps(key, ensure_ascii=False)}:{_lines(item, levels=levels - 1)}"
        for key, item in value.items()
    )
    return "{\n" + ",\n".join(items) + "\n}"


def _module(module: Module, schema: Schema) -> dict[str, Any]:
    return _filled(
        purpose=first_sentence(module.purpose),
        tables={
            table.name: _table(table, schema) for table in schema.tables_by_module[module.name]
        },
    )


def _table(table: Table, schema: Schema) -> dict[str, Any]:
    composite = [key for key in table.foreign_keys if len(key.columns) > 1]
    return _filled(
        about=first_sentence(table.description),
        kind="" if table.kind == "table" else table.kind,
        columns={column.name: " ".join(_column(column, table, schema)) for column in table.columns},
        primary_key=list(table.primary_key) if len(table.primary_key) > 1 else [],
        keys=[f"{_listed(key.columns)} {_target(key, schema)}" for key in composite],
        unique=[_unique(rule) for rule in table.constraints if _is_said_apart(rule, table)],
        checks=[
            _one_line(
                f"{rule.expression} where {rule.condition}" if rule.condition else rule.expression
            )
            for rule in table.constraints
            if rule.kind in ("check", "exclusion", "other")
        ],
        many_to_many={
            relation.name: f"{relation.target} through {relation.through}"
            for relation in table.many_to_many
        },
        generic_keys={
            key.name: ", ".join((key.type_column, key.id_column))
            + (f" -> {', '.join(key.targets)}" if key.targets else "")
            for key in table.generic_keys
        },
    )


def _column(column: Column, table: Table, schema: Schema) -> Iterator[str]:
    yield f"{_type(column.type)}?" if column.null else _type(column.type)
    if table.primary_key == (column.name,):
        yield "pk"
    if column.name in table.unique_columns:
        yield "unique"
    for key in table.foreign_keys:
        if key.columns == (column.name,):
            yield _target(key, schema)
    if default := _default(column):
        yield f"= {_one_line(default)}"
    if column.generated:
        yield f"= generated {_one_line(column.generated)}"
    if column.choices:
        yield f"{{{'|'.join(value for value, _ in column.choices)}}}"
    if column.description:
        yield f"-- {first_sentence(column.description)}"


def first_sentence(text: str) -> str:
    """Return a text's first sentence on one line, cut where it is long."""
    sentence = re.split(r"(?<=[.!?])\s", _one_line(text), maxsplit=1)[0].removesuffix(".")
    if len(sentence) <= MAX_SENTENCE:
        return sentence
    return sentence[:MAX_SENTENCE].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"


def _type(column_type: str) -> str:
    for long, short in TYPE_NAMES.items():
        column_type = column_type.replace(long, short)
    return column_type or "untyped"


def _default(column: Column) -> str:
    """Return the default, unless the column's type says it: a key that counts, an empty text."""
    found = column.db_default or column.default
    return "" if found in ("identity", "''") else found


def _target(key: ForeignKey, schema: Schema) -> str:
    arrow = "->" if key.enforced else "~>"
    target = schema.table_by_name.get(key.target)
    is_primary = target is not None and target.primary_key == key.target_columns
    columns = "" if is_primary else f".{_listed(key.target_columns)}"
    return f"{arrow} {key.target}{columns} {key.on_delete.lower().replace('_', ' ')}".rstrip()


def _is_said_apart(rule: Constraint, table: Table) -> bool:
    """Tell whether it is a unique constraint that no single column can say."""
    single = len(rule.columns) == 1 and not rule.condition
    return rule.kind == "unique" and not (
        single and any(column.name == rule.columns[0] for column in table.columns)
    )


def _unique(rule: Constraint) -> str:
    where = f" where {rule.condition}" if rule.condition else ""
    return _one_line(", ".join(rule.columns) + where)


def _listed(columns: Sequence[str]) -> str:
    return columns[0] if len(columns) == 1 else f"({', '.join(columns)})"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _filled(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value}
