from datetime import UTC, date, datetime, timedelta
from io import StringIO
from threading import Event

import pytest
from django.apps import apps
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connection
from django.db.migrations.state import ProjectState
from django.utils import timezone

from core import partitions as core_partitions
from core.partitioning import PartitionByMonth, default_partition_of
from core.partitions import MonthlyPartitions, TableBusyError, month_after, month_of, months_from
from core.tests.one_engine import on
from core.tests.parallel import at_once
from users.models import ActivityType, SessionActivity
from users.partitions import (
    MONTHS_AHEAD,
    activity_partitions,
    make_after_migrate,
    make_coming_months,
)
from users.tests.activity_months import activity, months_of_activity
from users.tests.factories import UserFactory

TABLE = "session_activities"
DEFAULT = "session_activities_default"
MAY = date(2031, 5, 1)  # far from the months that a migration makes

months = pytest.fixture(months_of_activity)
postgresql = on("postgresql")  # SQLite keeps one table


def home_of(row):
    """The partition that holds the row."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tableoid::regclass::text FROM session_activities WHERE id = %s", [row.pk]
        )
        return cursor.fetchone()[0]


# --- Months ---------------------------------------------------------------------------------


def test_months_are_those_of_utc():
    in_tokyo = datetime.fromisoformat("2026-03-01T08:59:59+09:00")

    assert month_of(in_tokyo) == date(2026, 2, 1)
    assert month_of(in_tokyo + timedelta(seconds=1)) == date(2026, 3, 1)


def test_months_follow_each_other_over_the_years_end():
    assert months_from(date(2026, 11, 1), 4) == [
        date(2026, 11, 1), date(2026, 12, 1), date(2027, 1, 1), date(2027, 2, 1),
    ]  # fmt: skip
    assert month_after(date(2028, 2, 1)) == date(2028, 3, 1)


# --- What there is --------------------------------------------------------------------------


@postgresql
def test_a_migrated_database_has_this_month_and_the_coming_ones(months):
    names = [each.name for each in months.partitions()]

    assert names == [months.name_of(m) for m in months_from(month_of(timezone.now()), 4)]
    assert MONTHS_AHEAD == 3


@postgresql
def test_the_key_holds_the_moment_and_the_indexes_keep_their_names(months):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s ORDER BY 1", [TABLE]
        )
        indexes = dict(cursor.fetchall())

    assert set(indexes) == {
        "activity_session_idx", "activity_time_idx", "activity_user_idx",
        "session_activities_pkey",
    }  # fmt: skip
    assert indexes["session_activities_pkey"].endswith("(id, occurred_at)")


@postgresql
def test_partitions_by_hand_are_listed_and_not_made_again(months):
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE by_hand PARTITION OF session_activities "
            "FOR VALUES FROM ('2031-01-01 00:00+00') TO ('2032-01-01 00:00+00')"
        )

    assert months.missing([MAY, date(2032, 1, 1)]) == [date(2032, 1, 1)]
    assert months.make(MAY) is None
    assert months.partitions()[-1].name == "by_hand"


# --- Making ---------------------------------------------------------------------------------


@postgresql
def test_a_row_without_a_month_waits_in_the_default_partition_and_moves_when_it_is_made(months):
    edges = [
        datetime(2031, 5, 1, tzinfo=UTC),
        datetime(2031, 5, 31, 23, 59, 59, 999999, tzinfo=UTC),
    ]
    inside = [activity(moment, route="kept", extra={"a": 1}) for moment in edges]
    around = [activity(edges[0] - timedelta(microseconds=1))]
    around.append(activity(edges[1] + timedelta(microseconds=1)))
    before = list(SessionActivity.objects.order_by("pk").values())
    assert {home_of(row) for row in inside + around} == {DEFAULT}

    assert months.make(MAY) == 2

    assert {home_of(row) for row in inside} == {"session_activities_2031_05"}
    assert {home_of(row) for row in around} == {DEFAULT}
    assert list(SessionActivity.objects.order_by("pk").values()) == before
    new = activity(edges[0])
    assert home_of(new) == "session_activities_2031_05"


@postgresql
def test_making_twice_changes_nothing(months):
    assert months.make(MAY) == 0
    assert months.make(MAY) is None
    assert make_coming_months(months) == {}


@postgresql
def test_a_partition_has_every_index_and_check_of_the_table(months):
    months.make(MAY)

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_index WHERE indrelid = 'session_activities_2031_05'::regclass"
        )
        assert cursor.fetchone() == (4,)
        cursor.execute(
            "SELECT count(*) FROM pg_index WHERE NOT indisvalid "
            "AND indrelid = 'session_activities'::regclass"
        )
        assert cursor.fetchone() == (0,)
        cursor.execute(
            "SELECT count(*) FROM pg_constraint "
            "WHERE conrelid = 'session_activities_2031_05'::regclass AND contype = 'c'"
        )
        assert cursor.fetchone() == (2,)


@postgresql
def test_nothing_is_made_while_somebody_else_holds_the_table(months, monkeypatch):
    monkeypatch.setattr(core_partitions, "TRIES", 2)
    monkeypatch.setattr(core_partitions, "PAUSE", 0)
    monkeypatch.setattr(core_partitions, "LOCK_WAIT", "20ms")
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("LOCK TABLE session_activities IN ROW EXCLUSIVE MODE")

            with pytest.raises(TableBusyError, match="locked by others"):
                months.make(MAY)

            assert months.missing([MAY]) == [MAY]
            cursor.execute("ROLLBACK")
        assert months.make(MAY) == 0
    finally:
        other.close()


@postgresql
def test_a_busy_table_does_not_fail_a_migration(months, monkeypatch, caplog):
    def busy(*_args):
        raise TableBusyError("busy")

    monkeypatch.setattr(MonthlyPartitions, "missing", busy)

    make_after_migrate(using="default")

    assert "still to be made" in caplog.text


@postgresql
@pytest.mark.django_db(transaction=True)
def test_no_insert_fails_or_is_lost_while_partitions_are_made():
    months = activity_partitions()
    made = Event()
    wanted = months_from(MAY, 3)
    written = []

    def make():
        try:
            return [months.make(month) for month in wanted]
        finally:
            made.set()

    def write(number):
        count = 0
        while not (made.is_set() and count >= 30):
            moment = datetime(2031, 5 + count % 3, 1 + count % 28, tzinfo=UTC)
            written.append(activity(moment, route=f"w{number}").pk)
            count += 1
        return count

    try:
        moved, *counts = at_once(make, *[lambda n=n: write(n) for n in range(4)])

        assert all(isinstance(count, int) for count in counts), counts
        assert len(moved) == 3
        stored = SessionActivity.objects.filter(route__startswith="w")
        assert sorted(stored.values_list("pk", flat=True)) == sorted(written)
        assert len(set(written)) == sum(counts)
        assert months.count(DEFAULT) == 0
    finally:
        for partition in months.partitions():
            if partition.start.year == 2031:
                months.drop(partition)


@postgresql
@pytest.mark.django_db(transaction=True)
def test_of_two_makers_at_once_one_makes_and_the_other_finds_it_made():
    months = activity_partitions()
    try:
        outcomes = at_once(lambda: months.make(MAY), lambda: months.make(MAY))

        assert sorted(outcomes, key=str) == [0, None]
    finally:
        for partition in months.partitions():
            if partition.start.year == 2031:
                months.drop(partition)


# --- Dropping -------------------------------------------------------------------------------


@postgresql
def test_dropping_a_month_removes_its_rows_and_no_others(months):
    months.make(MAY)
    gone = activity(datetime(2031, 5, 7, tzinfo=UTC))
    stays = [activity(datetime(2031, 6, 1, tzinfo=UTC)), activity(timezone.now())]
    (partition,) = [each for each in months.partitions() if each.start.year == 2031]

    months.drop(partition)

    assert not SessionActivity.objects.filter(pk=gone.pk).exists()
    assert SessionActivity.objects.filter(pk__in=[row.pk for row in stays]).count() == 2
    assert months.missing([MAY]) == [MAY]


@postgresql
def test_old_rows_of_the_default_partition_are_deleted_in_batches(months):
    moments = [datetime(2001, 1, day, tzinfo=UTC) for day in range(1, 6)]
    rows = [activity(moment) for moment in moments]

    assert months.delete_from_default(moments[3], 2) == 2
    assert months.delete_from_default(moments[3], 2) == 1
    assert months.delete_from_default(moments[3], 2) == 0
    left = SessionActivity.objects.order_by("occurred_at").values_list("pk", flat=True)
    assert list(left) == [rows[3].pk, rows[4].pk]


# --- Django on top of it --------------------------------------------------------------------


@pytest.mark.django_db
def test_rows_go_through_django_as_with_any_table():
    user = UserFactory()
    moments = [timezone.now(), datetime(2001, 1, 1, tzinfo=UTC), datetime(2091, 1, 1, tzinfo=UTC)]
    rows = SessionActivity.objects.bulk_create(
        SessionActivity(user=user, activity_type=ActivityType.REQUEST, occurred_at=moment)
        for moment in moments
    )
    assert all(row.pk for row in rows)

    first = SessionActivity.objects.get(pk=rows[0].pk)
    first.route = "changed"
    first.occurred_at = moments[1]  # another partition
    first.save()
    assert SessionActivity.objects.get(pk=first.pk).occurred_at == moments[1]
    assert SessionActivity.objects.filter(pk=rows[1].pk).delete()[0] == 1

    user.hard_delete()

    assert not SessionActivity.objects.exists()


@pytest.mark.django_db
def test_a_reset_sequence_goes_on_after_the_last_row():
    last = activity(timezone.now(), pk=5_000_000).pk
    with connection.cursor() as cursor:
        for sql in connection.ops.sequence_reset_sql(no_style(), [SessionActivity]):
            cursor.execute(sql)

    assert activity(timezone.now()).pk == last + 1


@pytest.mark.django_db
def test_rows_are_dumped_once():
    row = activity(datetime(2001, 1, 1, tzinfo=UTC))
    out = StringIO()

    call_command("dumpdata", "users.SessionActivity", stdout=out)

    assert out.getvalue().count(f'"pk": {row.pk},') == 1


# --- The migration --------------------------------------------------------------------------


@postgresql
def test_the_migration_goes_back_and_forth_with_every_row_and_number(months):
    operation = PartitionByMonth("SessionActivity", "occurred_at")
    state = ProjectState.from_apps(apps)
    months.make(MAY)
    activity(datetime(2031, 5, 3, tzinfo=UTC))
    activity(timezone.now())
    rows = list(SessionActivity.objects.order_by("pk").values())

    with connection.schema_editor() as editor:
        operation.database_backwards("users", editor, state, state)

    assert not months.is_partitioned()
    assert list(SessionActivity.objects.order_by("pk").values()) == rows
    assert activity(timezone.now()).pk == rows[-1]["id"] + 1

    with connection.schema_editor() as editor:
        operation.database_forwards("users", editor, state, state)

    assert months.is_partitioned()
    assert months.partitions() == []
    assert months.count(DEFAULT) == 3
    assert activity(timezone.now()).pk == rows[-1]["id"] + 2
    assert make_coming_months(months)[months.name_of(month_of(timezone.now()))] == 3


@pytest.mark.django_db
def test_the_migration_does_nothing_where_there_are_no_partitions():
    if connection.vendor == "postgresql":
        assert activity_partitions().is_partitioned()
    else:
        assert not activity_partitions().is_partitioned()
        make_after_migrate(using="default")
    assert default_partition_of(TABLE) == DEFAULT
