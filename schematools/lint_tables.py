"""Rules of ``lint`` about tables as a whole, about what is written on them, and about names."""

import re
from collections.abc import Callable, Iterator

from schematools.columns import ON_ADD, ON_SAVE
from schematools.flaws import Flaw, field_name, full_name
from schematools.model import Column, Schema, Table

# Names that say all that a description would.
EVERYDAY_NAMES = frozenset(
    {
        *("name", "title", "description", "first_name", "last_name", "email", "username"),
        *("created", "created_at", "created_on", "modified", "updated_at", "updated_on"),
    }
)

# In the unit that the database counts in.
MAX_BYTES = {"postgresql": 63}
MAX_CHARACTERS = {"mysql": 64}

# Reserved by PostgreSQL or SQLite.
_RESERVED_WORDS = """
    add all alter analyse analyze and any array as asc asymmetric autoincrement between both by case
    cast check collate column commit constraint create current_catalog current_date current_role
    current_time current_timestamp current_user default deferrable delete desc distinct do drop else
    end escape except exists false fetch for foreign from grant group having in index initially
    insert intersect into is isnull join lateral leading limit localtime localtimestamp not notnull
    null offset on only or order placing primary references returning select session_user set some
    symmetric table then to trailing transaction true union unique update user using values variadic
    when where window with
"""
RESERVED = frozenset(_RESERVED_WORDS.split())

STORED = ("table", "partitioned table")


# What is written


def undocumented(table: Table, schema: Schema) -> Iterator[Flaw]:
    """Yield the table when it has neither a description nor notes."""
    if table.description or table.notes or table.automatic or not _has_comments(schema):
        return
    remedy = (
        f"write a docstring for the model {table.model}"
        if table.model
        else f"COMMENT ON TABLE {table.name} IS '…'"
    )
    yield Flaw(table.name, "Nothing says what a row of it is.", remedy)


def undocumented_columns(table: Table, schema: Schema) -> Iterator[Flaw]:
    """Yield the columns that need a description and have none."""
    if table.automatic or not _has_comments(schema):
        return
    keys = {*table.primary_key, *table.foreign_key_columns}
    for generic in table.generic_keys:
        keys |= {generic.type_column, generic.id_column}
    for column in table.columns:
        if column.name in keys or _speaks_for_itself(column):
            continue
        field = field_name(table, column.name)
        name = full_name(table, column.name)
        remedy = f"give {field} a help_text" if field else f"COMMENT ON COLUMN {name} IS '…'"
        yield Flaw(name, "Nothing says what it holds.", remedy)


def _has_comments(schema: Schema) -> bool:
    """Tell whether there is any place for a description; SQLite has none."""
    return schema.source == "models" or schema.vendor != "sqlite"


def _speaks_for_itself(column: Column) -> bool:
    return bool(
        column.description
        or column.choices
        or column.generated
        or column.default in (ON_ADD, ON_SAVE)
        or column.name in EVERYDAY_NAMES
    )


# What a table is


def without_primary_key(table: Table, _schema: Schema) -> Iterator[Flaw]:
    """Yield the table when it stores rows under no primary key."""
    if table.kind in STORED and not table.primary_key:
        yield Flaw(
            table.name,
            "It has no primary key: rows cannot be told apart.",
            "give it a primary key",
        )


def isolated(table: Table, schema: Schema) -> Iterator[Flaw]:
    """Yield the table when nothing leads to it or away from it, even outside the database."""
    relations = (table.foreign_keys, table.many_to_many, table.generic_keys)
    if table.kind not in STORED or not table.managed or any(relations):
        return
    referred_to = schema.referrers.get(table.name) or any(
        table.name in key.targets for other in schema.tables for key in other.generic_keys
    )
    if not referred_to:
        yield Flaw(
            table.name,
            "No relation leads to it or away from it.",
            "refer to other rows with foreign keys; ignore it if it stands alone on purpose",
        )


# Names


def irregular_names(expression: str) -> Callable[[Table, Schema], Iterator[Flaw]]:
    """Return the rule that the names of tables and columns match the expression."""
    pattern = re.compile(expression)

    def rule(table: Table, schema: Schema) -> Iterator[Flaw]:
        for name, where, remedy in _names(table, schema):
            if not pattern.fullmatch(name):
                yield Flaw(where, f"The name {name!r} does not match {expression}.", remedy)

    return rule


def reserved_names(table: Table, schema: Schema) -> Iterator[Flaw]:
    """Yield names that SQL written by hand has to quote."""
    for name, where, remedy in _names(table, schema):
        if name.lower() in RESERVED:
            yield Flaw(where, f"SQL reserves the word {name!r}: it must be quoted.", remedy)


def long_names(table: Table, schema: Schema) -> Iterator[Flaw]:
    """Yield names, also those of indexes and constraints, that the database would cut short."""
    names = [(name, where) for name, where, _ in _names(table, schema)]
    names += [(index.name, table.name) for index in table.indexes]
    names += [(rule.name, table.name) for rule in table.constraints]
    for name, where in names:
        size, most, unit = len(name.encode()), MAX_BYTES.get(schema.vendor), "bytes"
        if most is None:
            size, most, unit = len(name), MAX_CHARACTERS.get(schema.vendor), "characters"
        if most is not None and size > most:
            yield Flaw(
                where,
                f"The name {name!r} has {size} {unit}; the database keeps {most}.",
                "choose a shorter name",
            )


def _names(table: Table, schema: Schema) -> Iterator[tuple[str, str, str]]:
    """Yield names that people chose, with the object's full name and how to choose another."""
    if table.automatic:
        return
    owner = f"Meta.db_table of {table.model}" if table.model else "the table's name"
    # A table that is not in the search path is read with its schema's name before it.
    name = table.name.rpartition(".")[2] if schema.source == "database" else table.name
    yield name, table.name, f"change {owner}"
    for column in table.columns:
        field = field_name(table, column.name)
        remedy = f"rename {field}, or set its db_column" if field else "rename the column"
        yield column.name, full_name(table, column.name), remedy
