"""Roll-ups and live counts together say what the rows say."""

import uuid
from collections import Counter
from contextlib import contextmanager
from datetime import date, timedelta, timezone
from math import ceil

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from users.analytics.answers import analytics
from users.analytics.durations import RELATIVE_ERROR
from users.analytics.periods import DAY, Grouping, Period
from users.analytics.roll_ups import UnfinishedDayError, last_finished_day, roll_up
from users.models import EndReason, SessionDay
from users.tests.days import (
    FIRST,
    LAST_WEEK,
    TODAY,
    at,
    clock_of_analytics,
    done,
    failed,
    signed_in,
    totals,
)
from users.tests.factories import DeviceFactory, UserFactory, UserSessionFactory

clock = pytest.fixture(clock_of_analytics, autouse=True)
pytestmark = pytest.mark.django_db


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
