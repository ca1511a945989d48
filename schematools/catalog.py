"""Reads a live database into a ``Schema``: what is there, whatever the models say.

The engines' own catalogs are read, in bulk: Django's ``connection.introspection`` knows neither
conditions nor included columns, operator classes, checks, deferrability or what a deletion does.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from django.db.backends.base.base import BaseDatabaseWrapper

from schematools import catalog_postgresql, catalog_sqlite
from schematools.errors import CannotRunError
from schematools.model import Module, Schema, Table

READERS: Mapping[str, Callable[[BaseDatabaseWrapper], list[Table]]] = {
    "postgresql": catalog_postgresql.read_tables,
    "sqlite": catalog_sqlite.read_tables,
}
OTHER_MODULE = "database"


def read_database(
    connection: BaseDatabaseWrapper,
    *,
    modules: Sequence[Module] = (),
    module_of_table: Mapping[str, str] | None = None,
) -> Schema:
    """Return the tables and views of the connection's database.

    ``module_of_table`` says where tables belong, by name; a module it names that is not among
    ``modules`` is added and not documented. Tables it does not name go together into one more
    module, which is documented. Raise ``CannotRunError`` for an engine that is not read.
    """
    if connection.vendor not in READERS:
        raise CannotRunError(
            f"Only PostgreSQL and SQLite databases can be read; this one is {connection.vendor}."
        )
    module_of_table = module_of_table or {}
    taken = {module.name for module in modules} | set(module_of_table.values())
    other = Module(name=_free_name(OTHER_MODULE, taken), title="Database")
    tables = [
        replace(table, module=module_of_table.get(table.name, other.name))
        for table in READERS[connection.vendor](connection)
    ]
    return Schema(
        vendor=connection.vendor,
        modules=(*modules, *_missing_modules(tables, modules, other)),
        tables=tuple(sorted(tables, key=lambda table: table.name)),
        source="database",
    )


def _missing_modules(
    tables: Iterable[Table], modules: Iterable[Module], other: Module
) -> Iterator[Module]:
    known = {module.name for module in modules}
    for name in sorted({table.module for table in tables} - known):
        yield other if name == other.name else Module(name=name, title=name, documented=False)


def _free_name(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    return name
