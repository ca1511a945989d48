"""Writes a diagram in Mermaid, in the part of its grammar that every version since 10.9 reads.

Whatever a table or column is called, the text parses and shows that name: texts in quotes are
escaped with Mermaid's entity codes, and where the grammar has no quotes (types and attribute names)
an unsafe name is replaced and the real one said in the comment.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from schematools.diagram import Attribute, Diagram, Entity, Relationship

MAX_CHARACTERS = 45_000  # Mermaid itself refuses more than 50,000
MAX_WIDTH = 3_000  # pixels; a person reads no more without losing the way
MAX_COMMENT = 60

# What Mermaid's drawings measure, in pixels.
CHARACTER = 7
CELL_PADDING = 25
GAP = 140

# Shorter names for types that take up a line of their own otherwise.
TYPE_NAMES = {
    "timestamp with time zone": "timestamptz",
    "time with time zone": "timetz",
    "double precision": "float8",
    "character varying": "varchar",
}

# What Mermaid, or the Markdown in its labels, takes for more than a character: every mark that is
# not listed, an underscore at the edge of a word, the start of a list, of a link or a direction.
_SPECIAL = re.compile(
    r"[^\w (),.?!'…-]"
    r"|(?<![^\W_])_|_(?![^\W_])"
    r"|^-|^\d(?=\d*[.)])"
    r"|(?<=www)\."
    r"|(?<=d)i(?=rection\s+(?:TB|BT|LR|RL|TD))",
    re.IGNORECASE,
)


def render(diagram: Diagram) -> str:
    """Return the diagram as Mermaid source that ends in one newline."""
    lines = ["erDiagram"]
    for entity in diagram.entities:
        lines += _entity(entity)
    lines += [_relationship(relationship) for relationship in diagram.relationships]
    return "\n".join(lines) + "\n"


def render_modules(titles: Mapping[str, str], pairs: Iterable[tuple[str, str, int]]) -> str:
    """Return a graph of modules, by name, as Mermaid source that ends in one newline.

    A pair is a module, one that it refers to, and by how many foreign keys.
    """
    ids = {name: f"m{position}" for position, name in enumerate(titles)}
    lines = ["flowchart LR"]
    lines += [f'    {ids[name]}["{escape(title) or "unnamed"}"]' for name, title in titles.items()]
    lines += [f"    {ids[source]} -->|{amount}| {ids[target]}" for source, target, amount in pairs]
    return "\n".join(lines) + "\n"


def fits(diagram: Diagram) -> bool:
    """Tell whether Mermaid draws the diagram, with room for what a site adds, and not too wide."""
    return len(render(diagram)) <= MAX_CHARACTERS and width(diagram) <= MAX_WIDTH


def width(diagram: Diagram) -> int:
    """Estimate how many pixels wide Mermaid draws the diagram.

    Tables stand in ranks, each below those that it refers to, and the widest rank decides.
    """
    rows: dict[int, list[int]] = {}
    ranks = _ranks(diagram)
    for entity in diagram.entities:
        rows.setdefault(ranks[entity.name], []).append(_entity_width(entity))
    return max((sum(row) + GAP * (len(row) - 1) for row in rows.values()), default=0)


def _ranks(diagram: Diagram) -> dict[str, int]:
    """Return how many lines lead down to each table at most, with those in a circle cut."""
    parents: dict[str, set[str]] = {entity.name: set() for entity in diagram.entities}
    for relationship in diagram.relationships:
        if relationship.child != relationship.parent:
            parents[relationship.child].add(relationship.parent)
    ranks: dict[str, int] = {}
    while waiting := parents.keys() - ranks.keys():
        free = [name for name in waiting if parents[name] <= ranks.keys()]
        for name in free or [min(waiting)]:
            above = parents[name] & ranks.keys()
            ranks[name] = 1 + max((ranks[parent] for parent in above), default=-1)
    return ranks


def _entity_width(entity: Entity) -> int:
    rows = [_attribute_texts(attribute) for attribute in entity.attributes]
    cells = [max(len(row[place]) for row in rows) for place in range(4)] if rows else []
    written = sum(CHARACTER * length + CELL_PADDING for length in cells if length)
    return max(written, CHARACTER * len(entity.name) + CELL_PADDING)


@lru_cache(1024)
def escape(text: str) -> str:
    """Return text that is safe between double quotes and is drawn exactly as it is given."""
    visible = "".join(mark for mark in text if mark.isprintable() or mark.isspace())
    return _SPECIAL.sub(lambda match: f"#{ord(match[0])};", " ".join(visible.split()))


@lru_cache(1024)
def safe_type(column_type: str) -> str:
    """Return a column's type as one word."""
    for long, short in TYPE_NAMES.items():
        column_type = column_type.replace(long, short)
    column_type = re.sub(r",\s*", "_", column_type)
    return _word(column_type, also="()[]", otherwise="unknown")


@lru_cache(1024)
def safe_name(name: str) -> str:
    """Return a column's name, or a word like it where Mermaid would not read the name."""
    word = _word(name, also="", otherwise="column")
    return f"{word}_" if word.lower() in ("pk", "fk", "uk") else word


def _word(text: str, *, also: str, otherwise: str) -> str:
    unsafe = rf"[^A-Za-z0-9{re.escape(also)}]+"
    word = re.sub(unsafe, "_", text).strip("_")
    return word if re.match(r"[A-Za-z]", word) else f"{otherwise}_{word}".rstrip("_")


def _entity(entity: Entity) -> list[str]:
    name = _entity_name(entity.name)
    if not entity.attributes:
        return [f"    {name}"]
    attributes = [f"        {_attribute(attribute)}" for attribute in entity.attributes]
    return [f"    {name} {{", *attributes, "    }"]


def _entity_name(name: str) -> str:
    return f'"{escape(name) or "unnamed"}"'


def _attribute(attribute: Attribute) -> str:
    *words, comment = _attribute_texts(attribute)
    if escaped := escape(comment):
        words.append(f'"{escaped}"')
    return " ".join(filter(None, words))


def _attribute_texts(attribute: Attribute) -> tuple[str, str, str, str]:
    """Return the type, the name, the keys and the comment as they are drawn."""
    name = safe_name(attribute.name)
    comment = _shortened(attribute.description)
    if name != attribute.name:
        comment = f"{attribute.name}: {comment}" if comment else attribute.name
    return safe_type(attribute.type), name, ", ".join(attribute.keys), comment


def _shortened(text: str) -> str:
    if len(text) <= MAX_COMMENT:
        return text
    return text[:MAX_COMMENT].rsplit(" ", 1)[0].rstrip(" ,;:.") + " …"


def _relationship(relationship: Relationship) -> str:
    parent = "}o" if relationship.many else "|o" if relationship.optional else "||"
    line = "--" if relationship.enforced else ".."
    child = "o|" if relationship.unique else "o{"
    return (
        f"    {_entity_name(relationship.parent)} {parent}{line}{child} "
        f'{_entity_name(relationship.child)} : "{escape(relationship.label)}"'
    )
