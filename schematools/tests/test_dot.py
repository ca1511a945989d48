import pytest

from schematools import dot
from schematools.diagram import Attribute, Diagram, Entity, Relationship
from schematools.errors import CannotRunError

ODD = 'a "b" \\ <c>\n&: {d|e}'
DIAGRAM = Diagram(
    entities=(
        Entity(ODD, (Attribute("id <x>", "numeric(10, 2)", keys=("PK", "FK")),)),
        Entity("end", (), stub=True),
        Entity("edge", ()),
    ),
    relationships=(
        Relationship("end", ODD, "f (SET_NULL)", optional=True, unique=True, enforced=False),
    ),
)


def test_keys_and_cardinalities_are_drawn():
    source = dot.render_dot(DIAGRAM, title="Shop")

    assert source.startswith("digraph schema {\n")
    assert source.endswith("}\n")
    assert "PK, FK" in source
    assert "arrowhead=teeodot" in source
    assert "arrowtail=teeodot" in source
    assert "style=dashed" in source


@pytest.mark.usefixtures("graphviz")
def test_any_name_is_drawn_as_it_is():
    svg = dot.render_svg(DIAGRAM, title='T "t" \\N')

    assert svg.startswith("<svg")
    assert "a &quot;b&quot; \\ &lt;c&gt; &amp;: {d|e}" in svg
    assert "T &quot;t&quot; \\N" in svg
    assert "<!--" not in svg


def test_what_is_not_installed_is_named(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(CannotRunError, match="install Graphviz"):
        dot.render_svg(DIAGRAM, title="Shop")

    monkeypatch.setattr(dot, "pydot", None)
    with pytest.raises(CannotRunError, match="pip install pydot"):
        dot.render_dot(DIAGRAM, title="Shop")
