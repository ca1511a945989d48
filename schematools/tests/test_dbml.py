"""The grammar here is the part of DBML's that @dbml/core 4.0 to 10.2 read."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schematools.dbml import render
from schematools.model import (
    Column,
    Constraint,
    ForeignKey,
    GenericKey,
    Index,
    ManyToMany,
    Module,
    Schema,
    Table,
)

from .builders import make_key, make_schema, make_table

NAME = r'"(?:[^"\\\n\r]|\\["\\nrt]|\\u[0-9a-f]{4})+"'
TEXT = r"'(?:[^'\\\n\r]|\\['\\nrt]|\\u[0-9a-f]{4})*'"
CODE = r"`[^`\n\r]*`"
TYPE = rf"(?:[A-Za-z_]\w*(?:\(\d+(?:, ?\d+)?\))?|{NAME})"
VALUE = rf"(?:{TEXT}|{CODE}|-?\d+(?:\.\d+)?|true|false|null|{TYPE})"
SETTING = rf"(?:pk|increment|null|not null|unique|(?:name|note|type|default): {VALUE})"
SETTINGS = rf"(?: \[{SETTING}(?:, {SETTING})*\])?"
ELEMENT = rf"(?:{NAME}|{CODE})"
END = rf"{NAME}\.(?:{NAME}|\({NAME}(?:, {NAME})+\))"
DELETE = r"cascade|set null|set default|restrict|no action"
GRAMMAR = [
    re.compile(pattern)
    for pattern in (
        "",
        "//.*",
        rf"(?:Project|Table|TableGroup) {NAME} {{",
        rf"  database_type: {TEXT}",
        rf"  {NAME}(?: {TYPE}{SETTINGS})?",
        r"  (?:indexes|checks) {",
        rf"    (?:{ELEMENT}|\({ELEMENT}(?:, {ELEMENT})*\)){SETTINGS}",
        r"  }|}",
        rf"Ref: {END} [>-] {END}(?: \[delete: (?:{DELETE})\])?(?: //.*)?",
    )
]
NOTE = re.compile(r"^  Note: '''\n((?:(?!  ''')(?: {4}.*)?\n)+)  '''\n", re.MULTILINE)
ESCAPE = re.compile(r"\\(?:u([0-9a-f]{4})|(.))")

MARKS = "\"'`\\[]{}().,:<>-/*#$~ \n\t\r\0\x7f\u2028"
WORDS = ["'''", "//", "/*", "Note:", "Table", "indexes", "note", "enum", "ü", "表", "\U0001f600"]
hostile = st.text(min_size=1) | st.lists(st.sampled_from([*MARKS, *WORDS]), min_size=1).map("".join)


def decode(written):
    plain = {"n": "\n", "r": "\r", "t": "\t"}
    return ESCAPE.sub(
        lambda match: chr(int(match[1], 16)) if match[1] else plain.get(match[2], match[2]),
        written[1:-1],
    )


def drawn(*tables, **others):
    return render(make_schema(*tables), title="Shop", **others)


@given(hostile, hostile, hostile, hostile)
def test_any_text_stays_within_the_grammar(name, column, column_type, text):
    table = Table(
        name=name,
        module=column,
        description=text,
        columns=(
            Column(name=column, type=column_type, default=text, db_default=text, description=text),
        ),
        indexes=(Index(columns=(text, column), name=text, method=column_type, condition=text),),
        constraints=(
            Constraint(kind="primary key", columns=(column, text)),
            Constraint(kind="unique", columns=(text,), name=name),
            Constraint(kind="check", expression=text, name=name),
        ),
        foreign_keys=(
            make_key(f"{name} 2", column, on_delete=text, enforced=False),
            make_key(text, column),
        ),
    )
    schema = Schema("postgresql", (Module(column, text, notes=text),), (table,))

    source = NOTE.sub("", render(schema, title=text))

    lines = source.split("\n")
    assert [line for line in lines if not any(rule.fullmatch(line) for rule in GRAMMAR)] == []


@given(hostile)
def test_a_name_stands_for_exactly_what_it_was(name):
    source = drawn(Table(name=name, module="shop", columns=(Column(name=name, type="int"),)))

    assert decode(re.search(rf"^Table ({NAME})", source, re.MULTILINE)[1]) == name
    assert decode(re.search(rf"^  ({NAME}) int", source, re.MULTILINE)[1]) == name


@given(st.lists(st.sampled_from(["'", "''", "'''", "\\", "a", " "])).map("".join))
def test_no_text_ends_a_note_early(text):
    source = drawn(make_table("orders", description=f"x{text}x"))

    written = re.search(r"Note: '''\n    (.*)\n  '''", source)[1]
    assert "'''" not in written.replace(r"\'", "")
    assert decode(f"'{written}'") == f"x{text}x"


def test_a_project_with_its_modules_as_table_groups():
    schema = Schema(
        vendor="postgresql",
        modules=(Module("shop", "Corner shop", purpose="What is sold."), Module("empty", "E")),
        tables=(make_table("orders", description="An order.\n\nKept for ten years."),),
    )

    assert render(schema, title="All") == (
        'Project "All" {\n'
        "  database_type: 'PostgreSQL'\n"
        "}\n"
        "\n"
        'Table "orders" {\n'
        '  "id" bigint [pk, increment]\n'
        "  Note: '''\n"
        "    An order.\n"
        "\n"
        "    Kept for ten years.\n"
        "  '''\n"
        "}\n"
        "\n"
        'TableGroup "shop" {\n'
        '  "orders"\n'
        "  Note: '''\n"
        "    Corner shop\n"
        "\n"
        "    What is sold.\n"
        "  '''\n"
        "}\n"
    )


@pytest.mark.parametrize(
    ("column", "line"),
    [
        (Column("a", "varchar(30)", null=True), '"a" varchar(30) [null]'),
        (Column("a", "numeric(10, 2)"), '"a" numeric(10, 2) [not null]'),
        (Column("a", "timestamp with time zone"), '"a" "timestamp with time zone" [not null]'),
        (Column("a", ""), '"a" "unknown" [not null]'),
        (Column("a", "int", db_default="-1.5"), '"a" int [not null, default: -1.5]'),
        (Column("a", "bool", db_default="TRUE"), '"a" bool [not null, default: true]'),
        (Column("a", "text", db_default="''"), "\"a\" text [not null, default: '']"),
        (Column("a", "text", db_default="'it''s'"), "\"a\" text [not null, default: 'it\\'s']"),
        (Column("a", "date", db_default="now()"), '"a" date [not null, default: `now()`]'),
        (
            Column("a", "text", description="What.", choices=(("x", "X y"), ("z", "z"))),
            "\"a\" text [not null, note: 'What.\\nChoices: x (X y), z']",
        ),
        (
            Column("a", "int", default="7", generated="b * 2", collation="C"),
            "\"a\" int [not null, note: 'Default, by Django: 7\\nGenerated: b * 2\\nCollation: C']",
        ),
    ],
)
def test_a_column(column, line):
    assert f"  {line}\n" in drawn(make_table("orders", extra=(column,)))


def test_indexes_and_unique_constraints_of_every_kind():
    table = make_table(
        "orders",
        extra=(Column("a", "int"), Column("b", "int"), Column("c", "int")),
        constraints=(
            Constraint("unique", columns=("a",)),
            Constraint("unique", columns=("b",), name="b_uniq", condition="a > 0", include=("c",)),
            Constraint("unique", columns=("a", "LOWER(b)"), deferrable="initially deferred"),
            Constraint("unique", columns=("c",), nulls_distinct=False),
        ),
        indexes=(
            Index(columns=("a DESC", "b"), name="orders_idx", method="gin"),
            Index(columns=("b", "b")),
        ),
    )

    source = drawn(table)

    assert '  "a" int [not null, unique]\n  "b" int [not null]\n  "c" int [not null]\n' in source
    assert (
        "  indexes {\n"
        "    \"b\" [unique, name: 'b_uniq', note: 'where a > 0; includes c']\n"
        "    (\"a\", `LOWER(b)`) [unique, note: 'deferrable initially deferred']\n"
        "    \"c\" [unique, note: 'nulls are not distinct']\n"
        "    (`a DESC`, \"b\") [type: gin, name: 'orders_idx']\n"
        '    "b"\n'
        "  }\n"
    ) in source


def test_a_primary_key_of_several_columns():
    table = Table(
        name="lines",
        module="shop",
        columns=(Column("a", "int"), Column("b", "int")),
        constraints=(Constraint("primary key", columns=("a", "b")),),
    )

    assert '  indexes {\n    ("a", "b") [pk]\n  }\n' in drawn(table)


def test_checks_are_code_in_which_backticks_and_line_breaks_have_no_place():
    rules = (
        Constraint("check", expression="`a` > 0\n  OR b", name="it's"),
        Constraint("check", expression="c"),
    )

    source = drawn(make_table("orders", constraints=rules))

    assert "  checks {\n    `\"a\" > 0 OR b` [name: 'it\\'s']\n    `c`\n  }\n" in source


def test_what_has_no_syntax_is_in_the_note():
    table = make_table(
        "orders",
        kind="view",
        notes="By hand.",
        many_to_many=(ManyToMany("tags", "tag", through="orders_tags"),),
        generic_keys=(GenericKey("thing", "type_id", "object_id"),),
        constraints=(Constraint("exclusion", name="ex", expression="gist (a)", condition="b"),),
    )

    note = NOTE.search(drawn(table))[1]

    assert [line.strip() for line in note.splitlines() if line] == [
        "By hand.",
        "This is a view.",
        "tags: many-to-many with tag, through orders_tags.",
        "thing: a row of any table, by type_id, object_id.",
        "Constraint ex (exclusion): gist (a); where b",
    ]


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ({}, 'Ref: "orders"."c_id" > "customers"."id" [delete: cascade]'),
        ({"unique": True}, 'Ref: "orders"."c_id" - "customers"."id" [delete: cascade]'),
        ({"on_delete": "PROTECT"}, 'Ref: "orders"."c_id" > "customers"."id" [delete: restrict]'),
        ({"on_delete": "SET NULL"}, 'Ref: "orders"."c_id" > "customers"."id" [delete: set null]'),
        (
            {"on_delete": "DO_NOTHING"},
            'Ref: "orders"."c_id" > "customers"."id" [delete: no action]',
        ),
        (
            {"on_delete": "SET('x')", "enforced": False},
            (
                'Ref: "orders"."c_id" > "customers"."id" '
                "// on delete 'SET(\\'x\\')'; not enforced by the database"
            ),
        ),
    ],
)
def test_a_reference(key, line):
    tables = make_table("customers"), make_table("orders", make_key("customers", "c", **key))

    assert drawn(*tables).endswith(f"\n{line}\n")


def test_a_reference_over_several_columns():
    pair = (Column("a", "int"), Column("b", "int"))
    key = ForeignKey("price", ("a", "b"), "prices", ("b", "a"), "CASCADE")

    source = drawn(
        make_table("prices", extra=pair),
        Table(name="sales", module="shop", columns=pair, foreign_keys=(key,)),
    )

    assert 'Ref: "sales".("a", "b") > "prices".("b", "a") [delete: cascade]\n' in source


def test_references_that_the_parser_refuses_are_comments():
    twice = make_key("customers", "c")
    itself = ForeignKey("id", ("id",), "orders", ("id",), "CASCADE")
    lost = ForeignKey("gone", ("gone_id",), "customers", ("id",), "CASCADE")
    orders = replace(make_table("orders", twice), foreign_keys=(twice, twice, itself, lost))

    source = drawn(make_table("customers"), orders)

    assert source.count("\nRef: ") == 1
    assert source.count("\n// Not drawn: Ref: ") == 3


def test_a_table_without_columns_is_a_comment():
    source = drawn(Table(name="nothing", module="shop"))

    assert '// The table "nothing" has no columns.\n' in source
    assert "TableGroup" not in source


def test_tables_of_other_modules_show_their_keys_only():
    customers = make_table("customers", module="crm", extra=(Column("name", "text"),))
    orders = make_table("orders", make_key("customers"), make_key("unread", "other"))
    schema = make_schema(customers, orders)

    source = render(schema, [schema.module_by_name["shop"]], title="Shop")

    assert (
        'Table "customers" {\n'
        '  "id" bigint [pk, increment]\n'
        "  Note: '''\n"
        "    Of the module Crm; only its keys are shown.\n"
    ) in source
    assert 'Table "unread" {\n  "id" "unknown" [not null]\n' in source
    assert 'TableGroup "crm"' not in source
    assert source.count("\nRef: ") == 2


def test_without_a_choice_every_documented_module_is_drawn():
    schema = make_schema(
        make_table("a", module="one"), make_table("b", module="two"), undocumented=["two"]
    )

    source = render(schema, title="All")

    assert 'Table "a"' in source
    assert 'Table "b"' not in source
