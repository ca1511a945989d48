"""The numbers of a range of days: roll-ups of those that are over, the rest from the rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from django.db.models import Case, JSONField, Q, Value, When

from users.analytics.counting import TOTALS, Counts, count
from users.analytics.durations import percentile
from users.analytics.periods import Grouping, Period, period_start
from users.analytics.roll_ups import counted, first_day
from users.models import SessionDay, User

# Of days without a roll-up, the newest ones are counted from the rows; at most so many.
MOST_LIVE_DAYS = 7
# Values of a dimension that are named; what is left is put together.
MOST_GROUPS = 100
OTHER = "other values"
MEDIAN, HIGH = 0.5, 0.95


@dataclass(frozen=True)
class Analytics:
    """``uncounted`` are days with rows that no roll-up has counted yet: they are left out."""

    period: Period
    days: dict[date, Counts]
    uncounted: list[date]

    @cached_property
    def whole(self) -> Counts:
        return merged(self.days.values())

    def totals(self) -> dict[str, int]:
        return totals_of(self.whole)

    def durations(self) -> dict[str, float | None]:
        return durations_of(self.whole)

    def numbers(self, dimension: str) -> dict[str, int]:
        """What there is of each value, the most first."""
        numbers = self.whole.dimensions.get(dimension, {})
        ranked = sorted(numbers.items(), key=lambda pair: (-pair[1], pair[0]))
        shown = dict(ranked[:MOST_GROUPS])
        if rest := sum(number for _value, number in ranked[MOST_GROUPS:]):
            shown[OTHER] = rest
        return shown

    def hours(self) -> dict[tuple[int, int], int]:
        """Sign-ins by weekday (Monday is 0) and hour, in UTC."""
        found: dict[tuple[int, int], int] = {}
        for day, counts in self.days.items():
            for hour, number in counts.dimensions.get("hour", {}).items():
                key = (day.weekday(), int(hour))
                found[key] = found.get(key, 0) + number
        return found

    def series(self, grouping: Grouping) -> dict[date, Counts]:
        """The counts of every day, week or month of the range, under its first day."""
        by_start: dict[date, Counts] = {}
        for day in self.period:
            start = max(period_start(day, grouping), self.period.first)
            counts = by_start.setdefault(start, Counts())
            if day in self.days:
                counts.merge(self.days[day])
        return by_start


def totals_of(counts: Counts) -> dict[str, int]:
    numbers = counts.dimensions.get("total", {})
    return {name: numbers.get(name, 0) for name in TOTALS}


def durations_of(counts: Counts) -> dict[str, float | None]:
    return {
        "median_seconds": percentile(counts.seconds, MEDIAN),
        "p95_seconds": percentile(counts.seconds, HIGH),
    }


def merged(parts: Any) -> Counts:
    whole = Counts()
    for part in parts:
        whole.merge(part)
    return whole


def analytics(period: Period, *, user: User | None = None) -> Analytics:
    """The numbers of everybody, or of ``user``.

    Two queries: the roll-ups, and the rows of days that have none. When more than
    ``MOST_LIVE_DAYS`` have none, two more tell on which of them there was nothing yet.
    """
    days = _rolled_up(period, user)
    without = [day for day in period if day not in days]
    if len(without) > MOST_LIVE_DAYS:
        first = first_day()
        without = [day for day in without if first is not None and day >= first]
    live = without[-MOST_LIVE_DAYS:]
    if live:
        days |= {day: counts for (day, _), counts in count(live, user=user).items()}
    return Analytics(period, days, uncounted=without[:-MOST_LIVE_DAYS])


def _rolled_up(period: Period, user: User | None) -> dict[date, Counts]:
    """Under each day that is counted what was kept of it, of ``user`` perhaps nothing."""
    rows = SessionDay.objects.filter(day__range=(period.first, period.last))
    if user is None:
        kept = counted(rows.filter(user=None)).values_list("day", "counts")
    else:
        own = Case(When(user=user, then="counts"), default=Value({}, JSONField()))
        kept = counted(rows.filter(Q(user=None) | Q(user=user))).values_list("day", own)
    days: dict[date, Counts] = {}
    for day, counts in kept.order_by():
        if counts or day not in days:
            days[day] = Counts.from_kept(counts)
    return days
