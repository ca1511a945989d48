"""What only SQLite has; read from memory, so that every test run covers it."""

import pytest
from django.db.utils import ConnectionHandler

from schematools import catalog_sqlite
from schematools.catalog import read_database
from schematools.model import Column, Constraint, Index


@pytest.fixture
def create(django_db_blocker):
    """Make tables in an empty database and return what the catalog says of it."""
    settings = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
    connection = ConnectionHandler({"default": settings})["default"]

    def create(*statements):
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        return read_database(connection)

    with django_db_blocker.unblock():
        yield create
        connection.close()


@pytest.fixture
def create_table(create):
    return lambda *statements: create(*statements).table_by_name["t"]


def test_an_empty_database_has_no_tables_and_no_modules(create):
    schema = create()

    assert (schema.tables, schema.modules) == ((), ())


@pytest.mark.parametrize(
    ("sql", "column"),
    [
        ("a INTEGER PRIMARY KEY, b)", Column("a", "integer", db_default="identity")),
        ("a INTEGER, b, PRIMARY KEY (a))", Column("a", "integer", db_default="identity")),
        ("a integer PRIMARY KEY AUTOINCREMENT, b)", Column("a", "integer", db_default="identity")),
        ("a INTEGER PRIMARY KEY DESC, b)", Column("a", "integer", null=True)),
        ("a INT PRIMARY KEY, b)", Column("a", "int", null=True)),
        ("a INTEGER PRIMARY KEY, b) WITHOUT ROWID", Column("a", "integer")),
        ("a TEXT PRIMARY KEY, b INT) STRICT", Column("a", "text")),
        ("a, b)", Column("a", "", null=True)),
        ("a Nonsense Type(1, 2), b)", Column("a", "nonsense type(1, 2)", null=True)),
        ("a DEFAULT (1 + 2), b)", Column("a", "", null=True, db_default="1 + 2")),
        ("a DEFAULT 'x''y', b)", Column("a", "", null=True, db_default="'x''y'")),
        ("a text COLLATE NOCASE, b)", Column("a", "text", null=True, collation="NOCASE")),
        ("a text COLLATE binary, b)", Column("a", "text", null=True)),
        ("a int AS (1) VIRTUAL, b)", Column("a", "int", null=True, generated="1")),
        ("a int GENERATED ALWAYS AS (1), b)", Column("a", "int", null=True, generated="1")),
    ],
)
def test_a_column(create_table, sql, column):
    table = create_table(f"CREATE TABLE t ({sql}")

    assert table.columns[0] == column


def test_columns_of_one_table_keep_their_order_and_its_text(create_table):
    table = create_table(
        "CREATE TABLE t (z int, y int)",
        "ALTER TABLE t ADD COLUMN x text COLLATE RTRIM CONSTRAINT x_check CHECK (x <> 'a, b')",
        'ALTER TABLE t RENAME COLUMN z TO "the z"',
        "ALTER TABLE t DROP COLUMN y",
    )

    assert table.columns == (
        Column("the z", "int", null=True),
        Column("x", "text", null=True, collation="RTRIM"),
    )
    assert table.constraints == (
        Constraint(kind="check", name="x_check", expression="x <> 'a, b'"),
    )


def test_constraints_without_a_name_have_none(create_table):
    table = create_table("CREATE TABLE t (a text PRIMARY KEY, b int UNIQUE, CHECK (b), CHECK (a))")

    assert table.constraints == (
        Constraint(kind="primary key", columns=("a",)),
        Constraint(kind="unique", columns=("b",)),
        Constraint(kind="check", expression="a"),
        Constraint(kind="check", expression="b"),
    )


def test_two_constraints_over_the_same_columns_are_two(create_table):
    table = create_table(
        "CREATE TABLE t (a int PRIMARY KEY, b int UNIQUE, CONSTRAINT again UNIQUE (b),"
        " CONSTRAINT key UNIQUE (a))"
    )

    assert [(rule.kind, rule.name, rule.columns) for rule in table.constraints] == [
        ("primary key", "", ("a",)),
        ("unique", "again", ("b",)),
        ("unique", "key", ("a",)),
        ("unique", "", ("b",)),
    ]


def test_index_collations_show_where_they_are_not_the_columns(create_table):
    table = create_table(
        "CREATE TABLE t (a text COLLATE NOCASE, b text)",
        "CREATE INDEX i ON t (a, a COLLATE BINARY DESC, b COLLATE RTRIM, lower(b) DESC)",
    )

    assert table.indexes == (
        Index(
            name="i",
            columns=("a", "a COLLATE BINARY DESC", "b COLLATE RTRIM", "lower(b) DESC"),
        ),
    )


@pytest.mark.parametrize(
    ("reference", "target", "columns"),
    [
        ("nowhere", "nowhere", ()),
        ("nowhere (x)", "nowhere", ("x",)),
        ("UP", "up", ("id",)),
        ("Up (ID)", "up", ("id",)),
        ("t", "t", ()),
    ],
)
def test_references_are_resolved_as_far_as_they_lead(create_table, reference, target, columns):
    table = create_table(
        "CREATE TABLE up (id int PRIMARY KEY)", f"CREATE TABLE t (a int REFERENCES {reference})"
    )

    (key,) = table.foreign_keys
    assert (key.target, key.target_columns, key.on_delete) == (target, columns, "NO ACTION")


def test_foreign_keys_stand_in_the_order_of_the_text(create_table):
    table = create_table(
        "CREATE TABLE t (c int REFERENCES t DEFERRABLE INITIALLY DEFERRED, a int REFERENCES t,"
        " b int, FOREIGN KEY (b, a) REFERENCES t (a, c) ON DELETE SET DEFAULT DEFERRABLE)"
    )

    assert [(key.name, key.deferrable, key.on_delete) for key in table.foreign_keys] == [
        ("c", "initially deferred", "NO ACTION"),
        ("a", "", "NO ACTION"),
        ("b, a", "initially immediate", "SET DEFAULT"),
    ]


VIRTUAL = (
    "CREATE VIRTUAL TABLE words USING fts5(title, body)",
    "CREATE VIRTUAL TABLE boxes USING rtree(id, low, high)",
    "CREATE TABLE words_mine (a int)",
)


@pytest.mark.parametrize("first_version", [(3, 37), (99,)])
def test_virtual_tables_are_listed_without_their_shadows(create, monkeypatch, first_version):
    monkeypatch.setattr(catalog_sqlite, "TABLE_LIST_VERSION", first_version)

    schema = create(*VIRTUAL)

    assert [(table.name, table.kind) for table in schema.tables] == [
        ("boxes", "virtual table"),
        ("words", "virtual table"),
        ("words_mine", "table"),
    ]
    assert [column.name for column in schema.table_by_name["words"].columns] == ["title", "body"]


def test_a_view_of_something_missing_hides_nothing_else(create):
    schema = create(
        "CREATE TABLE gone (a int)",
        "CREATE VIEW broken AS SELECT * FROM gone",
        "CREATE TABLE t (a int)",
        "CREATE VIEW whole AS SELECT a FROM t",
        "CREATE VIRTUAL TABLE words USING fts5(title)",
        "DROP TABLE gone",
    )

    assert {table.name: len(table.columns) for table in schema.tables} == {
        "broken": 0,
        "t": 1,
        "whole": 1,
        "words": 1,
    }


def test_the_tables_of_sqlite_itself_are_left_out(create):
    schema = create(
        "CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT)",
        "INSERT INTO t VALUES (1)",
        "ANALYZE",
    )

    assert [table.name for table in schema.tables] == ["t"]
