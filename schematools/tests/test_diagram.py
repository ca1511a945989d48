from dataclasses import replace

from schematools.diagram import MAX_ENTITIES, draw, plan
from schematools.model import Column, Constraint, ForeignKey, GenericKey, ManyToMany
from schematools.tests.builders import make_key, make_schema, make_table


def everything_fits(diagram):
    return True


def nothing_fits(diagram):
    return False


def names(diagram, *, stubs):
    return [entity.name for entity in diagram.entities if entity.stub is stubs]


def test_tables_of_other_modules_are_stubs_with_the_keys_that_matter():
    schema = make_schema(
        make_table("orders", make_key("people"), make_key("places")),
        make_table("people", module="crm", extra=[Column(name="name", type="text")]),
        make_table("places", module="gis"),
        make_table("bills", make_key("orders"), make_key("people"), module="billing"),
        undocumented=["gis"],
    )

    diagram = draw(schema, ["orders"])

    assert names(diagram, stubs=False) == ["orders"]
    assert names(diagram, stubs=True) == ["bills", "people", "places"]
    assert {
        entity.name: [attribute.name for attribute in entity.attributes]
        for entity in diagram.entities
    } == {
        "orders": ["id", "people_id", "places_id"],
        "bills": ["id", "orders_id"],
        "people": ["id"],
        "places": ["id"],
    }


def test_tables_that_only_refer_here_and_are_not_documented_are_left_out():
    schema = make_schema(
        make_table("people"),
        make_table("log", make_key("people"), module="admin"),
        undocumented=["admin"],
    )

    assert [entity.name for entity in draw(schema, ["people"]).entities] == ["people"]


def test_what_leads_to_a_table_that_the_schema_does_not_have_is_not_drawn():
    diagram = draw(make_schema(make_table("orders", make_key("ghosts"))), ["orders"])

    assert [entity.name for entity in diagram.entities] == ["orders"]
    assert diagram.relationships == ()


def test_a_reference_is_labelled_with_its_field_and_what_a_delete_does():
    schema = make_schema(
        make_table("people", make_key("people", name="boss", null=True, on_delete="SET_NULL"))
    )

    (relationship,) = draw(schema, ["people"]).relationships

    assert (relationship.parent, relationship.child) == ("people", "people")
    assert (relationship.label, relationship.optional) == ("boss (SET_NULL)", True)


def test_a_column_can_be_several_keys():
    key = ForeignKey("user", ("id",), "users", ("id",), "CASCADE", unique=True)
    table = make_table(
        "profiles",
        extra=[Column(name="nick", type="text"), Column(name="mail", type="text")],
        constraints=[
            Constraint(kind="unique", columns=("nick",)),
            Constraint(kind="unique", columns=("mail",), condition="mail <> ''"),
        ],
    )
    schema = make_schema(replace(table, foreign_keys=(key,)))

    (entity, *_) = draw(schema, ["profiles"]).entities

    assert {attribute.name: attribute.keys for attribute in entity.attributes} == {
        "id": ("PK", "FK"),
        "nick": ("UK",),
        "mail": (),
    }


def test_what_fits_is_drawn_whole():
    schema = make_schema(make_table("a", extra=[Column(name="x", type="text")]))

    drawn = plan(schema, ["a"], fits=everything_fits)

    assert not drawn.keys_only
    assert len(drawn.diagrams) == 1
    assert len(drawn.diagrams[0].entities[0].attributes) == 2


def test_referring_tables_go_first_when_a_diagram_is_too_large():
    referrers = [
        make_table(f"t{number:02}", make_key("a"), module="other") for number in range(MAX_ENTITIES)
    ]
    schema = make_schema(make_table("a"), *referrers)

    drawn = plan(schema, ["a"], fits=everything_fits)

    assert drawn.referrers_left_out
    assert not drawn.keys_only
    assert [entity.name for entity in drawn.diagrams[0].entities] == ["a"]


def test_too_many_tables_are_drawn_in_parts_that_keep_neighbours_together():
    chains = [
        make_table(f"{chain}{link}", *([make_key(f"{chain}{link - 1}")] if link else []))
        for chain in "abcd"
        for link in range(9)
    ]
    single = make_table("alone", extra=[Column(name="x", type="text")])
    schema = make_schema(*chains, single)

    drawn = plan(schema, [table.name for table in schema.tables], fits=everything_fits)

    parts = [set(names(diagram, stubs=False)) for diagram in drawn.diagrams]
    assert drawn.keys_only
    assert sorted(name for part in parts for name in part) == [t.name for t in schema.tables]
    assert all(len(diagram.entities) <= MAX_ENTITIES for diagram in drawn.diagrams)
    assert all(
        any({f"{chain}{link}" for link in range(9)} <= part for part in parts) for chain in "abcd"
    )
    assert all(not names(diagram, stubs=True) for diagram in drawn.diagrams)


def test_a_component_that_is_too_large_is_cut_and_the_cuts_show_as_stubs():
    ring = [make_table(f"t{link:02}", make_key(f"t{(link - 1) % 60:02}")) for link in range(60)]
    schema = make_schema(*ring)

    drawn = plan(schema, [table.name for table in schema.tables], fits=everything_fits)

    relationships = [line for diagram in drawn.diagrams for line in diagram.relationships]
    assert len(relationships) == len(set(relationships)) == 60
    assert all(len(diagram.entities) <= MAX_ENTITIES for diagram in drawn.diagrams)
    assert all(names(diagram, stubs=True) for diagram in drawn.diagrams)


def test_a_table_that_refers_to_too_many_others_gets_a_part_of_its_own():
    hub = make_table("hub", *(make_key(f"t{number:02}") for number in range(40)))
    schema = make_schema(hub, *(make_table(f"t{number:02}") for number in range(40)))

    drawn = plan(schema, [table.name for table in schema.tables], fits=everything_fits)

    assert names(drawn.diagrams[0], stubs=False) == ["hub"]
    assert len(drawn.diagrams[0].entities) == 41


def test_too_much_text_is_reduced_to_keys():
    schema = make_schema(make_table("a", extra=[Column(name="x", type="text")]))

    drawn = plan(schema, ["a"], fits=nothing_fits)

    assert drawn.keys_only
    assert [attribute.name for attribute in drawn.diagrams[0].entities[0].attributes] == ["id"]


def test_a_generic_key_leads_to_the_tables_that_are_known_or_to_any():
    known = replace(
        make_table("tags"), generic_keys=(GenericKey("thing", "kind", "number", ("a",)),)
    )
    unknown = replace(make_table("notes"), generic_keys=(GenericKey("thing", "kind", "number"),))
    schema = make_schema(make_table("a", module="crm"), known, unknown)

    diagram = draw(schema, ["tags", "notes"])

    assert names(diagram, stubs=True) == ["(any table)", "a"]
    assert [(line.parent, line.child, line.label) for line in diagram.relationships] == [
        ("(any table)", "notes", "thing (generic)"),
        ("a", "tags", "thing (generic)"),
    ]
    assert all(line.optional and not line.enforced for line in diagram.relationships)


def test_a_many_to_many_field_is_drawn_where_its_join_table_is_hidden():
    friends = replace(
        make_table("people"), many_to_many=(ManyToMany("friends", "people", "people_friends"),)
    )

    (line,) = draw(make_schema(friends), ["people"]).relationships
    shown = draw(make_schema(friends, make_table("people_friends")), ["people"]).relationships

    assert (line.parent, line.child, line.many) == ("people", "people", True)
    assert shown == ()


def test_descriptions_go_before_columns_do():
    described = make_table("a", extra=[Column("b", "text", description="What it is")])

    drawn = plan(make_schema(described), ["a"], fits=lambda d: not described_columns(d))

    assert (drawn.descriptions_left_out, drawn.keys_only) == (True, False)
    assert [column.name for column in drawn.diagrams[0].entities[0].attributes] == ["id", "b"]


def described_columns(diagram):
    return [
        attribute
        for entity in diagram.entities
        for attribute in entity.attributes
        if attribute.description
    ]


def test_a_part_that_does_not_fit_is_halved():
    schema = make_schema(*(make_table(f"t{number}") for number in range(8)))

    drawn = plan(schema, schema.table_by_name, fits=lambda d: len(d.entities) <= 3)

    assert [len(diagram.entities) for diagram in drawn.diagrams] == [2, 2, 2, 2]
    assert {name for d in drawn.diagrams for name in names(d, stubs=False)} == {
        f"t{number}" for number in range(8)
    }


def test_a_parent_is_said_to_be_extended():
    key = make_key("people", parent_link=True)
    schema = make_schema(make_table("people"), make_table("clerks", key))

    assert [line.label for line in draw(schema, ["clerks"]).relationships] == ["people (extends)"]
