import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from schematools import live
from schematools.live import Size, read_sizes
from schematools.tests.one_engine import on

NAME = 'live "probe" %s'

pytestmark = pytest.mark.django_db


def make_table(name, rows):
    quoted = live._quoted(name)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {quoted} (n integer)")
        for number in range(rows):
            cursor.execute(f"INSERT INTO {quoted} VALUES ({number})")
    return name


def test_a_small_table_is_counted_whatever_its_name():
    make_table(NAME, 3)

    sizes = read_sizes(connection, [NAME, "no such table"])

    assert list(sizes) == [NAME]
    assert (sizes[NAME].rows, sizes[NAME].precision) == (3, "exact")


def test_the_queries_are_as_many_for_one_table_as_for_many():
    names = [make_table(f"live_probe_{number}", number) for number in range(6)]

    with CaptureQueriesContext(
        connection,
    ) as one:
        read_sizes(connection, names[:1])
    with CaptureQueriesContext(connection) as many:
        sizes = read_sizes(connection, names)

    assert len(one) == len(many) <= 6
    assert [sizes[name].rows for name in names] == list(range(6))


def test_nothing_is_asked_where_nothing_is_wanted(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert read_sizes(connection, []) == {}


def test_a_database_that_refuses_costs_the_sizes_and_not_the_page(monkeypatch):
    monkeypatch.setattr(live, "STATISTICS", "SELECT nonsense, %s")
    monkeypatch.setattr(live, "TABLES", "SELECT nonsense")
    make_table(NAME, 1)

    assert read_sizes(connection, [NAME]) == {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def test_an_engine_that_is_not_known_has_no_sizes(monkeypatch):
    monkeypatch.setattr(connection, "vendor", "oracle")

    assert read_sizes(connection, ["x"]) == {}


@on("sqlite")
def test_sqlite_counts_no_further_than_its_limit(monkeypatch):
    monkeypatch.setattr(live, "MOST_COUNTED", 2)
    make_table(NAME, 2)
    make_table("longer", 3)

    sizes = read_sizes(connection, [NAME, "longer"])

    assert (sizes[NAME].rows, sizes[NAME].precision) == (2, "exact")
    assert (sizes["longer"].rows, sizes["longer"].precision) == (2, "over")


@on("sqlite")
def test_sqlite_is_asked_about_many_tables_in_parts(monkeypatch):
    monkeypatch.setattr(live, "AT_ONCE", 2)
    names = [make_table(f"live_probe_{number}", number) for number in range(5)]

    assert [read_sizes(connection, names)[name].rows for name in names] == list(range(5))


@on("postgresql")
def test_postgresql_is_believed_once_it_has_looked():
    make_table(NAME, 3)
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {live._quoted(NAME)}")

    found = read_sizes(connection, [NAME])[NAME]

    assert found.precision == "about"
    assert found.rows is not None
    assert found.bytes > 0


@on("postgresql")
def test_the_limits_on_waiting_end_with_the_question():
    make_table(NAME, 1)
    read_sizes(connection, [NAME])

    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("0",)


@on("postgresql")
def test_a_large_table_without_statistics_is_not_counted(monkeypatch):
    monkeypatch.setattr(live, "SMALL", 0)
    make_table(NAME, 1)

    found = read_sizes(connection, [NAME])[NAME]

    assert found == Size(None, "about", found.bytes)


@pytest.mark.parametrize(
    ("estimate", "counted", "is_fresh", "rows"),
    [
        (-1, 0, False, None),  # never analysed
        (0, 7, False, None),  # as servers before 14 say it
        (1000, 0, False, 1000),  # the running count was lost in a crash
        (1000, 1200, False, 1200),
        (1000, 0, True, 0),  # emptied
        (0, 30, True, 30),
    ],
)
def test_what_the_statistics_suggest(estimate, counted, is_fresh, rows):
    assert live._estimated(estimate=estimate, live=counted, is_fresh=is_fresh) == rows
