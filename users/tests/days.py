"""Sign-ins and activity on days that analytics count, up to a moment that stands still."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

from users.analytics.answers import analytics
from users.analytics.periods import DAY, Period
from users.models import EndReason, SessionActivity
from users.tests.factories import UserSessionFactory

NOW = datetime(2026, 3, 29, 12, tzinfo=UTC)  # clocks change in Europe on this day
TODAY, FIRST = NOW.date(), NOW.date() - 4 * DAY
LAST_WEEK = Period(TODAY - 6 * DAY, TODAY)


def clock_of_analytics(monkeypatch):
    """The time of day that analytics see; ``clock.moment`` sets it."""
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
