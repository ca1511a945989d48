"""A database schema as plain data: what every other part of the toolkit reads and returns.

Nothing here knows Django or a database. Tables refer to each other by table name, modules by
module name, so a value can be compared, hashed, and turned into JSON with ``dataclasses.asdict``.
An empty string means "none", and a constraint or index whose name the database made up has no name.
What only helps to make a thing again, such as the ``definition`` that a database gave, takes no
part in comparisons.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

ConstraintKind = Literal["primary key", "unique", "check", "exclusion", "other"]
OtherModelKind = Literal["proxy", "same table", "swapped out"]
Source = Literal["models", "database"]
TableKind = Literal[
    "table", "view", "materialized view", "partitioned table", "foreign table", "virtual table"
]


@dataclass(frozen=True, slots=True)
class Column:
    """A column; ``default`` is filled in by Django, ``db_default`` by the database.

    ``types_elsewhere`` are the types on other kinds of database where they differ, by vendor; an
    empty type says that the column does not exist there.
    """

    name: str
    type: str
    field: str = ""
    null: bool = False
    default: str = ""
    db_default: str = ""
    generated: str = ""
    collation: str = ""
    description: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    types_elsewhere: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Index:
    """An index; ``columns`` are as in SQL, such as ``created_at DESC`` or ``LOWER(name)``.

    One that is not ``valid`` was left behind by a build that failed.
    """

    columns: tuple[str, ...]
    name: str = ""
    method: str = ""
    condition: str = ""
    include: tuple[str, ...] = ()
    valid: bool = True
    definition: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Constraint:
    """A rule that the database holds; ``expression`` is the rule of a check or an exclusion.

    One that is not ``valid`` was never checked for the rows that were there before. ``is_index``
    tells a unique index from a constraint, where the database does.
    """

    kind: ConstraintKind
    name: str = ""
    columns: tuple[str, ...] = ()
    expression: str = ""
    condition: str = ""
    include: tuple[str, ...] = ()
    deferrable: str = ""
    nulls_distinct: bool = True
    valid: bool = True
    is_index: bool = field(default=False, compare=False)
    definition: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A reference to another table, with ``on_delete`` as Django names it.

    ``unique`` is true when at most one row can hold the same reference; ``enforced`` is false
    when the database has no constraint for it. A ``parent_link`` leads to the table of the model
    that this one extends. Read from a database, the name is that of the columns and ``on_delete``
    is what the database itself does, such as "NO ACTION"; ``on_update`` and ``match`` are empty for
    what is usual, and ``constraint`` is the name of the constraint.
    """

    name: str
    columns: tuple[str, ...]
    target: str
    target_columns: tuple[str, ...]
    on_delete: str
    null: bool = False
    unique: bool = False
    enforced: bool = True
    deferrable: str = ""
    parent_link: bool = False
    reverse: str = ""
    on_update: str = ""
    match: str = ""
    valid: bool = True
    constraint: str = field(default="", compare=False)
    definition: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger; ``action`` is the whole of it, with the text of the function that it calls.

    ``firing`` is empty as usual, else "disabled", "replica" or "always".
    """

    name: str
    action: str
    firing: str = ""
    definition: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class ManyToMany:
    """A many-to-many field: rows of ``through`` join its table to ``target``."""

    name: str
    target: str
    through: str
    reverse: str = ""


@dataclass(frozen=True, slots=True)
class GenericKey:
    """A generic foreign key: a content type and an id, which no constraint guards.

    ``targets`` are the tables whose models declare the way back; it may lead to others too.
    """

    name: str
    type_column: str
    id_column: str
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OtherModel:
    """Another model of a table; one that is swapped out would have had a table of its own."""

    name: str
    kind: OtherModelKind
    description: str = ""


@dataclass(frozen=True)  # no slots: the look-ups below are computed once and kept
class Table:
    """A table, the model behind it (``app.Model``) and the other models that share it.

    ``notes`` are what people wrote about it for readers, in Markdown; ``options`` what a database
    says of the table as a whole, such as "UNLOGGED", and ``query`` what a view shows.
    """

    name: str
    module: str
    model: str = ""
    kind: TableKind = "table"
    other_models: tuple[OtherModel, ...] = ()
    managed: bool = True
    automatic: bool = False
    description: str = ""
    notes: str = ""
    columns: tuple[Column, ...] = ()
    indexes: tuple[Index, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    many_to_many: tuple[ManyToMany, ...] = ()
    generic_keys: tuple[GenericKey, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    options: tuple[str, ...] = ()
    query: str = ""
    definition: str = field(default="", compare=False)

    @cached_property
    def primary_key(self) -> tuple[str, ...]:
        """The primary key's columns, in order; empty when there is none."""
        for constraint in self.constraints:
            if constraint.kind == "primary key":
                return constraint.columns
        return ()

    @cached_property
    def unique_columns(self) -> frozenset[str]:
        """The columns that are unique by themselves, over all rows."""
        return frozenset(
            constraint.columns[0]
            for constraint in self.constraints
            if constraint.kind == "unique"
            and len(constraint.columns) == 1
            and not constraint.condition
        )

    @cached_property
    def foreign_key_columns(self) -> frozenset[str]:
        return frozenset(column for key in self.foreign_keys for column in key.columns)


@dataclass(frozen=True, slots=True)
class Module:
    """A group of apps that is documented together, or an app that is only referred to.

    ``notes`` are what people wrote about it for readers, in Markdown.
    """

    name: str
    title: str
    purpose: str = ""
    apps: tuple[str, ...] = ()
    documented: bool = True
    notes: str = ""


@dataclass(frozen=True)  # no slots: the look-ups below are computed once and kept
class Schema:
    """All tables of a project as one kind of database (``vendor``) has them.

    ``other_vendors`` are the kinds that ``Column.types_elsewhere`` speaks of.
    """

    vendor: str
    modules: tuple[Module, ...]
    tables: tuple[Table, ...]
    other_vendors: tuple[str, ...] = ()
    source: Source = "models"

    @cached_property
    def table_by_name(self) -> Mapping[str, Table]:
        return {table.name: table for table in self.tables}

    @cached_property
    def module_by_name(self) -> Mapping[str, Module]:
        return {module.name: module for module in self.modules}

    @cached_property
    def tables_by_module(self) -> Mapping[str, tuple[Table, ...]]:
        found: dict[str, list[Table]] = {module.name: [] for module in self.modules}
        for table in self.tables:
            found[table.module].append(table)
        return {name: tuple(tables) for name, tables in found.items()}

    @cached_property
    def referrers(self) -> Mapping[str, tuple[tuple[Table, ForeignKey], ...]]:
        """For each table name, the foreign keys that point to it and the tables they are on."""
        found: dict[str, list[tuple[Table, ForeignKey]]] = {}
        for table in self.tables:
            for key in table.foreign_keys:
                found.setdefault(key.target, []).append((table, key))
        return {name: tuple(references) for name, references in found.items()}

    @cached_property
    def generic_referrers(self) -> Mapping[str, tuple[tuple[Table, GenericKey], ...]]:
        """For each table name, the generic keys that are known to lead to it."""
        found: dict[str, list[tuple[Table, GenericKey]]] = {}
        for table in self.tables:
            for key in table.generic_keys:
                for target in key.targets:
                    found.setdefault(target, []).append((table, key))
        return {name: tuple(references) for name, references in found.items()}

    @cached_property
    def documented_modules(self) -> tuple[Module, ...]:
        return tuple(module for module in self.modules if module.documented)
