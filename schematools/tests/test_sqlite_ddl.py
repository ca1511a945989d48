import sqlite3

import pytest

from schematools.sqlite_ddl import expression_text, parse_index, parse_table, tokenize


def table(sql):
    """Parse a table's text, once SQLite itself has accepted it."""
    with sqlite3.connect(":memory:") as connection:
        connection.execute(sql)
    connection.close()
    return parse_table(sql)


def checks(sql):
    return [(check.name, check.expression) for check in table(sql).checks]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("CREATE TABLE t (a int CHECK (a > 0))", [("", "a > 0")]),
        ("CREATE TABLE t (a int CONSTRAINT pos CHECK (a > 0) NOT NULL)", [("pos", "a > 0")]),
        ("CREATE TABLE t (a int, CHECK (a > 0), CHECK (a < 9))", [("", "a > 0"), ("", "a < 9")]),
        ('CREATE TABLE t (a int, CONSTRAINT "x ""y"" z" CHECK (a))', [('x "y" z', "a")]),
        ("CREATE TABLE t (a int CONSTRAINT n NOT NULL CHECK (a))", [("", "a")]),
        ("CREATE TABLE t (a int, CONSTRAINT b CHECK (a) CONSTRAINT c CHECK (1))",
         [("b", "a"), ("c", "1")]),
        ("CREATE TABLE t (a DEFAULT 'CHECK (1)', b DEFAULT (1) CHECK (b))", [("", "b")]),
        ("CREATE TABLE t (a DEFAULT - 1 CHECK (a), b DEFAULT CURRENT_TIMESTAMP)", [("", "a")]),
        ("CREATE TABLE t (a int /* CHECK (0) */ -- CHECK (1)\n)", []),
        ('CREATE TABLE t ("check" int, [unique] int, `primary` CHECK (`primary`))',
         [("", "primary")]),
        ("CREATE TABLE \"CHECK (1)\" ('a' int)", []),
        ("CREATE TABLE t (a decimal(10, 2) CHECK (a IN (1, 2)))", [("", "a IN (1, 2)")]),
        ("CREATE TABLE t AS SELECT 1 AS a", []),
    ],
)  # fmt: skip
def test_checks_are_found_with_their_names(sql, expected):
    assert checks(sql) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("a>0", "a > 0"),
        ("((a > 0))", "a > 0"),
        ("(a > 0) AND (b > 0)", "(a > 0) AND (b > 0)"),
        ("\"a\" = 'it''s )' or `b`=[c]", "a = 'it''s )' or b = c"),
        ('"a" /* a -- b */ = -- c\n 1', "a = 1"),
        ('"nobody" = "Big" || "two words"', '"nobody" = "Big" || "two words"'),
        ('`two "words"`', '"two ""words"""'),
        ("a = -1 - -b", "a = -1 - -b"),
        ("(-a) < +1.5e-3", "(-a) < +1.5e-3"),
        ("lower( a )in( 'x','y' )", "lower(a) in ('x', 'y')"),
        ("a||b->>'$.c'", "a || b ->> '$.c'"),
        ("NOT(a) AND t . a<>x'00'", "NOT (a) AND t.a <> x'00'"),
        ("CASE WHEN a THEN - 1 ELSE(b) END - 1", "CASE WHEN a THEN -1 ELSE (b) END - 1"),
        ("größe > 1 AND 😀 = '😀'", "größe > 1 AND 😀 = '😀'"),
    ],
)
def test_an_expression_has_one_spelling(written, expected):
    text = expression_text(tokenize(written), {"a", "b", "c", "Big", "two words"})

    assert text == expected
    assert expression_text(tokenize(text), {"a", "b", "c"}) == text


def test_keys_have_the_names_of_their_constraints():
    text = table(
        "CREATE TABLE t (a int CONSTRAINT p PRIMARY KEY DESC, b text CONSTRAINT u UNIQUE,"
        ' "c d" text, UNIQUE (b, "c d"), CONSTRAINT v UNIQUE (a, b COLLATE NOCASE DESC))'
    )

    assert [(key.kind, key.name, key.columns, key.parts) for key in text.keys] == [
        ("primary key", "p", ("a",), ("a",)),
        ("unique", "u", ("b",), ("b",)),
        ("unique", "", ("b", "c d"), ("b", "c d")),
        ("unique", "v", ("a", "b"), ("a", "b COLLATE NOCASE DESC")),
    ]


def test_collations_and_generated_columns_belong_to_their_columns():
    text = table(
        "CREATE TABLE t (a text COLLATE nocase, b int AS (a || ',') STORED NOT NULL,"
        ' c int GENERATED ALWAYS AS ("a" COLLATE RTRIM) VIRTUAL, d)'
    )

    assert [(column.name, column.collation, column.generated) for column in text.columns] == [
        ("a", "nocase", ""),
        ("b", "", "a || ','"),
        ("c", "", "a COLLATE RTRIM"),
        ("d", "", ""),
    ]


@pytest.mark.parametrize(
    ("clause", "deferrable"),
    [
        ("", ""),
        ("DEFERRABLE", "initially immediate"),
        ("DEFERRABLE INITIALLY IMMEDIATE", "initially immediate"),
        ("DEFERRABLE INITIALLY DEFERRED", "initially deferred"),
        ("NOT DEFERRABLE INITIALLY DEFERRED", ""),
        ("ON DELETE SET DEFAULT DEFERRABLE INITIALLY DEFERRED", "initially deferred"),
        ("MATCH FULL ON UPDATE SET NULL DEFERRABLE", "initially immediate"),
    ],
)
def test_foreign_keys_are_deferrable_in_the_order_of_the_text(clause, deferrable):
    text = table(
        f"CREATE TABLE t (a REFERENCES u (x) {clause} UNIQUE, b CONSTRAINT f REFERENCES u,"
        f" FOREIGN KEY (a, b) REFERENCES u (x, y) {clause})"
    )

    assert [(key.name, key.columns, key.deferrable) for key in text.foreign_keys] == [
        ("", ("a",), deferrable),
        ("f", ("b",), ""),
        ("", ("a", "b"), deferrable),
    ]


def test_an_index_is_read_with_expressions_and_condition():
    text = parse_index(
        'CREATE UNIQUE INDEX "on (" ON "t (" ("a", b collate nocase asc, ("a" + 1) DESC,'
        " lower(b) COLLATE x, 'it''s') WHERE (a > 0 AND (b))",
        {"a", "b"},
    )

    assert text.parts == ("a", "b collate nocase", "a + 1 DESC", "lower(b) COLLATE x", "it's")
    assert text.condition == "a > 0 AND (b)"
