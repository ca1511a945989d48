import json
from dataclasses import replace

import pytest

from schematools import compact, json_document
from schematools.model import Column, Constraint, ForeignKey, GenericKey, ManyToMany, Module, Schema

from .builders import make_key, make_schema, make_table


def columns_of(table, *others):
    document = compact.document(make_schema(table, *others), title="Shop")
    return document["modules"]["shop"]["tables"][table.name]["columns"]


@pytest.mark.parametrize(
    ("column", "text"),
    [
        (Column("a", "text"), "text"),
        (Column("a", "text", null=True), "text?"),
        (Column("a", "timestamp with time zone"), "timestamptz"),
        (Column("a", ""), "untyped"),
        (Column("a", "int", default="7"), "int = 7"),
        (Column("a", "int", default="7", db_default="8"), "int = 8"),
        (Column("a", "text", default="''"), "text"),
        (Column("a", "int", generated="b * 2"), "int = generated b * 2"),
        (Column("a", "text", choices=(("x", "X"), ("y", "Y"))), "text {x|y}"),
        (Column("a", "text", description="What it is. And more."), "text -- What it is"),
    ],
)
def test_a_column_is_one_text(column, text):
    assert columns_of(make_table("orders", extra=(column,)))["a"] == text


def test_keys_say_where_they_lead_and_what_deleting_does():
    orders = make_table(
        "orders",
        make_key("customers", on_delete="SET_NULL", null=True),
        make_key("audit", on_delete="DO_NOTHING", enforced=False),
        make_key("unread"),
        constraints=(Constraint("unique", columns=("audit_id",)),),
    )

    columns = columns_of(orders, make_table("customers"), make_table("audit"))

    assert columns == {
        "id": "bigint pk",
        "customers_id": "bigint? -> customers set null",
        "audit_id": "bigint unique ~> audit do nothing",
        "unread_id": "bigint -> unread.id cascade",
    }


def test_what_is_about_several_columns_is_said_beside_them():
    key = ForeignKey("price", ("a", "b"), "prices", ("x", "y"), "CASCADE")
    table = make_table(
        "orders",
        kind="partitioned table",
        description="An order. Kept for ten years.",
        constraints=(
            Constraint("unique", columns=("a", "b")),
            Constraint("unique", columns=("LOWER(a)",), condition="b > 0"),
            Constraint("check", expression="a > 0"),
            Constraint("exclusion", expression="gist (a)", condition="b"),
        ),
        many_to_many=(ManyToMany("tags", "tag", through="orders_tags"),),
        generic_keys=(GenericKey("thing", "type_id", "object_id", targets=("tag",)),),
    )

    document = compact.document(make_schema(replace(table, foreign_keys=(key,))), title="Shop")

    assert document["modules"]["shop"]["tables"]["orders"] == {
        "about": "An order",
        "kind": "partitioned table",
        "columns": {"id": "bigint pk"},
        "keys": ["(a, b) -> prices.(x, y) cascade"],
        "unique": ["a, b", "LOWER(a) where b > 0"],
        "checks": ["a > 0", "gist (a) where b"],
        "many_to_many": {"tags": "tag through orders_tags"},
        "generic_keys": {"thing": "type_id, object_id -> tag"},
    }


def test_a_long_sentence_is_cut_between_words():
    cut = compact.first_sentence("word " * 40)

    assert cut.endswith("word…")
    assert len(cut) <= compact.MAX_SENTENCE + 1


def test_only_chosen_or_documented_modules_are_there():
    schema = make_schema(
        make_table("a", module="one"),
        make_table("b", module="two"),
        make_table("c", module="three"),
        undocumented=["two"],
    )

    everything = compact.document(schema, title="T")
    chosen = compact.document(schema, title="T", modules=[schema.module_by_name["two"]])

    assert list(everything["modules"]) == ["one", "three"]
    assert list(chosen["modules"]) == ["two"]


def test_the_text_is_json_with_a_table_on_each_line():
    schema = Schema(
        "sqlite",
        (Module("shop", 'Sh"op', purpose="Größe."), Module("empty", "Empty")),
        (make_table("a"), make_table("b")),
    )
    document = compact.document(schema, title="T")

    text = compact.dumps(document)

    assert json.loads(text) == document
    assert text.endswith("}\n")
    assert '\n"a":{"columns":{"id":"bigint pk"}},\n"b":' in text
    assert '"purpose":"Größe"' in text


def test_it_is_much_smaller_than_the_full_document():
    extra = tuple(Column(f"column_{number}", "text", null=True) for number in range(10))
    schema = make_schema(*(make_table(f"table_{number}", extra=extra) for number in range(10)))

    small = compact.dumps(compact.document(schema, title="T"))
    full = json_document.dumps(json_document.document(schema, title="T"))

    assert len(small) < len(full) / 3
