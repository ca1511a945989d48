from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from users.analytics.periods import DAY, start_of
from users.analytics.roll_ups import last_finished_day
from users.management.commands import roll_up_days
from users.models import SessionDay
from users.tests.factories import UserSessionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def last():
    """The last finished day; there are sign-ins from four days before it on."""
    last = last_finished_day()
    for back in (4, 1, 0):
        UserSessionFactory(signed_in_at=start_of(last - back * DAY))
    return last


def run(**options):
    out = StringIO()
    call_command("roll_up_days", stdout=out, **options)
    return out.getvalue().strip()


def days():
    return list(SessionDay.objects.filter(user=None).order_by("day").values_list("day", flat=True))


def test_it_counts_the_days_that_are_missing_and_says_which(last):
    assert run() == f"Counted 5 of 5 days, {last - 4 * DAY} to {last}."
    assert run() == "Nothing to count."
    assert days() == [last - back * DAY for back in (4, 3, 2, 1, 0)]


def test_a_dry_run_says_which_days_and_counts_none(last):
    assert run(dry_run=True) == f"Would count 5 days, {last - 4 * DAY} to {last}."
    assert days() == []


def test_it_counts_only_days_of_the_range(last):
    run(first=str(last - 3 * DAY), last=str(last - DAY))

    assert days() == [last - 3 * DAY, last - 2 * DAY, last - DAY]


def test_again_counts_what_is_counted_already(last):
    run()
    SessionDay.objects.update(counts={"total": {"sign_ins": 99}})

    assert run(again=True).startswith("Counted 5 of 5 days")

    assert not SessionDay.objects.filter(counts__total__sign_ins=99).exists()


def test_days_whose_activity_is_removed_are_not_counted_again(last, settings):
    settings.RETENTION_DAYS = {**settings.RETENTION_DAYS, "activity": 2}
    run()
    SessionDay.objects.update(counts={"total": {"sign_ins": 99}})

    run(again=True)

    today = datetime.now(UTC).date()
    kept = SessionDay.objects.filter(counts__total__sign_ins=99)
    assert set(kept.values_list("day", flat=True)) == {d for d in days() if d < today - 2 * DAY}
    with pytest.raises(CommandError, match="counting again would lose numbers"):
        run(first=str(last - 4 * DAY), again=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"first": "soon"}, "--from soon: not a date"),
        ({"last": "2026-02-30"}, "--to 2026-02-30: not a date"),
        ({"first": "2026-02-02", "last": "2026-02-01"}, "--from 2026-02-02 comes after --to"),
        ({"last": "9999-12-31"}, "--to 9999-12-31 is not over"),
    ],
)
def test_a_bad_range_is_refused_by_name(options, message):
    with pytest.raises(CommandError, match=message):
        run(**options)


def test_a_stopped_run_says_how_to_finish_and_keeps_what_was_counted(last, monkeypatch):
    real = roll_up_days.roll_up

    def interrupt(days, **options):
        if last in days:
            raise KeyboardInterrupt
        return real(days, **options)

    monkeypatch.setattr(roll_up_days, "roll_up", interrupt)
    monkeypatch.setattr(roll_up_days, "DAYS_AT_ONCE", 2)

    with pytest.raises(CommandError, match="Run the same command again") as stopped:
        run()

    assert stopped.value.returncode == 130
    assert len(days()) == 4
