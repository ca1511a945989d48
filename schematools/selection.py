"""Chooses tables of a schema by patterns, to hide them or to put them on a page of their own."""

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from schematools.config import ViewpointConfig
from schematools.errors import CannotRunError
from schematools.model import Module, Schema, Table
from schematools.suggestions import did_you_mean


def without_hidden(schema: Schema, patterns: Sequence[str], *, all_known: bool = True) -> Schema:
    """Return the schema without the tables that match; keys to them stay as text.

    Raise ``CannotRunError`` for a pattern that matches nothing, if ``all_known``.
    """
    where = 'SCHEMATOOLS["HIDE"]' if all_known else ""
    hidden = _matching(schema, patterns, where=where)
    return replace(
        schema, tables=tuple(table for table in schema.tables if table.name not in hidden)
    )


def documenting(schema: Schema, modules: Sequence[Module]) -> Schema:
    """Return the schema with these modules alone as the documented ones."""
    names = {module.name for module in modules}
    return replace(
        schema,
        modules=tuple(
            replace(module, documented=module.name in names) for module in schema.modules
        ),
    )


def viewpoint_tables(schema: Schema, viewpoint: ViewpointConfig) -> tuple[str, ...]:
    """Return the names of the viewpoint's tables, sorted.

    Raise ``CannotRunError`` for a pattern that matches nothing.
    """
    where = f'SCHEMATOOLS["VIEWPOINTS"][{viewpoint.name!r}]'
    return tuple(sorted(_matching(schema, viewpoint.tables, where=where)))


def _matching(schema: Schema, patterns: Sequence[str], *, where: str) -> set[str]:
    found: set[str] = set()
    for pattern in patterns:
        names = {table.name for table in schema.tables if _matches(table, pattern)}
        if where and not names:
            raise CannotRunError(
                f"{where}: {pattern!r} matches no table. "
                f"{did_you_mean(pattern, [table.name for table in schema.tables])}"
            )
        found |= names
    return found


def _matches(table: Table, pattern: str) -> bool:
    return fnmatchcase(table.name, pattern) or fnmatchcase(table.model, pattern)
