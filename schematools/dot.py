"""Writes a diagram in Graphviz's DOT through pydot, and as SVG through the ``dot`` program."""

import re
import shutil
import subprocess
from html import escape

from schematools.diagram import Attribute, Diagram, Entity, Relationship
from schematools.errors import CannotRunError

try:
    import pydot
except ImportError:  # only these two formats need it
    pydot = None

INSTALL_PYDOT = "The dot and svg formats need pydot: run 'pip install pydot'."
INSTALL_GRAPHVIZ = (
    "The svg format needs Graphviz's 'dot' program: install Graphviz "
    "('apt install graphviz', 'brew install graphviz' or graphviz.org/download)."
)


def render_dot(diagram: Diagram, *, title: str) -> str:
    """Return the diagram as DOT source that ends in one newline."""
    if pydot is None:
        raise CannotRunError(INSTALL_PYDOT)
    graph = pydot.Dot(
        "schema", graph_type="digraph", rankdir="LR", label=_quoted(title), labelloc="t"
    )
    graph.set_graph_defaults(fontname="Helvetica")
    graph.set_node_defaults(shape="plain", fontname="Helvetica", fontsize="10")
    graph.set_edge_defaults(fontname="Helvetica", fontsize="9", dir="both")
    for entity in diagram.entities:
        graph.add_node(pydot.Node(_quoted(entity.name), label=_label(entity)))
    for relationship in diagram.relationships:
        graph.add_edge(
            pydot.Edge(
                _quoted(relationship.child),
                _quoted(relationship.parent),
                label=_quoted(relationship.label),
                arrowhead=_arrowhead(relationship),
                arrowtail="teeodot" if relationship.unique else "crowodot",
                style="solid" if relationship.enforced else "dashed",
            )
        )
    return str(graph.to_string()).rstrip("\n") + "\n"


def render_svg(diagram: Diagram, *, title: str) -> str:
    """Return the diagram as one ``<svg>`` element, drawn by Graphviz."""
    source = render_dot(diagram, title=title)
    program = shutil.which("dot")
    if program is None:
        raise CannotRunError(INSTALL_GRAPHVIZ)
    drawn = subprocess.run(  # noqa: S603
        [program, "-Tsvg"], input=source, capture_output=True, encoding="utf-8", check=False
    )
    if drawn.returncode:
        raise CannotRunError(f"Graphviz could not draw the diagram: {drawn.stderr.strip()}")
    svg = drawn.stdout[drawn.stdout.index("<svg") :]
    return re.sub(r"<!--.*?-->\n?", "", svg, flags=re.DOTALL).rstrip("\n") + "\n"


def _arrowhead(relationship: Relationship) -> str:
    if relationship.many:
        return "crowodot"
    return "teeodot" if relationship.optional else "teetee"


def _quoted(text: str) -> str:
    """Return a DOT string that stands for exactly this text."""
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + " ".join(text.split()) + '"'


def _label(entity: Entity) -> str:
    """Return the table as one of Graphviz's HTML-like labels."""
    colour = "#eeeeee" if entity.stub else "#cfe2f3"
    rows = [f'<tr><td colspan="3" bgcolor="{colour}"><b>{_text(entity.name)}</b></td></tr>']
    rows += [_row(attribute) for attribute in entity.attributes]
    table = '<table border="0" cellborder="1" cellspacing="0" cellpadding="4">'
    return f"<{table}{''.join(rows)}</table>>"


def _row(attribute: Attribute) -> str:
    keys = ", ".join(attribute.keys)
    cells = "".join(
        f'<td align="left">{_text(cell)}</td>' for cell in (keys, attribute.name, attribute.type)
    )
    return f"<tr>{cells}</tr>"


def _text(text: str) -> str:
    printable = "".join(character if character.isprintable() else " " for character in text)
    return escape(printable) or " "
