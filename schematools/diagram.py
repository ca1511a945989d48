"""Decides what a diagram shows, whatever language it is then written in.

A diagram shows tables in full and, as stubs with keys only, the tables they are related to. What is
too large for a person to read, or for Mermaid to draw, loses detail step by step: first the
tables elsewhere that refer to it, then the descriptions, then all columns but the keys; then it
is drawn in parts.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from schematools.model import Column, ForeignKey, GenericKey, Schema, Table

MAX_ENTITIES = 25
MAX_GENERIC = 5  # tables that a generic foreign key is drawn to
ANY_TABLE = "(any table)"  # what it leads to when no model says more, or too many do


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
    """A line from the referenced table (``parent``) to the one with the foreign key.

    ``many`` is a many-to-many field, drawn where its join table is not.
    """

    parent: str
    child: str
    label: str
    optional: bool = False
    unique: bool = False
    enforced: bool = True
    many: bool = False


@dataclass(frozen=True, slots=True)
class Diagram:
    entities: tuple[Entity, ...]
    relationships: tuple[Relationship, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Diagrams that together show a set of tables, and what had to be left out of them."""

    diagrams: tuple[Diagram, ...]
    keys_only: bool = False
    descriptions_left_out: bool = False
    referrers_left_out: bool = False


def draw(
    schema: Schema,
    names: Collection[str],
    *,
    keys_only: bool = False,
    described: bool = True,
    referrers: bool = True,
) -> Diagram:
    """Draw the named tables; ``referrers`` are documented tables elsewhere that refer to them.

    What leads to a table that the schema does not have is not drawn.
    """
    lines = [
        line
        for line in _lines(schema, set(names), referrers=referrers)
        if line.relationship.parent in schema.table_by_name or line.relationship.parent == ANY_TABLE
    ]
    ends: dict[str, set[str]] = {}
    for line in lines:
        ends.setdefault(line.relationship.child, set()).update(line.child_columns)
        ends.setdefault(line.relationship.parent, set()).update(line.parent_columns)
    stubs = sorted(ends.keys() - set(names))
    return Diagram(
        entities=tuple(
            [
                _entity(schema.table_by_name[name], keys_only=keys_only, described=described)
                for name in sorted(names)
            ]
            + [_stub(name, schema, ends[name]) for name in stubs]
        ),
        relationships=tuple(line.relationship for line in lines),
    )


def plan(
    schema: Schema,
    names: Collection[str],
    *,
    fits: Callable[[Diagram], bool],
    referrers: bool = True,
) -> Plan:
    """Draw the named tables in as much detail as ``fits`` and ``MAX_ENTITIES`` allow."""
    alone = _amount(schema, names, referrers=False)
    together = _amount(schema, names, referrers=True) if referrers else alone
    left_out = alone < together
    if together <= MAX_ENTITIES:
        everything = draw(schema, names, referrers=referrers)
        if fits(everything):
            return Plan((everything,))
    if alone <= MAX_ENTITIES:
        small = draw(schema, names, referrers=False)
        if fits(small):
            return Plan((small,), referrers_left_out=left_out)
        plain = draw(schema, names, referrers=False, described=False)
        if fits(plain):
            return Plan((plain,), referrers_left_out=left_out, descriptions_left_out=True)
    return Plan(
        tuple(_parts(schema, names, fits=fits)), keys_only=True, referrers_left_out=left_out
    )


def _amount(schema: Schema, names: Collection[str], *, referrers: bool) -> int:
    """Return how many tables a drawing of these would have."""
    lines = _lines(schema, set(names), referrers=referrers)
    return len({end for line in lines for end in _ends(line)}.union(names))


@dataclass(frozen=True, slots=True)
class _Line:
    """A relationship and the columns at its ends, which a stub shows."""

    relationship: Relationship
    child_columns: tuple[str, ...] = ()
    parent_columns: tuple[str, ...] = ()


def _ends(line: _Line) -> tuple[str, str]:
    return (line.relationship.parent, line.relationship.child)


def _lines(schema: Schema, names: Collection[str], *, referrers: bool) -> Iterator[_Line]:
    """Yield what leads from and to these tables, except to those that the schema does not have."""
    for line in _all_lines(schema, names, referrers=referrers):
        parent = line.relationship.parent
        if parent in schema.table_by_name or parent == ANY_TABLE:
            yield line


def _all_lines(schema: Schema, names: Collection[str], *, referrers: bool) -> Iterator[_Line]:
    for name in sorted(names):
        table = schema.table_by_name[name]
        for key in table.foreign_keys:
            yield _foreign_key_line(table, key)
        for relation in table.many_to_many:
            if relation.through not in schema.table_by_name:
                label = f"{relation.name} (many to many)"
                yield _Line(Relationship(relation.target, name, label, many=True))
        for generic in table.generic_keys:
            yield from _generic_lines(table, generic)
    for name in sorted(names) if referrers else ():
        for table, key in schema.referrers.get(name, ()):
            if table.name not in names and schema.module_by_name[table.module].documented:
                yield _foreign_key_line(table, key)


def _foreign_key_line(table: Table, key: ForeignKey) -> _Line:
    relationship = Relationship(
        parent=key.target,
        child=table.name,
        label=f"{key.name} ({'extends' if key.parent_link else key.on_delete})",
        optional=key.null,
        unique=key.unique,
        enforced=key.enforced,
    )
    return _Line(relationship, key.columns, key.target_columns)


def _generic_lines(table: Table, key: GenericKey) -> Iterator[_Line]:
    is_drawn = len(key.targets) <= MAX_GENERIC
    label = f"{key.name} (generic{'' if is_drawn else f', {len(key.targets)} tables'})"
    for target in (key.targets if is_drawn else ()) or (ANY_TABLE,):
        relationship = Relationship(target, table.name, label, optional=True, enforced=False)
        yield _Line(relationship, (key.type_column, key.id_column))


def _entity(table: Table, *, keys_only: bool, described: bool) -> Entity:
    keys = {*table.primary_key, *table.foreign_key_columns}
    return Entity(
        name=table.name,
        attributes=tuple(
            _attribute(column, table, described=described and not keys_only)
            for column in table.columns
            if not keys_only or column.name in keys
        ),
    )


def _stub(name: str, schema: Schema, ends: Collection[str]) -> Entity:
    """Return a table with its primary key and the columns at the ends of the lines drawn."""
    table = schema.table_by_name.get(name)
    if table is None:  # it stands for any
        return Entity(name=name, attributes=(), stub=True)
    return Entity(
        name=name,
        attributes=tuple(
            _attribute(column, table, described=False)
            for column in table.columns
            if column.name in ends or column.name in table.primary_key
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
    keys = []
    if column.name in table.primary_key:
        keys.append("PK")
    if column.name in table.foreign_key_columns:
        keys.append("FK")
    if column.name in table.unique_columns:
        keys.append("UK")
    return tuple(keys)


def _parts(
    schema: Schema, names: Collection[str], *, fits: Callable[[Diagram], bool]
) -> Iterator[Diagram]:
    """Draw tables, by their keys, in parts of which each can be read."""
    for part in _groups(schema, names):
        yield from _halved(schema, part, fits)


def _halved(
    schema: Schema, names: Sequence[str], fits: Callable[[Diagram], bool]
) -> Iterator[Diagram]:
    diagram = draw(schema, names, keys_only=True, referrers=False)
    if len(names) == 1 or fits(diagram):
        yield diagram
        return
    middle = len(names) // 2
    yield from _halved(schema, names[:middle], fits)
    yield from _halved(schema, names[middle:], fits)


def _groups(schema: Schema, names: Collection[str]) -> list[list[str]]:
    """Divide tables so that each group, with what it refers to, has ``MAX_ENTITIES`` at most.

    Tables that are connected stay together as far as there is room; a group is larger only when a
    single table refers to so many.
    """
    parts: list[list[str]] = [[]]
    drawn: set[str] = set()
    for component in components(_neighbours(schema, names)):
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
    lines = _lines(schema, {name}, referrers=False)
    return {name, *(line.relationship.parent for line in lines)}


def _neighbours(schema: Schema, names: Collection[str]) -> dict[str, set[str]]:
    neighbours: dict[str, set[str]] = {name: set() for name in names}
    for name in names:
        for target in _with_targets(schema, name) & neighbours.keys():
            neighbours[name].add(target)
            neighbours[target].add(name)
    return neighbours


def components(neighbours: Mapping[str, Collection[str]]) -> Iterator[list[str]]:
    """Yield the sets of names that are connected to one another, each nearest first."""
    unseen = set(neighbours)
    for start in sorted(neighbours):
        if start not in unseen:
            continue
        component = [start]
        unseen.remove(start)
        for name in component:  # grows while it is walked
            near = sorted(unseen.intersection(neighbours[name]))
            component += near
            unseen.difference_update(near)
        yield component
