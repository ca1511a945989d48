from schematools.canvas import fits, width
from schematools.diagram import Attribute, Diagram, Entity, Relationship


def star(amount):
    """One table and so many that refer to it, which stand side by side."""
    entities = [Entity("a", ()), *(Entity(f"t{n}", ()) for n in range(amount))]
    lines = [Relationship("a", entity.name, "a (CASCADE)") for entity in entities[1:]]
    return Diagram(tuple(entities), tuple(lines))


def test_tables_side_by_side_make_a_diagram_wide_and_those_below_each_other_do_not():
    chain = Diagram(
        tuple(Entity(f"t{n}", ()) for n in range(20)),
        tuple(Relationship(f"t{n}", f"t{n + 1}", "x") for n in range(19)),
    )
    circle = Diagram(chain.entities, (*chain.relationships, Relationship("t19", "t0", "x")))

    assert width(star(20)) > 19 * width(star(1))
    assert width(chain) < width(circle) < 2 * width(star(1))
    assert width(Diagram((), ())) == 0


def test_a_diagram_fits_when_it_is_neither_too_wide_nor_too_long():
    long = Diagram((Entity("t", (Attribute("a", "text", description="x" * 50),) * 1_000),), ())

    assert fits(star(5))
    assert not fits(star(30))
    assert not fits(long)


def test_what_is_not_connected_stands_side_by_side():
    pair = star(1)
    apart = Diagram(
        (*pair.entities, Entity("b", ()), Entity("c", ())),
        (*pair.relationships, Relationship("b", "c", "b (CASCADE)")),
    )

    assert width(apart) > 2 * width(pair)


def test_labels_beside_tables_take_room():
    chain = [Relationship("a", "b", "x"), Relationship("b", "c", "x")]
    entities = tuple(Entity(name, ()) for name in "abc")
    across = Relationship("a", "c", "a label that is rather long")

    assert width(Diagram(entities, (*chain, across))) > 200 + width(Diagram(entities, tuple(chain)))
