"""Days are counted once, kept, and not counted again without need."""

import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.tests.parallel import at_once
from users.analytics.answers import MOST_LIVE_DAYS, analytics
from users.analytics.periods import DAY, Period
from users.analytics.roll_ups import missing_days, roll_up, roll_up_missing
from users.models import SessionActivity, SessionDay
from users.tasks import roll_up_days
from users.tests.days import FIRST, TODAY, at, clock_of_analytics, done, failed, signed_in, totals

clock = pytest.fixture(clock_of_analytics, autouse=True)
pytestmark = pytest.mark.django_db


# --- Keeping --------------------------------------------------------------------------------


def kept():
    rows = SessionDay.objects.order_by("day", "user_id")
    return list(rows.values_list("day", "user_id", "counts"))


def test_counting_a_day_again_keeps_the_same_rows():
    signed_in(at(TODAY - DAY), lasts=30)
    failed(at(TODAY - DAY))
    roll_up([TODAY - DAY])
    before = kept()

    assert roll_up([TODAY - DAY]) == 1

    assert kept() == before
    assert len(before) == 2


def test_counting_a_day_again_takes_the_place_of_what_was_kept():
    session = signed_in(at(TODAY - DAY))
    roll_up([TODAY - DAY])
    session.delete()

    roll_up([TODAY - DAY])

    assert kept() == [(TODAY - DAY, None, {})]


def test_every_finished_day_since_the_first_is_counted_once():
    signed_in(at(FIRST))
    failed(at(TODAY - DAY))

    assert roll_up_missing() == 4
    assert roll_up_missing() == 0
    everybody = SessionDay.objects.filter(user=None).order_by("day")
    assert list(everybody.values_list("day", flat=True)) == [FIRST + n * DAY for n in range(4)]
    assert SessionDay.objects.exclude(user=None).count() == 1


def test_a_row_that_is_older_than_the_end_of_its_day_is_counted_again():
    signed_in(at(TODAY - DAY))
    SessionDay.objects.create(day=TODAY - DAY, counts={}, counted_at=at(TODAY - DAY, 23))
    SessionDay.objects.create(day=TODAY - 2 * DAY, counts={}, counted_at=at(TODAY - DAY, 1))

    assert missing_days() == [TODAY - DAY]
    assert totals() == {"sign_ins": 1, "active_sessions": 1}
    assert roll_up_missing() == 1
    assert totals() == {"sign_ins": 1, "active_sessions": 1}


def test_without_rows_there_is_nothing_to_count():
    assert missing_days() == []
    assert roll_up_missing() == 0


def test_days_whose_roll_ups_were_purged_are_not_made_again(settings):
    settings.RETENTION_DAYS = {**settings.RETENTION_DAYS, "analytics": 2}
    signed_in(at(FIRST))

    assert missing_days() == [TODAY - 2 * DAY, TODAY - DAY]


def test_activity_of_a_user_who_is_gone_counts_for_everybody_and_stops_nothing():
    SessionActivity.objects.create(
        user_id=uuid.uuid4(), activity_type="sign_in_failed", occurred_at=at(TODAY - DAY)
    )

    roll_up([TODAY - DAY])

    assert kept() == [(TODAY - DAY, None, {"total": {"failures": 1}, "failure": {"unknown": 1}})]


def test_the_task_counts_what_is_missing():
    signed_in(at(TODAY - DAY))

    roll_up_days.call()

    assert SessionDay.objects.filter(user=None).count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_that_count_a_day_at_once_keep_it_once():
    for number in range(20):
        signed_in(at(TODAY - DAY, number))

    outcomes = at_once(*[lambda: roll_up([TODAY - DAY], again=False)] * 4)

    assert sorted(outcomes) == [0, 0, 0, 1]
    assert SessionDay.objects.filter(user=None).count() == 1
    assert SessionDay.objects.count() == 21


@pytest.mark.django_db(transaction=True)
def test_two_that_count_a_day_again_at_once_do_not_collide():
    signed_in(at(TODAY - DAY))

    outcomes = at_once(*[lambda: roll_up([TODAY - DAY])] * 4)

    assert outcomes == [1, 1, 1, 1]
    assert SessionDay.objects.count() == 2


# --- Days that are not counted --------------------------------------------------------------


def test_days_without_a_roll_up_are_counted_from_the_rows_up_to_a_limit():
    period = Period(TODAY - 20 * DAY, TODAY)
    for back in range(12):
        signed_in(at(TODAY - back * DAY, 9))

    found = analytics(period)

    assert found.totals()["sign_ins"] == MOST_LIVE_DAYS
    assert found.uncounted == [TODAY - back * DAY for back in range(11, MOST_LIVE_DAYS - 1, -1)]

    roll_up_missing()

    found = analytics(period)
    assert (found.totals()["sign_ins"], found.uncounted) == (12, [])


# --- Queries --------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [1, 40])
def test_a_day_is_counted_in_a_handful_of_queries(rows):
    for number in range(rows):
        done(signed_in(at(TODAY - DAY, number % 24)), at(TODAY - DAY, number % 24, 1))

    with CaptureQueriesContext(connection) as queries:
        roll_up([TODAY - DAY])

    # 1. the counts  2. which users there are  3. whether it was kept before  4. the new rows;
    # on PostgreSQL before that: the lock
    sent = [query["sql"] for query in queries if "SAVEPOINT" not in query["sql"]]
    assert len(sent) == (5 if connection.vendor == "postgresql" else 4)


@pytest.mark.parametrize("is_own", [False, True])
def test_a_range_of_counted_days_takes_two_queries(django_assert_num_queries, is_own):
    session = signed_in(at(FIRST), lasts=30)
    roll_up_missing()
    user = session.user if is_own else None
    period = Period(FIRST, TODAY)

    # 1. the roll-ups  2. the rows of today
    with django_assert_num_queries(2):
        assert totals(period, user)["ended_sessions"] == 1


def test_days_before_there_was_anything_cost_two_queries_more(django_assert_num_queries):
    signed_in(at(FIRST))
    roll_up_missing()

    # 1. the roll-ups  2., 3. the first sign-in and the first activity  4. the rows of today
    with django_assert_num_queries(4):
        assert analytics(Period(TODAY - 364 * DAY, TODAY)).uncounted == []
