"""Counts what a schema holds."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from schematools.lint_tables import undocumented, undocumented_columns
from schematools.model import ForeignKey, Schema, Table


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers about some tables; ``across`` are foreign keys into other modules.

    Described is what the lint does not find undocumented.
    """

    tables: int = 0
    described_tables: int = 0
    columns: int = 0
    described_columns: int = 0
    within: int = 0
    across: int = 0
    many_to_many: int = 0
    indexes: int = 0
    unique: int = 0
    checks: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            **{name: getattr(self, name) + getattr(other, name) for name in self.__slots__}
        )


def count_module(schema: Schema, module: str) -> Counts:
    """Count the tables of one module and what they hold."""
    return sum((_count_table(schema, table) for table in schema.tables_by_module[module]), Counts())


def count_modules(schema: Schema) -> dict[str, Counts]:
    """Count each documented module, by name."""
    return {module.name: count_module(schema, module.name) for module in schema.documented_modules}


def total(counts: Mapping[str, Counts]) -> Counts:
    """Return the modules' counts together."""
    return sum(counts.values(), Counts())


def relationships_across(schema: Schema) -> Iterator[tuple[Table, ForeignKey]]:
    """Yield the foreign keys of documented tables that lead into another module."""
    for module in schema.documented_modules:
        for table in schema.tables_by_module[module.name]:
            for key in table.foreign_keys:
                if _target_module(schema, key) != module.name:
                    yield table, key


def count_across(schema: Schema) -> list[tuple[str, str, int]]:
    """Return, sorted, each pair of modules that foreign keys connect, and how many do."""
    pairs = Counter(
        (table.module, _target_module(schema, key)) for table, key in relationships_across(schema)
    )
    return sorted((source, target, number) for (source, target), number in pairs.items())


def _count_table(schema: Schema, table: Table) -> Counts:
    within = sum(_target_module(schema, key) == table.module for key in table.foreign_keys)
    kinds = Counter(constraint.kind for constraint in table.constraints)
    return Counts(
        tables=1,
        described_tables=not any(undocumented(table, schema)),
        columns=len(table.columns),
        described_columns=len(table.columns) - sum(1 for _ in undocumented_columns(table, schema)),
        within=within,
        across=len(table.foreign_keys) - within,
        many_to_many=len(table.many_to_many),
        indexes=len(table.indexes),
        unique=kinds["unique"],
        checks=kinds["check"],
    )


def _target_module(schema: Schema, key: ForeignKey) -> str:
    target = schema.table_by_name.get(key.target)
    return target.module if target else ""
