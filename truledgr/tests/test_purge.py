"""`manage.py purge`: every rule removes what is past its days, and nothing else."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from core import retention
from core.models import AuditEvent
from core.partitions import MonthlyPartitions, TableBusyError, month_after, month_of
from core.retention import delete_in_batches, rules_named
from core.tests.one_engine import on
from truledgr.tests.purging import (
    BUILDERS,
    DAY,
    SECOND,
    left,
    limit_of_a_rule,
    resets_around,
    run,
    session,
    sessions_around,
    table,
    task_row,
)
from users.models import EndReason, SessionActivity, UserSession
from users.partitions import activity_partitions
from users.tests.activity_months import activity
from users.tests.factories import UserFactory

limit = pytest.fixture(limit_of_a_rule)
pytestmark = pytest.mark.django_db


def purged(name):
    """What a dry run and then a real run say, which has to be the same."""
    said = run("--dry-run", name)
    real = run(name)
    assert table(said) == table(real)
    assert table(run(name))[name][0] == "0"
    return table(real)[name]


def broken_rows():
    """What `check_integrity` reports; bare rows of these tests leave texts empty."""
    out = StringIO()
    with suppress(CommandError):
        call_command("check_integrity", "--format", "json", stdout=out)
    found = json.loads(out.getvalue())["findings"]
    return [finding for finding in found if finding["id"] != "required-text-empty"]


@pytest.mark.parametrize(("name", "around"), BUILDERS)
def test_a_rule_removes_what_is_past_its_days_and_nothing_else(limit, name, around):
    goes, stays = around(limit(name))

    assert purged(name) == (str(len(goes)), "0")

    assert left(type(goes[0])) == {row.pk for row in stays}


@pytest.mark.parametrize(("name", "around"), BUILDERS)
def test_a_dry_run_changes_nothing(limit, name, around):
    goes, stays = around(limit(name))
    model = type(goes[0])
    before = list(model.objects.order_by("pk").values())

    run("--dry-run")

    assert list(model.objects.order_by("pk").values()) == before
    assert len(before) == len(goes) + len(stays)
    assert not AuditEvent.objects.filter(action="purge").exists()


@pytest.mark.parametrize(("name", "around"), BUILDERS)
def test_the_days_of_a_rule_are_a_setting(limit, name, around, settings):
    goes, stays = around(limit(name))
    settings.RETENTION_DAYS = {**settings.RETENTION_DAYS, name: 100_000}

    kept = "2" if around is sessions_around else "0"  # whose visitors go in any case
    assert purged(name)[0] == kept
    assert len(left(type(goes[0]))) == len(goes) + len(stays) - int(kept)


def test_an_expired_session_is_ended_before_its_days_begin(limit):
    limit("sessions")
    expired = session(expires_at=timezone.now() - DAY)

    run("sessions")

    expired.refresh_from_db()
    assert (expired.end_reason, expired.session_data) == (EndReason.EXPIRED, "")


def test_activity_outlives_its_session_without_pointing_at_nothing(limit):
    old = session(limit("sessions") - SECOND)
    row = activity(timezone.now(), session=old, user=old.user)

    run("sessions")

    row.refresh_from_db()
    assert (row.session_id, row.user_id) == (None, old.user_id)
    assert broken_rows() == []


def test_a_purge_leaves_nothing_that_check_integrity_reports(limit):
    for name, around in BUILDERS:
        around(limit(name))
    for row in UserSession.objects.all():
        activity(timezone.now(), session=row, user=row.user)

    run()

    assert broken_rows() == []


# --- Whole months, which SQLite does not have -----------------------------------------------


@pytest.fixture
def months(limit):
    """The partition of the month that the limit of activity lies in, and of the one before."""
    partitions = activity_partitions()
    begun = month_of(limit("activity"))
    whole = month_of(datetime(begun.year, begun.month, 1, tzinfo=UTC) - SECOND)
    for month in (whole, begun):
        partitions.make(month)
    return partitions, whole, begun


@on("postgresql")
def test_a_month_that_is_over_is_dropped_and_one_that_is_not_stays_whole(months, limit):
    partitions, whole, begun = months
    end = datetime(begun.year, begun.month, 1, tzinfo=UTC)
    for moment in (end - SECOND, end - 2 * DAY):
        activity(moment)
    stays = [activity(end), activity(limit("activity")), activity(timezone.now())]
    old = sum(row.occurred_at < limit("activity") for row in stays)
    waiting = activity(end - 100 * DAY)  # has no month

    said = run("--dry-run", "activity")
    assert f"{partitions.name_of(whole)} goes as a whole" in said
    assert purged("activity") == ("3", str(old))

    assert left(SessionActivity) == {row.pk for row in stays}
    assert not SessionActivity.objects.filter(pk=waiting.pk).exists()
    assert partitions.missing([whole, begun]) == [whole]


@on("postgresql")
def test_a_month_is_dropped_once_its_last_moment_is_past_its_days(months, limit):
    partitions, whole, begun = months
    after = month_after(begun)
    end = datetime(after.year, after.month, 1, tzinfo=UTC)
    (rule,) = rules_named(["activity"])
    activity(end - timedelta(microseconds=1))

    rule.remove(end - timedelta(microseconds=1), lambda _rows: None)
    assert partitions.missing([whole, begun]) == [whole]

    rule.remove(end, lambda _rows: None)
    assert partitions.missing([whole, begun]) == [whole, begun]


@on("postgresql")
def test_a_month_that_somebody_holds_is_left_to_the_next_run(months, monkeypatch, limit):
    def busy(*_args):
        raise TableBusyError("session_activities was locked.")

    monkeypatch.setattr(MonthlyPartitions, "drop", busy)
    goes, _stays = sessions_around(limit("sessions"))

    with pytest.raises(CommandError, match=r"Failed: activity\. Run them again\."):
        run()
    assert not left(UserSession) & {row.pk for row in goes}


# --- Batches, interruptions, the trail ------------------------------------------------------


def test_rows_go_in_batches_of_three_queries(limit, django_assert_num_queries):
    for _ in range(5):
        task_row(timezone.now() - 99 * DAY)
    told = []

    # A batch: the keys, SAVEPOINT, DELETE, RELEASE. Three batches.
    with django_assert_num_queries(12):
        done = delete_in_batches(DBTaskResult.objects.order_by("pk"), told.append, size=2)

    assert (done, told) == (5, [2, 2, 1])


def test_what_an_interrupted_run_removed_is_recorded_and_the_next_goes_on(limit, monkeypatch):
    monkeypatch.setattr(delete_in_batches, "__defaults__", (2,))
    for _ in range(5):
        task_row(timezone.now() - 99 * DAY)
    (rule,) = rules_named(["tasks"])

    def interrupt(_rows):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        retention.purge(rule, interrupt)

    assert DBTaskResult.objects.count() == 3
    assert retention.purge(rule).removed == 3
    events = AuditEvent.objects.filter(action="purge").order_by("id")
    assert [event.changes["rows"] for event in events] == [[None, 2], [None, 3]]


def test_each_rule_that_removed_something_leaves_one_event(limit):
    admin = UserFactory(username="ada")
    sessions_around(limit("sessions"))
    resets_around(limit("tokens"))

    run("--actor", "ada")

    events = {event.object_id: event for event in AuditEvent.objects.filter(action="purge")}
    assert set(events) == {"sessions", "tokens"}
    assert events["tokens"].actor_id == admin.pk
    assert events["sessions"].model == "usersession"
    assert events["sessions"].changes["rows"] == [None, 5]
    assert events["sessions"].changes["before"][1].endswith("Z")


def test_nothing_to_remove_leaves_no_event():
    run()

    assert not AuditEvent.objects.filter(action="purge").exists()
