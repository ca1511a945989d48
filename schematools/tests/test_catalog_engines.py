"""What one engine has and the other has not, asked of the engine of this test run."""

import pytest
from django.db import connection

from schematools.catalog import read_database
from schematools.model import Column, Constraint, ForeignKey, Index

pytestmark = pytest.mark.django_db

SERIAL_NAME = 'o\'k "s"'
PARTS = (
    (
        "CREATE TABLE t (id int, at date, up int REFERENCES t0 (id), PRIMARY KEY (id, at))"
        " PARTITION BY RANGE (at)"
    ),
    "CREATE INDEX t_up ON t (up)",
    "CREATE TABLE t_2020 PARTITION OF t FOR VALUES FROM ('2020-01-01') TO ('2021-01-01')",
    "CREATE TABLE t_rest PARTITION OF t DEFAULT",
)


def facts(schema, attribute):
    return getattr(schema.table_by_name["t"], attribute)


def columns(schema):
    return facts(schema, "columns")


def indexes(schema):
    return facts(schema, "indexes")


def constraints(schema):
    return facts(schema, "constraints")


def foreign_keys(schema):
    return facts(schema, "foreign_keys")


def kinds(schema):
    return {
        table.name: table.kind
        for table in schema.tables
        if table.name.split(".")[0].split("_")[0] in {"t", "t0", "v", "other", "hidden"}
    }


POSTGRESQL = {
    "an identity, a serial and a sequence of another's": (
        [
            f'CREATE TABLE t (a serial, b bigint GENERATED ALWAYS AS IDENTITY, "{SERIAL_NAME}"'
            " smallserial)".replace('"s"', '""s""'),
            "CREATE SEQUENCE mine",
            (
                "ALTER TABLE t ADD COLUMN c bigint DEFAULT nextval('mine'),"
                " ADD COLUMN d int DEFAULT nextval('t_a_seq') + 1"
            ),
        ],
        columns,
        (
            Column("a", "integer", db_default="identity"),
            Column("b", "bigint", db_default="identity"),
            Column(SERIAL_NAME, "smallint", db_default="identity"),
            Column("c", "bigint", null=True, db_default="nextval('mine'::regclass)"),
            Column("d", "integer", null=True, db_default="(nextval('t_a_seq'::regclass) + 1)"),
        ),
    ),
    "domains, enums and arrays": (
        [
            "CREATE DOMAIN posint AS int NOT NULL CHECK (VALUE > 0)",
            "CREATE TYPE \"My Mood\" AS ENUM ('a', 'b')",
            'CREATE TABLE t (a posint, b "My Mood"[], c varchar(3)[], d timestamptz(3))',
        ],
        columns,
        (
            Column("a", "posint"),
            Column("b", '"My Mood"[]', null=True),
            Column("c", "character varying(3)[]", null=True),
            Column("d", "timestamp(3) with time zone", null=True),
        ),
    ),
    "collations and comments": (
        [
            'CREATE TABLE t (a text COLLATE "C", b text COLLATE "default")',
            "COMMENT ON COLUMN t.b IS 'it''s\n 100%'",
        ],
        columns,
        (
            Column("a", "text", null=True, collation="C"),
            Column("b", "text", null=True, description="it's 100%"),
        ),
    ),
    "a column that was dropped": (
        ["CREATE TABLE t (a int, b int)", "ALTER TABLE t DROP COLUMN a"],
        columns,
        (Column("b", "integer", null=True),),
    ),
    "the comment of a table": (
        ["CREATE TABLE t (a int)", "COMMENT ON TABLE t IS 'One\n\nTwo'"],
        lambda schema: facts(schema, "description"),
        "One\n\nTwo",
    ),
    "inherited columns": (
        ["CREATE TABLE t0 (a int NOT NULL)", "CREATE TABLE t (b int) INHERITS (t0)"],
        columns,
        (Column("a", "integer"), Column("b", "integer", null=True)),
    ),
    "indexes with everything": (
        [
            'CREATE TABLE t (a varchar(9), b int, "c d" text, e tsvector)',
            (
                'CREATE INDEX "i (x" ON t USING btree ("c d" text_pattern_ops DESC NULLS LAST,'
                ' lower(a) COLLATE "C", ((b * 2) + 1)) INCLUDE (e, "c d") WHERE a = \'x),(y\''
            ),
            "CREATE INDEX j ON t USING gist (e tsvector_ops (siglen='100'))",
            'CREATE INDEX k ON t ("c d" COLLATE "POSIX" NULLS FIRST, b DESC)',
            "CREATE INDEX l ON t USING brin (b) WITH (pages_per_range = 8)",
        ],
        indexes,
        (
            Index(
                name="i (x",
                columns=(
                    "c d text_pattern_ops DESC NULLS LAST",
                    'lower((a)::text) COLLATE "C"',
                    "(b * 2) + 1",
                ),
                include=("e", "c d"),
                condition="(a)::text = 'x),(y'::text",
            ),
            Index(name="j", columns=("e tsvector_ops (siglen='100')",), method="gist"),
            Index(name="k", columns=('c d COLLATE "POSIX" NULLS FIRST', "b DESC")),
            Index(name="l", columns=("b",), method="brin"),
        ),
    ),
    "unique constraints with everything": (
        [
            (
                "CREATE TABLE t (a int, b int, c int,"
                " CONSTRAINT u1 UNIQUE (b, a) INCLUDE (c),"
                " CONSTRAINT u2 UNIQUE NULLS NOT DISTINCT (a),"
                " CONSTRAINT u3 UNIQUE (b) DEFERRABLE,"
                " CONSTRAINT u4 UNIQUE (c) DEFERRABLE INITIALLY DEFERRED)"
            ),
            "CREATE UNIQUE INDEX u5 ON t (c) INCLUDE (a) NULLS NOT DISTINCT WHERE b > 0",
        ],
        constraints,
        (
            Constraint(kind="unique", name="u1", columns=("b", "a"), include=("c",)),
            Constraint(kind="unique", name="u2", columns=("a",), nulls_distinct=False),
            Constraint(kind="unique", name="u3", columns=("b",), deferrable="initially immediate"),
            Constraint(kind="unique", name="u4", columns=("c",), deferrable="initially deferred"),
            Constraint(
                kind="unique",
                name="u5",
                columns=("c",),
                include=("a",),
                condition="b > 0",
                nulls_distinct=False,
            ),
        ),
    ),
    "exclusions and odd checks": (
        [
            (
                "CREATE TABLE t (a tsrange, b int, EXCLUDE USING gist (a WITH &&, (a * a) WITH &&)"
                " WHERE (b > 5) DEFERRABLE,"
                " CONSTRAINT \"c (\" CHECK (b <> 3 OR 'E''(' <> E'\\\\)'))"
            ),
        ],
        constraints,
        (
            Constraint(
                kind="exclusion",
                name="t_a_expr_excl",
                expression="gist (a WITH &&, ((a * a)) WITH &&)",
                condition="b > 5",
                deferrable="initially immediate",
            ),
            Constraint(
                kind="check",
                name="c (",
                expression="(b <> 3) OR ('E''('::text <> '\\)'::text)",
            ),
        ),
    ),
    "a partitioned table": (
        ["CREATE TABLE t0 (id int PRIMARY KEY)", *PARTS],
        kinds,
        {"t": "partitioned table", "t0": "table"},
    ),
    "the keys of a partitioned table": (
        ["CREATE TABLE t0 (id int PRIMARY KEY)", *PARTS],
        lambda schema: (
            [key.columns for key in foreign_keys(schema)],
            [index.name for index in indexes(schema)],
            [constraint.columns for constraint in constraints(schema)],
        ),
        ([("up",)], ["t_up"], [("id", "at")]),
    ),
    "a reference to a partitioned table": (
        [
            "CREATE TABLE t0 (id int PRIMARY KEY) PARTITION BY HASH (id)",
            "CREATE TABLE t00 PARTITION OF t0 FOR VALUES WITH (MODULUS 2, REMAINDER 0)",
            "CREATE TABLE t01 PARTITION OF t0 FOR VALUES WITH (MODULUS 2, REMAINDER 1)",
            "CREATE TABLE t (up int REFERENCES t0 ON DELETE SET DEFAULT NOT DEFERRABLE)",
        ],
        foreign_keys,
        (ForeignKey("up", ("up",), "t0", ("id",), "SET DEFAULT", null=True),),
    ),
    "other kinds": (
        [
            "CREATE TABLE t (a int)",
            "CREATE MATERIALIZED VIEW v_m AS SELECT a FROM t",
            "CREATE INDEX ON v_m (a)",
            "CREATE FOREIGN DATA WRAPPER nothing",
            "CREATE SERVER nowhere FOREIGN DATA WRAPPER nothing",
            "CREATE FOREIGN TABLE t_f (a int NOT NULL) SERVER nowhere",
        ],
        kinds,
        {"t": "table", "v_m": "materialized view", "t_f": "foreign table"},
    ),
    "schemas on the search path and off it": (
        [
            "CREATE SCHEMA other",
            "CREATE SCHEMA hidden",
            "CREATE TABLE other.t (id int PRIMARY KEY)",
            "CREATE TABLE hidden.t (id int PRIMARY KEY)",
            "CREATE TABLE t (a int REFERENCES other.t, b int REFERENCES hidden.t)",
            "SET LOCAL search_path = public, other, nowhere",
        ],
        lambda schema: (kinds(schema), [key.target for key in foreign_keys(schema)]),
        ({"t": "table", "other.t": "table"}, ["other.t", "hidden.t"]),
    ),
    "what an extension owns": (
        [
            "CREATE TABLE t (a int)",
            "CREATE TABLE t_owned (a int)",
            "ALTER EXTENSION plpgsql ADD TABLE t_owned",
        ],
        kinds,
        {"t": "table"},
    ),
}
SQLITE = {
    "a column without a type": (["CREATE TABLE t (a)"], columns, (Column("a", "", null=True),)),
    "a virtual table": (
        ["CREATE TABLE t (a)", "CREATE VIRTUAL TABLE v USING fts5(title)"],
        kinds,
        {"t": "table", "v": "virtual table"},
    ),
    "a constraint without a name": (
        ["CREATE TABLE t (a int PRIMARY KEY)"],
        constraints,
        (Constraint(kind="primary key", columns=("a",)),),
    ),
}
CASES = {"postgresql": POSTGRESQL, "sqlite": SQLITE}[connection.vendor]


@pytest.mark.parametrize(("statements", "read", "expected"), CASES.values(), ids=CASES)
def test_it_is_read(statements, read, expected):
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)

    assert read(read_database(connection)) == expected
