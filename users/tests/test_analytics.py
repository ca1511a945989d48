"""Roll-ups and live counts together say what the rows say."""

import uuid
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta, timezone
from math import ceil
from types import SimpleNamespace

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core.tests.parallel import at_once
from users.analytics.answers import MOST_LIVE_DAYS, analytics
from users.analytics.durations import RELATIVE_ERROR
from users.analytics.periods import DAY, Grouping, Period
from users.analytics.roll_ups import (
    UnfinishedDayError,
    last_finished_day,
    missing_days,
    roll_up,
    roll_up_missing,
)
from users.models import EndReason, SessionActivity, SessionDay
from users.tasks import roll_up_days
from users.tests.factories import DeviceFactory, UserFactory, UserSessionFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 29, 12, tzinfo=UTC)  # clocks change in Europe on this day
TODAY, FIRST = NOW.date(), NOW.date() - 4 * DAY
LAST_WEEK = Period(TODAY - 6 * DAY, TODAY)


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """The time of day that analytics see; ``clock.now`` sets it."""
    clock = SimpleNamespace(moment=NOW)
    fake = SimpleNamespace(now=lambda: clock.moment)
    for module in ("periods", "roll_ups"):
        monkeypatch.setattr(f"users.analytics.{module}.timezone", fake)
    return clock


def at(day, hour=10, minute=0, second=0, microsecond=0, tzinfo=UTC):
    return datetime(day.year, day.month, day.day, hour, minute, second, microsecond, tzinfo)


def signed_in(moment, *, lasts=None, reason=EndReason.SIGNED_OUT, **columns):
    ended = {}
    if lasts is not None:
        ended = {
            "ended_at": moment + timedelta(seconds=lasts),
            "end_reason": reason,
            "session_data": "",
        }
    return UserSessionFactory(
        **{"signed_in_at": moment, "last_activity_at": moment, **ended, **columns}
    )


def done(session, moment, activity_type="request", **columns):
    return SessionActivity.objects.create(
        **{
            "session": session,
            "user": session and session.user,
            "activity_type": activity_type,
            "occurred_at": moment,
            **columns,
        }
    )


def failed(moment, user=None, reason="wrong_password"):
    return done(None, moment, "sign_in_failed", user=user, extra={"reason": reason})


def totals(period=LAST_WEEK, user=None):
    return {name: n for name, n in analytics(period, user=user).totals().items() if n}


# --- Any rows -------------------------------------------------------------------------------

SECONDS = 4 * 86_400 + 12 * 3_600  # from the first day's start to now
moments = st.one_of(
    st.integers(0, SECONDS - 1),
    st.builds(lambda day, off: max(0, day * 86_400 + off), st.integers(0, 4), st.integers(-1, 1)),
).map(lambda seconds: at(FIRST, 0) + timedelta(seconds=seconds))
people = st.integers(0, 1)
sessions = st.fixed_dictionaries(
    {
        "user": st.one_of(people, people, st.none()),
        "start": moments,
        "lasts": st.one_of(st.none(), st.integers(0, 100_000)),
        "is_expired": st.booleans(),
        "device_type": st.sampled_from(["desktop", "mobile"]),
        "browser": st.sampled_from(["Chrome 140", "Chrome 141", "Chrome Mobile 139", ""]),
        "country": st.sampled_from(["DE", "BR", ""]),
        "method": st.sampled_from(["password", "oauth:google"]),
        "is_suspicious": st.booleans(),
        "is_impersonated": st.sampled_from([False, False, False, True]),
        "used": st.lists(moments, max_size=3),
    }
)
failures = st.tuples(moments, st.one_of(st.none(), people), st.sampled_from(["wrong_password", ""]))
devices = st.tuples(moments, people)
worlds = st.fixed_dictionaries(
    {
        "sessions": st.lists(sessions, max_size=6),
        "failures": st.lists(failures, max_size=4),
        "devices": st.lists(devices, max_size=3),
        "rolled": st.sets(st.integers(0, 3)),
    }
)


class Expected:
    """What a reader of the rows counts, one by one, for one user or everybody."""

    def __init__(self, world, user):
        self.totals, self.browsers, self.hours, self.durations = Counter(), Counter(), Counter(), []
        for one in world["sessions"]:
            self.see(one, user)
        for _moment, who, _reason in world["failures"]:
            self.totals["failures"] += user in {None, who}
        for _moment, who in world["devices"]:
            self.totals["new_devices"] += user in {None, who}

    def see(self, one, user):
        if one["is_impersonated"] or one["user"] is None or user not in {None, one["user"]}:
            return
        start = one["start"]
        self.totals["sign_ins"] += 1
        self.totals["suspicious"] += one["is_suspicious"]
        self.browsers[one["browser"].rstrip("0123456789").strip() or "unknown"] += 1
        self.hours[start.weekday(), start.hour] += 1
        self.totals["active_sessions"] += len({m.date() for m in [start, *one["used"]]})
        lasts = one["lasts"]
        if lasts is not None and start + timedelta(seconds=lasts) < at(TODAY + DAY, 0):
            self.totals["ended_sessions"] += 1
            self.durations.append(0 if one["is_expired"] else lasts)


def build(world):
    users = UserFactory.create_batch(2)
    staff = UserFactory()
    for one in world["sessions"]:
        user = None if one["user"] is None else users[one["user"]]
        session = signed_in(
            one["start"],
            lasts=one["lasts"],
            reason=EndReason.EXPIRED if one["is_expired"] else EndReason.SIGNED_OUT,
            user=user,
            device_type=one["device_type"],
            browser=one["browser"],
            country=one["country"],
            login_method=one["method"],
            is_suspicious=one["is_suspicious"],
            impersonator=staff if one["is_impersonated"] else None,
            impersonation_reason="Ticket 1" if one["is_impersonated"] else "",
        )
        for moment in one["used"]:
            done(session, moment)
    for moment, who, reason in world["failures"]:
        failed(moment, None if who is None else users[who], reason)
    for moment, who in world["devices"]:
        DeviceFactory(user=users[who], first_seen_at=moment, fingerprint=uuid.uuid4().hex)
    return users


@contextmanager
def rolled_back():
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@hypothesis_settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(world=worlds)
def test_roll_ups_and_live_counts_add_up_to_the_rows(world):
    with rolled_back():
        users = build(world)
        roll_up([FIRST + number * DAY for number in sorted(world["rolled"])])
        for who, user in ((None, None), (0, users[0])):
            found, expected = analytics(LAST_WEEK, user=user), Expected(world, who)

            assert {n: v for n, v in found.totals().items() if v} == +expected.totals
            assert found.numbers("browser") == dict(expected.browsers)
            assert found.hours() == dict(expected.hours)
            assert sum(found.numbers("country").values()) == expected.totals["sign_ins"]
            assert sum(found.numbers("failure").values()) == expected.totals["failures"]
            assert_close(found.durations(), expected.durations)


def assert_close(durations, values):
    values = sorted(values)
    for name, share in (("median_seconds", 0.5), ("p95_seconds", 0.95)):
        if not values:
            assert durations[name] is None
            continue
        exact = values[ceil(share * len(values)) - 1]
        assert abs(durations[name] - exact) <= RELATIVE_ERROR * exact


# --- Days -----------------------------------------------------------------------------------


def test_a_day_goes_from_midnight_to_midnight_in_utc():
    yesterday = TODAY - DAY
    signed_in(at(yesterday, 0))
    signed_in(at(yesterday, 23, 59, 59, 999_999))
    signed_in(at(TODAY, 0))
    signed_in(at(TODAY, 1, tzinfo=timezone(timedelta(hours=2))))  # 23:00 of yesterday
    roll_up([yesterday])

    assert totals(Period(yesterday, yesterday))["sign_ins"] == 3
    assert totals(Period(TODAY, TODAY))["sign_ins"] == 1


def test_weeks_begin_on_monday_and_months_on_the_first_within_the_range():
    period = Period(date(2026, 2, 26), date(2026, 3, 10))

    found = analytics(period)

    weeks = [str(day) for day in found.series(Grouping.WEEK)]
    assert weeks == ["2026-02-26", "2026-03-02", "2026-03-09"]
    assert [str(day) for day in found.series(Grouping.MONTH)] == ["2026-02-26", "2026-03-01"]
    assert len(found.series(Grouping.DAY)) == 13


def test_a_day_is_over_five_minutes_after_midnight(clock):
    clock.moment = at(TODAY, 0, 4, 59)
    assert last_finished_day() == TODAY - 2 * DAY

    clock.moment = at(TODAY, 0, 5)
    assert last_finished_day() == TODAY - DAY


def test_a_day_that_lasts_is_not_kept():
    with pytest.raises(UnfinishedDayError, match="2026-03-29 is not over"):
        roll_up([TODAY - DAY, TODAY])

    assert not SessionDay.objects.exists()


# --- What is counted ------------------------------------------------------------------------


def test_a_session_is_active_on_each_day_on_which_it_is_used():
    session = signed_in(at(TODAY - 3 * DAY))
    for moment in (at(TODAY - 3 * DAY, 11), at(TODAY - DAY), at(TODAY - DAY, 11), at(TODAY, 1)):
        done(session, moment)
    signed_in(at(TODAY - 2 * DAY))  # without any activity
    found = analytics(LAST_WEEK)

    active = [
        counts.dimensions.get("total", {}).get("active_sessions", 0)
        for counts in found.series(Grouping.DAY).values()
    ]
    assert active == [0, 0, 0, 1, 1, 1, 1]


def test_requests_with_tokens_and_those_of_strangers_make_no_active_session():
    done(None, at(TODAY), user=UserFactory())
    done(UserSessionFactory(user=None), at(TODAY), user=None)

    assert totals() == {}


def test_what_staff_do_as_somebody_counts_for_nobody():
    session = signed_in(
        at(TODAY), lasts=60, impersonator=UserFactory(), impersonation_reason="Ticket 1"
    )
    done(session, at(TODAY, 10, 1))

    assert totals() == totals(user=session.user) == {}


def test_an_expired_session_lasted_until_its_last_request():
    start = at(TODAY, 1)
    signed_in(
        start, lasts=7_200, reason=EndReason.EXPIRED, last_activity_at=start + timedelta(seconds=90)
    )

    assert analytics(LAST_WEEK).durations() == {"median_seconds": 90, "p95_seconds": 90}


def test_the_durations_of_today_are_exact():
    for seconds in range(1_000, 1_100):
        signed_in(at(TODAY, 1), lasts=seconds)

    assert analytics(LAST_WEEK).durations() == {"median_seconds": 1_049, "p95_seconds": 1_094}


def test_failures_for_no_account_are_everybodys_and_nobodys_own():
    user = UserFactory()
    failed(at(TODAY), user)
    failed(at(TODAY), reason="unknown_account")

    assert analytics(LAST_WEEK).numbers("failure") == {"unknown_account": 1, "wrong_password": 1}
    assert analytics(LAST_WEEK, user=user).numbers("failure") == {"wrong_password": 1}


def test_versions_are_left_out_of_browsers_and_systems():
    signed_in(at(TODAY), browser="Mobile Safari 18", os="iOS 18.5")
    signed_in(at(TODAY), browser="Mobile Safari 17", os="Windows Vista")

    found = analytics(LAST_WEEK)
    assert found.numbers("browser") == {"Mobile Safari": 2}
    assert found.numbers("os") == {"Windows Vista": 1, "iOS": 1}


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
