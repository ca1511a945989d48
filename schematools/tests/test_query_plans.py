"""What a plan says, in the words of each engine and asked of the one that is there."""

import pytest
from django.db import connection, models
from django.db.models import Q
from django.db.models.functions import Lower
from django.test.utils import isolate_apps

from schematools.catalog import read_database
from schematools.model import Column, Constraint, Index, Table
from schematools.query_plans import (
    Plan,
    Reading,
    ask,
    explain,
    postgresql_plan,
    sqlite_plan,
)
from schematools.read_only import snapshot

COLUMNS = ("id", "name", "slug", "kind", "is_gone")
PARCELS = Table(
    name="post_parcel",
    module="post",
    columns=tuple(Column(name, "text") for name in COLUMNS),
    indexes=(
        Index(("name", "id"), "by_name"),
        Index(("id DESC",), "newest", condition="NOT is_gone"),
    ),
    constraints=(
        Constraint("primary key", "pkey", ("id",)),
        Constraint("unique", "slug_uniq", ("LOWER(slug)",)),
    ),
)

DDL = (
    """CREATE TABLE post_parcel (
        id integer PRIMARY KEY, name text NOT NULL, slug text NOT NULL, kind text NOT NULL,
        is_gone boolean NOT NULL
    )""",
    "CREATE INDEX by_name ON post_parcel (name, id)",
    "CREATE INDEX newest ON post_parcel (id DESC) WHERE NOT is_gone",
    "CREATE UNIQUE INDEX slug_uniq ON post_parcel (LOWER(slug))",
)


@pytest.fixture
def parcel():
    with isolate_apps("schematools"):

        class Parcel(models.Model):
            name = models.TextField()
            slug = models.TextField()
            kind = models.TextField()
            is_gone = models.BooleanField()

            class Meta:
                app_label = "post"
                ordering = ["-id"]

        yield Parcel.objects


QUERIES = {
    "everything": lambda rows: rows.all(),
    "first": lambda rows: rows.all()[:9],
    "named": lambda rows: rows.filter(name="x"),
    "few named": lambda rows: rows.filter(name="x")[:9],
    "of a kind": lambda rows: rows.filter(kind="x"),
    "few of a kind": lambda rows: rows.filter(kind="x")[:9],
    "here": lambda rows: rows.filter(is_gone=False)[:9],
    "here and of a kind": lambda rows: rows.filter(is_gone=False, kind="x")[:9],
    "by slug": lambda rows: rows.alias(low=Lower("slug")).filter(low="x")[:1],
    "by name and kind": lambda rows: rows.filter(name="x").order_by("kind")[:9],
    "either": lambda rows: rows.filter(Q(name="x") | Q(id=3)),
}


# Asked of the database


@pytest.fixture
def tables(parcel, django_db_setup, db):
    with connection.cursor() as cursor:
        for statement in DDL:
            cursor.execute(statement)
    return read_database(connection).tables


@pytest.mark.parametrize(
    ("name", "reads", "sorts"),
    [
        ("everything", True, False),
        ("first", False, False),
        ("named", False, False),
        ("few named", False, False),
        ("of a kind", True, False),
        ("few of a kind", True, False),
        ("here", False, False),
        ("here and of a kind", True, False),
        ("by slug", False, False),
        ("by name and kind", False, True),
        ("either", False, False),
    ],
)
def test_the_database_is_asked_whether_an_index_leads_to_the_rows(
    tables, parcel, name, reads, sorts
):
    with snapshot(connection):
        plan = explain(ask(QUERIES[name](parcel), tables), connection)

    assert (bool(plan.readings), plan.sorts) == (reads, sorts)
    assert {reading.table for reading in plan.readings} <= {"post_parcel"}


def test_the_planner_is_left_as_it_was(tables, parcel):
    if connection.vendor == "sqlite":
        return
    with snapshot(connection):
        explain(ask(parcel.filter(kind="x"), tables), connection)

    with connection.cursor() as cursor:
        cursor.execute("SHOW enable_seqscan")
        assert cursor.fetchone() == ("on",)


# What SQLite says


@pytest.mark.parametrize(
    ("name", "lines", "plan"),
    [
        ("named", ["SCAN post_parcel"], Plan((Reading("post_parcel"),))),
        ("named", ["SCAN TABLE post_parcel AS U0"], Plan((Reading("post_parcel"),))),
        ("named", ["SEARCH post_parcel USING INDEX by_name (name=?)"], Plan()),
        ("first", ["SCAN post_parcel"], Plan()),
        (
            "everything",
            ["SCAN post_parcel USING INDEX pkey"],
            Plan((Reading("post_parcel", "pkey"),)),
        ),
        ("here", ["SCAN post_parcel USING INDEX newest"], Plan()),
        (
            "here and of a kind",
            ["SCAN post_parcel USING INDEX newest"],
            Plan((Reading("post_parcel", "newest"),)),
        ),
        ("named", ["SCAN (subquery-1)", "SCAN json_each VIRTUAL TABLE INDEX 1:"], Plan()),
        (
            "named",
            ["SEARCH post_parcel USING AUTOMATIC COVERING INDEX (kind=?)"],
            Plan((Reading("post_parcel", "an index made for each run"),)),
        ),
        ("few named", ["USE TEMP B-TREE FOR ORDER BY"], Plan(sorts=True)),
        ("few named", ["USE TEMP B-TREE FOR RIGHT PART OF ORDER BY"], Plan()),
        ("named", ["USE TEMP B-TREE FOR ORDER BY"], Plan()),
        ("by slug", ["USE TEMP B-TREE FOR ORDER BY"], Plan()),
    ],
)  # fmt: skip
def test_the_words_of_sqlite(parcel, name, lines, plan):
    question = ask(QUERIES[name](parcel), [PARCELS])

    assert sqlite_plan([f"3 0 0 {line}" for line in lines], question) == plan


def test_partitions_that_are_read_whole_are_called_by_their_table_once(parcel):
    scans = [
        node("Seq Scan", **{"Relation Name": f"parcel_{year}", "Alias": f"post_parcel_{place}"})
        for place, year in enumerate((2030, 2031, 2032))
    ]
    by_index = [
        index(name=f"parcel_{year}_idx", **{"Relation Name": f"parcel_{year}",
              "Alias": f"post_parcel_{place}", "Filter": "x"})
        for place, year in enumerate((2030, 2031))
    ]  # fmt: skip
    question = ask(QUERIES["everything"](parcel), [PARCELS])

    for plans in (scans, by_index):
        plan = postgresql_plan({"Node Type": "Append", "Plans": plans}, question)
        assert plan == Plan((Reading("post_parcel"),))


def test_an_index_of_each_partition_leads_to_the_rows(parcel):
    scans = [
        index(name=f"parcel_{year}_idx", **{"Index Cond": "(name = 'x'::text)",
              "Relation Name": f"parcel_{year}", "Alias": f"post_parcel_{place}"})
        for place, year in enumerate((2030, 2031))
    ]  # fmt: skip
    question = ask(QUERIES["named"](parcel), [PARCELS])

    assert postgresql_plan({"Node Type": "Append", "Plans": scans}, question) == Plan()


def test_an_alias_stands_for_its_table(parcel):
    question = ask(QUERIES["named"](parcel), [PARCELS])

    plan = sqlite_plan(["7 0 0 SCAN U0"], question, 'SELECT 1 FROM "post_parcel" U0')

    assert plan.readings == (Reading("post_parcel"),)


# What PostgreSQL says


def node(kind, *plans, **others):
    named = {"Relation Name": "post_parcel"} if kind != "Bitmap Index Scan" else {}
    return {"Node Type": kind, "Plans": plans} | named | others


def index(kind="Index Scan", name="by_name", **others):
    return node(kind, **{"Index Name": name}, **others)


@pytest.mark.parametrize(
    ("name", "tree", "plan"),
    [
        ("named", node("Seq Scan"), Plan((Reading("post_parcel"),))),
        ("first", node("Seq Scan"), Plan()),
        ("few named", node("Seq Scan", Filter="x"), Plan((Reading("post_parcel"),))),
        ("named", index(**{"Index Cond": "(name = 'x'::text)"}), Plan()),
        ("named", index(**{"Index Cond": "(id = 3)"}), Plan((Reading("post_parcel", "by_name"),))),
        ("everything", index(name="pkey"), Plan((Reading("post_parcel", "pkey"),))),
        ("first", index(name="pkey"), Plan()),
        ("here", index(name="newest"), Plan()),
        ("here", index(name="newest", Filter="kind"), Plan((Reading("post_parcel", "newest"),))),
        (
            "named",
            node("Bitmap Heap Scan", index("Bitmap Index Scan", "newest"), Filter="x"),
            Plan((Reading("post_parcel", "newest"),)),
        ),
        ("few named", node("Incremental Sort", index(**{"Index Cond": "name"})), Plan(sorts=True)),
        ("by slug", node("Sort"), Plan()),
    ],
)
def test_the_plans_of_postgresql(parcel, name, tree, plan):
    assert postgresql_plan(tree, ask(QUERIES[name](parcel), [PARCELS])) == plan
