"""Estimates how large Mermaid draws a diagram, and decides whether a person can read that."""

from collections.abc import Iterable, Mapping

from schematools.diagram import Diagram, Entity, Relationship, components
from schematools.mermaid import attribute_texts, render

MAX_CHARACTERS = 45_000  # Mermaid itself refuses more than 50,000; a site may add some
MAX_WIDTH = 3_000  # pixels

# What Mermaid's drawings measure, in pixels.
CHARACTER = 7
CELL_PADDING = 25
GAP = 140
LABEL_GAP = 20


def fits(diagram: Diagram) -> bool:
    """Tell whether Mermaid draws the diagram, and not too wide."""
    return len(render(diagram)) <= MAX_CHARACTERS and width(diagram) <= MAX_WIDTH


def width(diagram: Diagram) -> int:
    """Estimate how many pixels wide Mermaid draws the diagram.

    What is not connected stands side by side. What is stands in ranks, each table below those that
    it refers to, with the label of a line halfway; the widest rank decides.
    """
    entities = {entity.name: entity for entity in diagram.entities}
    neighbours: dict[str, set[str]] = {name: set() for name in entities}
    for line in diagram.relationships:
        neighbours[line.parent].add(line.child)
        neighbours[line.child].add(line.parent)
    widths = [
        _component_width(
            [entities[name] for name in names],
            [line for line in diagram.relationships if line.child in names],
        )
        for names in map(set, components(neighbours))
    ]
    return sum(widths) + GAP * (len(widths) - 1) if widths else 0


def _component_width(entities: Iterable[Entity], lines: Iterable[Relationship]) -> int:
    ranks = _ranks([entity.name for entity in entities], lines)
    rows: dict[int, int] = {}
    for entity in entities:
        row = 2 * ranks[entity.name]
        rows[row] = rows.get(row, -GAP) + GAP + _entity_width(entity)
    for line in lines:
        row = ranks[line.parent] + ranks[line.child]
        gap = GAP if row in rows and row % 2 == 0 else LABEL_GAP
        rows[row] = rows.get(row, 0) + gap + CHARACTER * len(line.label)
    return max(rows.values())


def _ranks(names: Iterable[str], lines: Iterable[Relationship]) -> Mapping[str, int]:
    """Return how many lines lead down to each table at most, with those in a circle cut."""
    parents: dict[str, set[str]] = {name: set() for name in names}
    for line in lines:
        if line.child != line.parent:
            parents[line.child].add(line.parent)
    ranks: dict[str, int] = {}
    while waiting := parents.keys() - ranks.keys():
        free = [name for name in waiting if parents[name] <= ranks.keys()]
        for name in free or [min(waiting)]:
            above = parents[name] & ranks.keys()
            ranks[name] = 1 + max((ranks[parent] for parent in above), default=-1)
    return ranks


def _entity_width(entity: Entity) -> int:
    rows = [attribute_texts(attribute) for attribute in entity.attributes]
    cells = [max(len(row[place]) for row in rows) for place in range(4)] if rows else []
    written = sum(CHARACTER * length + CELL_PADDING for length in cells if length)
    return max(written, CHARACTER * len(entity.name) + CELL_PADDING)
