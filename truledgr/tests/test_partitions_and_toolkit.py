"""The schema toolkit sees one table, however many partitions it has, and what is wrong with it."""

import json
from contextlib import suppress
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from core.partitions import month_of, months_from
from core.tests.one_engine import on
from users.models import ActivityType, SessionActivity
from users.partitions import activity_partitions

TABLE = "session_activities"

postgresql = on("postgresql")  # SQLite keeps one table
pytestmark = pytest.mark.django_db


@pytest.fixture(params=[0, 3, 24])
def months(request):
    """So many months, with a row in the default partition and one in the first month."""
    partitions = activity_partitions()
    for partition in partitions.partitions():
        partitions.drop(partition)
    for month in months_from(month_of(timezone.now()), request.param)[: request.param]:
        partitions.make(month)
    for moment in (timezone.now(), timezone.now().replace(year=2001)):
        SessionActivity.objects.create(activity_type=ActivityType.REQUEST, occurred_at=moment)
    assert len(partitions.partitions()) == request.param
    return request.param


def findings(command, *args):
    out = StringIO()
    with suppress(CommandError):
        call_command(command, *args, "--format", "json", stdout=out, stderr=StringIO())
    found = json.loads(out.getvalue())["findings"]
    return [each for each in found if TABLE in json.dumps(each)]


@postgresql
def test_integrity_and_indexes_have_nothing_to_say_of_it(months):
    assert findings("check_integrity", "--table", TABLE) == []
    assert findings("analyze_indexes") == []


@postgresql
def test_the_diagram_of_the_database_has_one_table_that_is_partitioned(months, tmp_path):
    call_command(
        "generate_erd", "--from-database", "--module", "users", "--output", str(tmp_path),
        stdout=StringIO(), stderr=StringIO(),
    )  # fmt: skip

    page = (tmp_path / "users-erd.md").read_text()
    section = page.partition(f"### `{TABLE}`")[2].partition("\n### ")[0]
    assert section.strip().startswith("Partitioned table.")
    assert "session_activities_default" not in page
    assert f"{TABLE}_2" not in page


@postgresql
def test_a_query_without_an_index_names_the_table_once(months, settings):
    settings.SCHEMATOOLS = {
        **settings.SCHEMATOOLS,
        "QUERIES": {"by route": f"{__name__}.by_route"},
    }

    (finding,) = [each for each in findings("analyze_indexes") if each["id"] == "query-scans"]

    assert finding["found"].count(TABLE) == 1


def by_route():
    return SessionActivity.objects.filter(route="x")


@postgresql
def test_an_index_missing_on_one_partition_is_found(months):
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX activity_time_idx")
        cursor.execute(f"CREATE INDEX activity_time_idx ON ONLY {TABLE} (occurred_at DESC)")

    found = findings("analyze_indexes")

    assert ("index-invalid", f"{TABLE}.activity_time_idx") in {
        (each["id"], each["object"]) for each in found
    }
