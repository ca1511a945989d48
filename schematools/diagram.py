"""Decides what a diagram shows, whatever language it is then written in.

A diagram shows tables in full and, as stubs with keys only, the tables they are related to. What is
too large for a person to read, or for Mermaid to draw, loses detail step by step: first the
tables elsewhere that refer to it, then all columns but the keys; then it is drawn in parts.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from schematools.model import Column, ForeignKey, Schema, Table

MAX_ENTITIES = 25


@dataclass(frozen=True, slots=True)
class Attribute:
    """A column as drawn; ``keys`` are those of PK, FK and UK that apply, in this order."""

    name: str
    type: str
    keys: tuple[str, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True)
class Entity:
    """A table as drawn; a stub belongs to another diagram and shows only its keys."""

    name: str
    attributes: tuple[Attribute, ...]
    stub: bool = False


@dataclass(frozen=True, slots=True)
class Relationship:
    """A line from the referenced table (``parent``) to the one with the foreign key."""

    parent: str
    child: str
    label: str
    optional: bool
    unique: bool
    enforced: bool


@dataclass(frozen=True, slots=True)
class Diagram:
    entities: tuple[Entity, ...]
    relationships: tuple[Relationship, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Diagrams that together show a set of tables, and what had to be left out of them."""

    diagrams: tuple[Diagram, ...]
    keys_only: bool = False
    referrers_left_out: bool = False


def draw(
    schema: Schema, names: Collection[str], *, keys_only: bool = False, referrers: bool = True
) -> Diagram:
    """Draw the named tables; ``referrers`` are documented tables elsewhere that refer to them."""
    shown = set(names)
    keys = list(_keys_drawn(schema, shown, referrers=referrers))
    stubs = {name for table, key in keys for name in (table.name, key.target)} - shown
    return Diagram(
        entities=tuple(
            [_entity(schema.table_by_name[name], keys_only=keys_only) for name in sorted(shown)]
            + [_stub(name, schema, keys) for name in sorted(stubs)]
        ),
        relationships=tuple(
            Relationship(
                parent=key.target,
                child=table.name,
                label=f"{key.name} ({key.on_delete})",
                optional=key.null,
                unique=key.unique,
                enforced=key.enforced,
            )
            for table, key in keys
        ),
    )


def plan(schema: Schema, names: Collection[str], *, fits: Callable[[Diagram], bool]) -> Plan:
    """Draw the named tables in as much detail as ``fits`` and ``MAX_ENTITIES`` allow."""
    everything = draw(schema, names)
    if _readable(everything) and fits(everything):
        return Plan((everything,))
    without_referrers = draw(schema, names, referrers=False)
    left_out = len(without_referrers.entities) < len(everything.entities)
    if _readable(without_referrers) and fits(without_referrers):
        return Plan((without_referrers,), referrers_left_out=left_out)
    parts = _parts(schema, names)
    return Plan(
        tuple(draw(schema, part, keys_only=True, referrers=False) for part in parts),
        keys_only=True,
        referrers_left_out=left_out,
    )


def _readable(diagram: Diagram) -> bool:
    return len(diagram.entities) <= MAX_ENTITIES


def _keys_drawn(
    schema: Schema, names: Collection[str], *, referrers: bool
) -> Iterator[tuple[Table, ForeignKey]]:
    for name in sorted(names):
        table = schema.table_by_name[name]
        for key in table.foreign_keys:
            yield table, key
    for name in sorted(names) if referrers else ():
        for table, key in schema.referrers.get(name, ()):
            if table.name not in names and schema.module_by_name[table.module].documented:
                yield table, key


def _entity(table: Table, *, keys_only: bool) -> Entity:
    keys = {*table.primary_key, *table.foreign_key_columns}
    return Entity(
        name=table.name,
        attributes=tuple(
            _attribute(column, table, described=not keys_only)
            for column in table.columns
            if not keys_only or column.name in keys
        ),
    )


def _stub(name: str, schema: Schema, keys: Sequence[tuple[Table, ForeignKey]]) -> Entity:
    """Return a table with its primary key and the columns at either end of the drawn keys."""
    table = schema.table_by_name.get(name)
    if table is None:  # the model behind it was not read
        return Entity(name=name, attributes=(), stub=True)
    ends = set(table.primary_key)
    for other, key in keys:
        ends.update(key.target_columns if key.target == name else ())
        ends.update(key.columns if other is table else ())
    return Entity(
        name=name,
        attributes=tuple(
            _attribute(column, table, described=False)
            for column in table.columns
            if column.name in ends
        ),
        stub=True,
    )


def _attribute(column: Column, table: Table, *, described: bool) -> Attribute:
    return Attribute(
        name=column.name,
        type=column.type,
        keys=column_keys(column, table),
        description=column.description if described else "",
    )


def column_keys(column: Column, table: Table) -> tuple[str, ...]:
    """Return those of PK, FK and UK that the column is, or is a part of for PK and FK."""
    kinds = {
        "PK": table.primary_key,
        "FK": table.foreign_key_columns,
        "UK": table.unique_columns,
    }
    return tuple(kind for kind, columns in kinds.items() if column.name in columns)


def _parts(schema: Schema, names: Collection[str]) -> list[list[str]]:
    """Divide tables into parts of which each, with what it refers to, can be read.

    Tables that are connected stay together as far as there is room; a part is larger than
    ``MAX_ENTITIES`` only when a single table refers to so many.
    """
    parts: list[list[str]] = [[]]
    drawn: set[str] = set()
    for component in _components(schema, names):
        whole = set().union(*(_with_targets(schema, name) for name in component))
        for position, name in enumerate(component):
            added = whole if position == 0 and len(whole) <= MAX_ENTITIES else set()
            added = added | _with_targets(schema, name)
            if parts[-1] and len(drawn | added) > MAX_ENTITIES:
                parts.append([])
                drawn = set()
            parts[-1].append(name)
            drawn |= _with_targets(schema, name)
    return parts


def _with_targets(schema: Schema, name: str) -> set[str]:
    return {name, *(key.target for key in schema.table_by_name[name].foreign_keys)}


def _components(schema: Schema, names: Collection[str]) -> Iterator[list[str]]:
    """Yield the sets of tables that are connected to one another, each nearest first."""
    neighbours: dict[str, set[str]] = {name: set() for name in names}
    for name in names:
        for target in _with_targets(schema, name) & neighbours.keys():
            neighbours[name].add(target)
            neighbours[target].add(name)
    unseen = set(names)
    for start in sorted(names):
        if start not in unseen:
            continue
        component = [start]
        unseen.remove(start)
        for name in component:  # grows while it is walked
            near = sorted(neighbours[name] & unseen)
            component += near
            unseen.difference_update(near)
        yield component
