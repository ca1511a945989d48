"""Finds what is unwise in a schema, whether models or a database say it.

The ids of findings are stable, so that scripts and switches can rely on them:

===============================  ========  ======================================================
``column-undocumented``          info      nothing says what a column holds (see below)
``duplicate-index``              warning   another index or constraint does all that this one does
``foreign-key-type-mismatch``    error     a key's type is not that of what it refers to
``foreign-key-unenforced``       info      the database does not guard a foreign key
``foreign-key-without-index``    warning   deleting a row over there reads this whole table
``generic-key-unindexed``        warning   the same for a generic foreign key
``name-irregular``               warning   a table's or column's name breaks the project's rule
``name-reserved``                info      a name that SQL reserves, so that it must be quoted
``name-too-long``                error     the database would cut the name short
``nullable-in-unique-together``  warning   rows with NULL in one column slip past the constraint
``nullable-unique``              info      a unique column in which several rows may hold NULL
``table-isolated``               info      no relation leads to the table or away from it
``table-undocumented``           warning   nothing says what a table is for
``table-without-primary-key``    error     rows cannot be told apart
===============================  ========  ======================================================

A column needs no words of its own when something else says what it holds: primary and foreign
keys, the columns of a generic key, moments that Django fills in, computed columns, columns with
choices, those with an everyday name (``lint_tables.EVERYDAY_NAMES``), and join tables' columns.

Only tables of documented modules are looked at. Join tables that Django adds are left alone where
only Django could change them, and no index is missing where nobody could have declared one: in a
view, in the table of an unmanaged model, and under MySQL, which makes those of foreign keys itself.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from schematools import lint_keys, lint_tables
from schematools.config import DEFAULT_NAMES
from schematools.errors import CannotRunError
from schematools.findings import Severity
from schematools.flaws import Flaw
from schematools.model import Schema, Table

Rule = Callable[[Table, Schema], Iterator[Flaw]]


@dataclass(frozen=True, slots=True)
class LintFinding:
    """One flaw; ``object`` is ``table`` or ``table.column``, ``remedy`` says what to change."""

    id: str
    severity: Severity
    object: str
    message: str
    remedy: str

    @property
    def sentence(self) -> str:
        return self.message


RULES: Mapping[str, tuple[Severity, Rule]] = {
    "column-undocumented": ("info", lint_tables.undocumented_columns),
    "duplicate-index": ("warning", lint_keys.duplicate_indexes),
    "foreign-key-type-mismatch": ("error", lint_keys.mismatched_types),
    "foreign-key-unenforced": ("info", lint_keys.unenforced_keys),
    "foreign-key-without-index": ("warning", lint_keys.keys_without_index),
    "generic-key-unindexed": ("warning", lint_keys.generic_keys_without_index),
    "name-irregular": ("warning", lint_tables.irregular_names(DEFAULT_NAMES)),
    "name-reserved": ("info", lint_tables.reserved_names),
    "name-too-long": ("error", lint_tables.long_names),
    "nullable-in-unique-together": ("warning", lint_keys.nullable_in_unique_together),
    "nullable-unique": ("info", lint_keys.nullable_unique),
    "table-isolated": ("info", lint_tables.isolated),
    "table-undocumented": ("warning", lint_tables.undocumented),
    "table-without-primary-key": ("error", lint_tables.without_primary_key),
}


def lint(schema: Schema, *, names: str = DEFAULT_NAMES) -> tuple[LintFinding, ...]:
    """Return the flaws of the documented tables, by table and then by id.

    ``names`` is a regular expression that whole names must match. Raise ``CannotRunError`` for an
    expression that is none.
    """
    return tuple(_findings(schema, names))


def _findings(schema: Schema, names: str) -> Iterator[LintFinding]:
    rules = dict(RULES)
    severity, _ = rules["name-irregular"]
    rules["name-irregular"] = severity, lint_tables.irregular_names(_checked(names))
    for table in schema.tables:
        if schema.module_by_name[table.module].documented:
            for name, (severity, rule) in rules.items():
                for flaw in rule(table, schema):
                    yield LintFinding(name, severity, *flaw)


def _checked(expression: str) -> str:
    try:
        re.compile(expression)
    except re.error as error:
        raise CannotRunError(f"The rule for names, {expression!r}, is wrong: {error}.") from error
    return expression
