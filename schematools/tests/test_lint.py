import re
from dataclasses import replace

import pytest

from schematools import lint as module
from schematools.columns import ON_ADD, ON_SAVE
from schematools.errors import CannotRunError
from schematools.lint import RULES, LintFinding, lint
from schematools.model import Column, Constraint, GenericKey, Index

from .builders import make_key, make_schema, make_table

ISOLATED = "table-isolated"


def found(identifier, *tables, source="models", vendor="postgresql", undocumented=(), **others):
    """Return the objects of the findings with this id."""
    schema = make_schema(*tables, vendor=vendor, undocumented=undocumented)
    findings = lint(replace(schema, source=source), **others)
    return [finding.object for finding in findings if finding.id == identifier]


def test_the_docstring_lists_every_rule_with_its_severity():
    rows = re.findall(r"^``([\w-]+)``\s+(\w+)", module.__doc__, re.MULTILINE)

    assert rows == [(name, severity) for name, (severity, _) in sorted(RULES.items())]


# Documentation


def test_a_table_needs_a_description_or_notes():
    tables = (
        make_table("bare"),
        make_table("described", description="x"),
        make_table("noted", notes="x"),
        make_table("joining", automatic=True),
        make_table("elsewhere", module="auth"),
    )

    assert found("table-undocumented", *tables, undocumented=["auth"]) == ["bare"]


def test_a_column_needs_words_unless_something_else_says_what_it_holds():
    table = make_table(
        "orders",
        make_key("customers"),
        extra=(
            Column("mystery", "text"),
            Column("described", "text", description="x"),
            Column("chosen", "text", choices=(("a", "A"),)),
            Column("computed", "text", generated="a || b"),
            Column("added", "date", default=ON_ADD),
            Column("saved", "date", default=ON_SAVE),
            Column("name", "text"),
            Column("object_id", "text"),
            Column("type_id", "int"),
        ),
        generic_keys=(GenericKey("thing", "type_id", "object_id"),),
    )

    assert found("column-undocumented", table) == ["orders.mystery"]


def test_the_remedy_names_the_field_where_a_model_is_known():
    table = make_table("orders", extra=(Column("a", "text", field="first"),))
    from_database = replace(table, model="")

    def remedies(table):
        findings = lint(make_schema(table))
        return {finding.id: finding.remedy for finding in findings if finding.id != ISOLATED}

    assert remedies(table) == {
        "table-undocumented": "write a docstring for the model shop.Orders",
        "column-undocumented": "give shop.Orders.first a help_text",
    }
    assert remedies(from_database) == {
        "table-undocumented": "COMMENT ON TABLE orders IS '…'",
        "column-undocumented": "COMMENT ON COLUMN orders.a IS '…'",
    }


@pytest.mark.parametrize(("vendor", "number"), [("sqlite", 0), ("postgresql", 1)])
def test_a_database_without_comments_is_not_asked_for_them(vendor, number):
    table = make_table("orders", extra=(Column("mystery", "text"),))

    for identifier in ("table-undocumented", "column-undocumented"):
        assert len(found(identifier, table, vendor=vendor, source="database")) == number


# Tables


def test_what_stores_rows_needs_a_primary_key():
    table = replace(make_table("orders"), constraints=())
    view = replace(table, name="report", kind="view")

    assert found("table-without-primary-key", table, view) == ["orders"]


def test_a_table_is_isolated_without_relations_of_any_kind():
    tables = (
        make_table("alone"),
        make_table("refers", make_key("referred")),
        make_table("referred"),
        make_table("tags", generic_keys=(GenericKey("thing", "id", "id", targets=("tagged",)),)),
        make_table("tagged"),
        make_table("unmanaged", managed=False),
        make_table("seen", kind="view"),
    )

    assert found("table-isolated", *tables) == ["alone"]


# Names


def test_names_follow_the_default_rule_or_the_projects_own():
    table = make_table("Orders", extra=(Column("größe", "text"), Column("a_1", "text")))
    joining = make_table("Orders_tags", automatic=True)

    assert found("name-irregular", table, joining) == ["Orders", "Orders.größe"]
    assert found("name-irregular", table, names=r"[A-Z]?[^\W_]+") == ["Orders.a_1"]


def test_the_name_of_a_schema_is_not_a_part_of_the_tables_name():
    table = make_table("audit.log")

    assert found("name-irregular", table) == ["audit.log"]
    assert found("name-irregular", table, source="database") == []


def test_a_wrong_rule_for_names_is_refused():
    with pytest.raises(CannotRunError, match="rule for names, '\\['"):
        lint(make_schema(make_table("orders")), names="[")


def test_reserved_words():
    table = make_table("Order", extra=(Column("select", "text"), Column("selected", "text")))

    assert found("name-reserved", table) == ["Order", "Order.select"]


@pytest.mark.parametrize(
    ("vendor", "letter", "most"),
    [("postgresql", "a", 63), ("postgresql", "é", 31), ("mysql", "é", 64)],
)
def test_names_that_the_database_would_cut(vendor, letter, most):
    table = make_table(
        "orders",
        extra=(Column(letter * most, "text"), Column(letter * (most + 1), "text")),
        indexes=(Index(columns=("id",), name="i" * 65),),
        constraints=(Constraint("check", name="c" * 65),),
    )

    assert found("name-too-long", table, vendor=vendor) == [
        f"orders.{letter * (most + 1)}",
        "orders",
        "orders",
    ]
    assert found("name-too-long", table, vendor="sqlite") == []


# Findings


def test_a_finding_says_everything():
    key = make_key("customers")
    table = make_table("orders", key, description="An order.")
    fields = (table.columns[0], replace(table.columns[1], field="customer"))

    findings = lint(make_schema(replace(table, columns=fields)))

    assert findings == (
        LintFinding(
            id="foreign-key-without-index",
            severity="warning",
            object="orders.customers_id",
            message="No index leads from customers to its rows here: deleting one there reads all.",
            remedy="set db_index=True on shop.Orders.customer",
        ),
    )
