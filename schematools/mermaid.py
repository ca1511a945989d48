"""Writes a diagram in Mermaid, in the part of its grammar that every version since 10.9 reads.

Whatever a table or column is called, the text parses and shows that name: texts in quotes are
escaped with Mermaid's entity codes, and where the grammar has no quotes (types and attribute names)
an unsafe name is replaced and the real one said in the comment.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from schematools.diagram import Attribute, Diagram, Entity, Relationship

MAX_COMMENT = 60

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
    *words, comment = attribute_texts(attribute)
    if escaped := escape(comment):
        words.append(f'"{escaped}"')
    return " ".join(filter(None, words))


def attribute_texts(attribute: Attribute) -> tuple[str, str, str, str]:
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
