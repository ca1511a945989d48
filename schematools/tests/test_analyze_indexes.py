"""What is found about indexes, and the command from end to end."""

import io
import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from schematools import index_use_postgresql as statistics
from schematools.config import Config, load_config
from schematools.index_use import find_index_problems
from schematools.index_use_postgresql import (
    DEFAULT_THRESHOLDS,
    MEGABYTE,
    IndexUse,
    TableUse,
    Thresholds,
    index_findings,
    read_statements,
    statement_findings,
    table_findings,
)
from schematools.tests.one_engine import on

COMMAND = "analyze_indexes"
HERE = __name__
TABLES = """
CREATE TABLE post_parcel (id integer PRIMARY KEY, name varchar(9));
CREATE TABLE post_stamp (
    id integer PRIMARY KEY, parcel_id integer REFERENCES post_parcel (id), value integer
);
CREATE INDEX stamp_value ON post_stamp (value);
CREATE INDEX stamp_value_id ON post_stamp (value, id);
"""
USED = IndexUse(
    table="t", name='i"', is_valid=True, is_rule=False, scans=0, table_scans=5000,
    bytes=20 * MEGABYTE, expected_bytes=None, definition="CREATE INDEX i ON t (a)",
)  # fmt: skip

pytestmark = pytest.mark.django_db


@pytest.fixture
def post():
    with connection.cursor() as cursor:
        for statement in filter(str.strip, TABLES.split(";")):
            cursor.execute(statement)


# Declared queries


def by_key():
    return ContentType.objects.filter(pk=1)


def by_label():
    return ContentType.objects.filter(app_label="auth", model="user").order_by("pk")[:9]


def everything():
    return ContentType.objects.order_by("id")


def nothing():
    return ContentType.objects.none()


def no_rows():
    return [1]


def failing():
    return ContentType.objects.filter(colour="red")


def config(*names):
    bare = load_config()
    queries = {name: f"{HERE}.{name}" for name in names}
    return Config(bare.base_dir, bare.output, queries=queries)


def found(report):
    return [(item.id, item.object) for item in report.findings if not item.object[0].isupper()]


def test_what_a_schema_shows_is_found_in_tables_without_models(post):
    report = find_index_problems(connection, config())

    concurrently = " CONCURRENTLY" if connection.vendor == "postgresql" else ""
    about_post = [item for item in report.findings if item.object.startswith("post_")]
    assert [(item.id, item.object, item.severity) for item in about_post] == [
        ("duplicate-index", "post_stamp.stamp_value", "warning"),
        ("foreign-key-without-index", "post_stamp.parcel_id", "warning"),
    ]
    assert about_post[0].sentence == (
        "Expected one index for each purpose; found that all that the index stamp_value (value) "
        "does, the index stamp_value_id (value, id) does too."
    )
    assert about_post[0].remedy.endswith(f'DROP INDEX{concurrently} "stamp_value"')
    assert about_post[1].remedy.endswith(
        f'CREATE INDEX{concurrently} "post_stamp_parcel_id_idx" ON "post_stamp" ("parcel_id")'
    )


def test_the_settings_of_the_lint_leave_out_the_same_here(post):
    ignoring = replace(
        config(), lint_ignore=("duplicate-index", "foreign-key-without-index:post_*")
    )

    report = find_index_problems(connection, ignoring)

    assert not [item for item in report.findings if item.object.startswith("post_")]


def test_declared_queries_are_explained():
    report = find_index_problems(connection, config("by_key", "everything"))

    assert report.queries == 2
    assert [item for item in found(report) if item[0].startswith("query")] == [
        ("query-scans", "everything")
    ]
    (finding,) = (item for item in report.findings if item.id == "query-scans")
    assert "reads all of django_content_type" in finding.sentence
    assert "models.Index(fields=['id']) in Meta.indexes of contenttypes.ContentType" in (
        finding.remedy
    )


def test_a_declaration_that_is_broken_is_a_finding_and_the_others_go_on():
    report = find_index_problems(
        connection, config("failing", "no_rows", "no_such_function", "everything", "nothing")
    )

    queries = [item for item in found(report) if item[0].startswith("query")]
    assert queries == [
        ("query-scans", "everything"),
        ("query-broken", "failing"),
        ("query-broken", "no_rows"),
        ("query-broken", "no_such_function"),
    ]
    assert any("'nothing' asks for nothing" in note for note in report.notes)


def test_nothing_of_a_declared_query_is_run():
    with CaptureQueriesContext(connection) as context:
        find_index_problems(connection, config("everything"))

    asked = [query["sql"] for query in context if 'FROM "django_content_type"' in query["sql"]]
    assert asked
    assert all(sql.startswith("EXPLAIN ") for sql in asked)


# What PostgreSQL counts


def judge(index, *, is_old=True, thresholds=DEFAULT_THRESHOLDS):
    found = index_findings(index, connection, thresholds, is_old=is_old)
    return [(item.id, item.severity) for item in found]


@pytest.mark.parametrize(
    ("changes", "is_old", "expected"),
    [
        ({}, True, [("index-unused", "warning")]),
        ({}, False, []),  # a fresh server has used nothing yet
        ({"scans": 1}, True, []),
        ({"is_rule": True}, True, []),
        ({"table_scans": 99}, True, []),  # a table that nobody reads says nothing
        ({"bytes": 8192}, True, []),
        ({"scans": 1, "expected_bytes": 9.0 * MEGABYTE}, True, [("index-bloated", "info")]),
        ({"scans": 1, "expected_bytes": 11.0 * MEGABYTE}, True, []),
        ({"is_valid": False, "scans": 0}, False, [("index-invalid", "error")]),
    ],
)
def test_an_index_is_judged_by_its_use(changes, is_old, expected):
    assert judge(replace(USED, **changes), is_old=is_old) == expected


def test_an_unused_index_says_what_it_costs_and_how_it_was_made():
    (finding,) = index_findings(USED, connection, DEFAULT_THRESHOLDS, is_old=True)

    assert finding.sentence == (
        "Expected an index that queries use; found none that did, in 5,000 scans of the table; "
        "it takes 20.0 MB."
    )
    assert 'DROP INDEX CONCURRENTLY "i"""' in finding.remedy
    assert finding.remedy.endswith("CREATE INDEX i ON t (a)")


@pytest.mark.parametrize(
    ("rows", "scans", "rows_read", "index_scans", "expected"),
    [
        (50_000, 1_000, 50_000_000, 10, ["table-scanned"]),
        (50_000, 1_000, 50_000_000, 1_000_000, []),  # hardly ever
        (50_000, 1_000, 50_000, 10, []),  # the first rows only
        (500, 1_000, 500_000, 10, []),
        (50_000, 9, 450_000, 10, []),
    ],
)
def test_a_table_is_judged_by_its_scans(rows, scans, rows_read, index_scans, expected):
    use = TableUse("t", rows, scans, rows_read, index_scans)

    assert [item.id for item in table_findings(use, DEFAULT_THRESHOLDS)] == expected


def test_a_slow_statement_is_cut_short():
    (finding,) = statement_findings([("SELECT\n  1" + " " * 9 + "x" * 900, 12, 345.6)])

    assert finding.object.startswith("SELECT 1 xxx")
    assert len(finding.object) == 301
    assert "346 ms on average, 12 times" in finding.sentence


@on("postgresql")
def test_statistics_are_read_and_not_believed_at_once():
    indexes = statistics.read_indexes(connection)
    report = find_index_problems(connection, config(), thresholds=Thresholds(days=10_000))

    by_name = {index.name: index for index in indexes}
    assert by_name["django_migrations_pkey"].is_rule
    assert all(index.is_valid for index in indexes)
    assert any("--min-age" in note for note in report.notes)
    assert not [item for item in report.findings if item.id in {"index-unused", "table-scanned"}]


@on("postgresql")
def test_the_estimate_of_an_index_is_near_what_it_takes():
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE dense AS SELECT n AS id FROM generate_series(1, 50000) n")
        cursor.execute("CREATE INDEX dense_id ON dense (id)")
        cursor.execute("ANALYZE dense")

    (index,) = (index for index in statistics.read_indexes(connection) if index.table == "dense")

    assert index.expected_bytes == pytest.approx(index.bytes, rel=0.05)


@on("postgresql")
def test_old_statistics_are_believed():
    report = find_index_problems(connection, config(), thresholds=Thresholds(days=0))

    assert not [note for note in report.notes if "--min-age" in note]


@on("postgresql")
def test_an_index_that_failed_to_be_built_is_named_and_serves_nothing(post):
    with connection.cursor() as cursor:
        cursor.execute("CREATE INDEX parcel_idx ON post_stamp (parcel_id)")
        cursor.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'parcel_idx'::regclass"
        )

    report = find_index_problems(
        connection, config(), thresholds=Thresholds(days=0, scans=0, megabytes=0)
    )

    assert [item for item in found(report) if item[1].startswith("post_")] == [
        ("duplicate-index", "post_stamp.stamp_value"),
        ("foreign-key-without-index", "post_stamp.parcel_id"),
        ("index-invalid", "post_stamp.parcel_idx"),
        ("index-unused", "post_stamp.stamp_value"),
        ("index-unused", "post_stamp.stamp_value_id"),
    ]


PARTED = (
    "CREATE TABLE parted (at date, a int, PRIMARY KEY (at)) PARTITION BY RANGE (at)",
    "CREATE TABLE parted_2030 PARTITION OF parted FOR VALUES FROM ('2030-01-01') TO ('2031-01-01')",
    "CREATE TABLE parted_rest PARTITION OF parted DEFAULT",
    "INSERT INTO parted SELECT date '2030-01-01' + n, n FROM generate_series(1, 700) n",
    "CREATE INDEX parted_a ON parted (a)",
)


@pytest.fixture
def parted(django_db_setup, db):
    with connection.cursor() as cursor:
        for statement in PARTED:
            cursor.execute(statement)


@on("postgresql")
def test_the_size_of_a_partitioned_index_is_that_of_its_parts(parted):
    by_name = {index.name: index for index in statistics.read_indexes(connection)}

    whole = by_name["parted_a"]
    assert (whole.table, whole.is_partitioned, whole.is_valid) == ("parted", True, True)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(pg_relation_size(relid)) FROM pg_partition_tree('parted_a') WHERE isleaf"
        )
        assert cursor.fetchone() == (whole.bytes,)
    assert "ON public.parted" in whole.definition
    assert not [name for name in by_name if name.startswith("parted_2030")]


@on("postgresql")
def test_an_index_that_a_partition_lacks_is_named_with_what_to_do(parted):
    with connection.cursor() as cursor:
        cursor.execute("CREATE INDEX parted_b ON ONLY parted (a, at)")

    (finding,) = (
        finding
        for index in statistics.read_indexes(connection)
        if index.table == "parted"
        for finding in index_findings(index, connection, DEFAULT_THRESHOLDS, is_old=True)
    )

    assert (finding.id, finding.object) == ("index-invalid", "parted.parted_b")
    assert 'ALTER INDEX "parted_b" ATTACH PARTITION' in finding.remedy


@on("postgresql")
def test_slow_statements_are_left_out_where_nothing_counts_them(monkeypatch):
    assert "not installed" in read_statements(connection, DEFAULT_THRESHOLDS)

    monkeypatch.setattr(statistics, "EXTENSION", "SELECT 'no_such_schema'")

    assert "no_such_schema.pg_stat_statements" in read_statements(connection, DEFAULT_THRESHOLDS)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


# The command


def run(*arguments):
    out, err = io.StringIO(), io.StringIO()
    code = 0
    try:
        call_command(COMMAND, *arguments, stdout=out, stderr=err, no_color=True)
    except CommandError as error:
        code = error.returncode
        err.write(str(error))
    return SimpleNamespace(code=code, out=out.getvalue(), err=err.getvalue())


def test_the_command_prints_findings_and_exits_with_one(post):
    result = run()

    assert result.code == 1
    assert "warning: post_stamp.stamp_value: Expected one index for each purpose" in result.out


def test_programs_get_one_object(post):
    report = json.loads(run("--format", "json", "--ignore", "duplicate-index").out)

    assert report["version"] == 1
    assert (report["tables"] > 2, report["indexes"] > 4) == (True, True)
    assert "duplicate-index" not in {item["id"] for item in report["findings"]}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--database", "other"], "no database 'other'"),
        (["--ignore", "index-used"], "Did you mean 'index-unused' or"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_sentence(arguments, sentence):
    result = run(*arguments)

    assert result.code == 2
    assert sentence in result.err


def test_a_database_that_cannot_be_reached_is_said_so(run_project):
    result = run_project(COMMAND, PROJECT_ENGINE="postgresql", PROJECT_HOST="/nowhere")

    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("The database cannot be read: ")


def test_a_database_without_tables_asks_for_migrate(run_project):
    result = run_project(COMMAND)

    assert result.returncode == 2
    assert "Run 'python manage.py migrate'." in result.stderr
