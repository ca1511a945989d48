import time

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import DatabaseError, connection, connections

from schematools.errors import CannotRunError
from schematools.read_only import Limits, chosen_connection, snapshot

TABLE = "CREATE TABLE snapshot_probe (id integer)"

pytestmark = pytest.mark.django_db


def run(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)


def test_nothing_can_be_written_meanwhile():
    run(TABLE)

    with pytest.raises(DatabaseError, match=r"read-?only"), snapshot(connection):
        run("INSERT INTO snapshot_probe VALUES (1)")

    run("INSERT INTO snapshot_probe VALUES (1)")


@pytest.mark.django_db(transaction=True)
def test_one_moment_is_read_whatever_is_written_meanwhile():
    other = connections.create_connection("default")
    try:
        with snapshot(connection):
            before = ContentType.objects.count()
            with other.cursor() as cursor:
                cursor.execute(
                    "INSERT INTO django_content_type (app_label, model) VALUES ('a', 'b')"
                )

            assert ContentType.objects.count() == before
        assert ContentType.objects.count() == before + 1
        ContentType.objects.filter(app_label="a").delete()  # writing is possible again
    finally:
        other.close()


def test_a_query_that_takes_too_long_ends_in_a_sentence():
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT sum(i) FROM n"
    started = time.monotonic()

    with (
        pytest.raises(CannotRunError, match=r"longer than 0.1 s.*--timeout"),
        snapshot(connection, Limits(query=0.1)),
    ):
        run(endless)

    assert time.monotonic() - started < 5


def test_an_unknown_database_is_refused():
    with pytest.raises(CannotRunError, match=r"no database 'defualt'.*'default'"):
        chosen_connection("defualt")


def test_an_engine_that_is_not_read_is_refused(monkeypatch):
    monkeypatch.setattr(connection, "vendor", "oracle")

    with pytest.raises(CannotRunError, match="this one is oracle"):
        chosen_connection()
