"""What both engines are asked in the same words; each engine's own has a file of its own."""

from types import SimpleNamespace

import pytest
from django.db import connection

from schematools.catalog import read_database
from schematools.errors import CannotRunError
from schematools.model import Constraint, ForeignKey, Index, Module

pytestmark = pytest.mark.django_db

AWKWARD = "a \"b\" %s.c\n'd' 😀"
LONGEST = "n" * 63
# Four or six queries, as the reader's comments count them; none is added by more tables.
QUERIES = {"postgresql": 4, "sqlite": 6}


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def create(*statements):
    """Make tables and return what the catalog says of the database."""
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    return read_database(connection)


def create_table(columns, name="t", *more):
    return create(f"CREATE TABLE {quoted(name)} ({columns})", *more).table_by_name[name]


def test_other_engines_are_refused():
    with pytest.raises(CannotRunError, match=r"PostgreSQL and SQLite .* is oracle\."):
        read_database(SimpleNamespace(vendor="oracle"))


def test_the_number_of_queries_does_not_depend_on_the_tables(django_assert_num_queries):
    create(*(f"CREATE TABLE t{number} (id int PRIMARY KEY)" for number in range(5)))

    with django_assert_num_queries(QUERIES[connection.vendor]):
        read_database(connection)


def test_the_source_is_the_database_and_tables_are_sorted():
    schema = create("CREATE TABLE zz (a int)", "CREATE TABLE aa (a int)")

    names = [table.name for table in schema.tables]
    assert (schema.source, schema.vendor) == ("database", connection.vendor)
    assert names == sorted(names)
    assert {"aa", "zz"} < set(names)


def test_tables_without_a_module_go_together():
    create("CREATE TABLE mine (a int)", "CREATE TABLE theirs (a int)")
    shop = Module(name="shop", title="Shop", purpose="Sells.")

    schema = read_database(
        connection, modules=[shop], module_of_table={"mine": "shop", "theirs": "vendor"}
    )

    assert schema.modules == (
        shop,
        Module(name="database", title="Database"),
        Module(name="vendor", title="vendor", documented=False),
    )
    assert schema.tables_by_module["shop"] == (schema.table_by_name["mine"],)
    assert schema.table_by_name["theirs"].module == "vendor"
    assert schema.table_by_name["django_migrations"].module == "database"


def test_an_app_called_database_keeps_its_name():
    schema = read_database(connection, module_of_table={"django_migrations": "database"})

    assert {module.name: module.documented for module in schema.modules} == {
        "database": False,
        "database_": True,
    }


@pytest.mark.parametrize("name", [AWKWARD, LONGEST, "select", "1st", "Größe", "a.b"])
def test_names_are_what_they_are(name):
    other = f"CREATE TABLE other (up int REFERENCES {quoted(name)} ({quoted(name)}))"
    index = f"CREATE INDEX {quoted(name[:62] + 'i')} ON {quoted(name)} ({quoted(name)} DESC)"

    schema = create(f"CREATE TABLE {quoted(name)} ({quoted(name)} int PRIMARY KEY)", index, other)

    table = schema.table_by_name[name]
    assert [column.name for column in table.columns] == [name]
    assert table.primary_key == (name,)
    assert table.indexes == (Index(name=name[:62] + "i", columns=(f"{name} DESC",)),)
    assert schema.referrers[name][0][1].target_columns == (name,)


def test_columns_have_types_nulls_and_defaults():
    table = create_table("a bigint NOT NULL, b numeric(10,2) DEFAULT 5, c date DEFAULT NULL")

    assert [(column.name, column.type, column.null) for column in table.columns] == [
        ("a", "bigint", False),
        ("b", "numeric(10,2)", True),
        ("c", "date", True),
    ]
    assert [column.db_default for column in table.columns][:2] == ["", "5"]


def test_a_generated_column_has_an_expression_and_no_default():
    table = create_table("a int, b int GENERATED ALWAYS AS ((a * 2)) STORED")

    column = table.columns[1]
    assert (column.generated, column.db_default, column.null) == ("a * 2", "", True)


def test_a_table_may_have_no_primary_key():
    assert create_table("a int").primary_key == ()


def test_a_primary_key_has_the_order_of_its_own():
    assert create_table("a int, b int, PRIMARY KEY (b, a)").primary_key == ("b", "a")


def test_checks_have_names_and_expressions():
    table = create_table(
        "a int, CONSTRAINT a_pos CHECK ((a > 0)), CONSTRAINT a_two CHECK ((a > 1) AND (a < 9))"
    )

    assert table.constraints == (
        Constraint(kind="check", name="a_pos", expression="a > 0"),
        Constraint(kind="check", name="a_two", expression="(a > 1) AND (a < 9)"),
    )


def test_unique_constraints_and_unique_indexes_are_constraints():
    table = create_table(
        "a int, b int, CONSTRAINT t_b_a UNIQUE (b, a)",
        "t",
        "CREATE UNIQUE INDEX t_few ON t (a) WHERE b > 0",
        "CREATE UNIQUE INDEX t_sum ON t ((a + b))",
    )

    assert table.indexes == ()
    assert sorted(table.constraints, key=lambda rule: rule.name) == [
        Constraint(kind="unique", name="t_b_a", columns=("b", "a")),
        Constraint(kind="unique", name="t_few", columns=("a",), condition="b > 0"),
        Constraint(kind="unique", name="t_sum", columns=("a + b",)),
    ]


def test_indexes_have_their_order_expressions_and_conditions():
    table = create_table(
        "a int, b int",
        "t",
        "CREATE INDEX one ON t (b DESC, a)",
        "CREATE INDEX two ON t (abs(a), (a - 1)) WHERE (a IS NOT NULL)",
    )

    assert table.indexes == (
        Index(name="one", columns=("b DESC", "a")),
        Index(name="two", columns=("abs(a)", "a - 1"), condition="a IS NOT NULL"),
    )


def test_foreign_keys_know_their_rows_and_rules():
    schema = create(
        "CREATE TABLE up (a int, b int, PRIMARY KEY (a, b))",
        "CREATE TABLE t ("
        " id int NOT NULL PRIMARY KEY REFERENCES t (id) ON DELETE RESTRICT,"
        " x int NOT NULL, y int, z int UNIQUE,"
        " FOREIGN KEY (x, y) REFERENCES up (a, b) ON DELETE CASCADE"
        "  DEFERRABLE INITIALLY DEFERRED,"
        " FOREIGN KEY (z) REFERENCES t (id) ON DELETE SET NULL DEFERRABLE)",
        "CREATE UNIQUE INDEX t_some ON t (x, y) WHERE x > 0",
    )

    by_name = {key.name: key for key in schema.table_by_name["t"].foreign_keys}
    assert by_name == {
        "id": ForeignKey(
            name="id",
            columns=("id",),
            target="t",
            target_columns=("id",),
            on_delete="RESTRICT",
            unique=True,
        ),
        "x, y": ForeignKey(
            name="x, y",
            columns=("x", "y"),
            target="up",
            target_columns=("a", "b"),
            on_delete="CASCADE",
            null=True,
            deferrable="initially deferred",
        ),
        "z": ForeignKey(
            name="z",
            columns=("z",),
            target="t",
            target_columns=("id",),
            on_delete="SET NULL",
            null=True,
            unique=True,
            deferrable="initially immediate",
        ),
    }


def test_views_are_tables_of_their_kind():
    schema = create("CREATE TABLE t (a int NOT NULL)", "CREATE VIEW v AS SELECT a, a AS b FROM t")

    view = schema.table_by_name["v"]
    assert view.kind == "view"
    assert [(column.name, column.type) for column in view.columns] == [
        ("a", schema.table_by_name["t"].columns[0].type),
        ("b", schema.table_by_name["t"].columns[0].type),
    ]


def test_temporary_tables_are_not_part_of_the_schema():
    schema = create(
        "CREATE TABLE t (a int)", "CREATE TEMPORARY TABLE t (b int)", "CREATE TEMP TABLE u (c int)"
    )

    assert [column.name for column in schema.table_by_name["t"].columns] == ["a"]
    assert "u" not in schema.table_by_name


def test_reading_twice_gives_the_same():
    assert read_database(connection) == read_database(connection)
