"""Counting the rows of some days, all of it in one statement.

What a day has of each:

- *sign_ins*: sessions whose sign-in was finished on it, by device type, browser, system, country,
  method and hour; *suspicious* those of them that are marked so when they are counted;
- *active_sessions*: sessions in which something was done on it, by the activity, and those that
  began on it;
- *ended_sessions*: sessions that ended on it, with their durations: from the sign-in to the end,
  or to the last request of one that expired, because nobody was there afterwards;
- *failures*: sign-ins that failed on it, by reason; of everybody also those for no account;
- *new_devices*: devices seen for the first time on it.

What a member of staff does in an impersonated session is not the user's and counts for nobody.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db.models import (
    Case,
    CharField,
    Count,
    Exists,
    F,
    Func,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Value,
    When,
)
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, ExtractHour, TruncDate

from users.analytics.durations import bucket_of, seconds_of
from users.analytics.periods import spans_of
from users.models import ActivityType, Device, EndReason, SessionActivity, User, UserSession

UNKNOWN = "unknown"
DURATION = "duration"
TOTALS = (
    "sign_ins", "active_sessions", "ended_sessions", "failures", "suspicious", "new_devices",
)  # fmt: skip
TRAITS = ("device_type", "browser", "os", "country", "method", "hour")
VERSION = re.compile(r" \d\S*$")

Numbers = dict[str, int]
Span = tuple[datetime, datetime]


@dataclass(slots=True)
class Counts:
    """The numbers of a day, of one user or of everybody: by dimension, then by value.

    ``seconds`` counts durations: each as it was, or of a kept day what stands for its bucket.
    """

    dimensions: dict[str, Numbers] = field(default_factory=dict)
    seconds: dict[float, int] = field(default_factory=dict)

    def add(self, dimension: str, value: str, number: int) -> None:
        if number:
            numbers = self.dimensions.setdefault(dimension, {})
            numbers[value] = numbers.get(value, 0) + number

    def merge(self, other: Counts) -> None:
        for dimension, numbers in other.dimensions.items():
            mine = self.dimensions.setdefault(dimension, {})
            for value, number in numbers.items():
                mine[value] = mine.get(value, 0) + number
        for seconds, number in other.seconds.items():
            self.seconds[seconds] = self.seconds.get(seconds, 0) + number

    @classmethod
    def from_kept(cls, kept: dict[str, Numbers]) -> Counts:
        dimensions = {name: numbers for name, numbers in kept.items() if name != DURATION}
        buckets = kept.get(DURATION, {})
        return cls(dimensions, {seconds_of(bucket): number for bucket, number in buckets.items()})

    def kept(self) -> dict[str, Numbers]:
        """What a ``SessionDay`` holds."""
        durations: Numbers = {}
        for seconds, number in self.seconds.items():
            bucket = bucket_of(int(seconds))
            durations[bucket] = durations.get(bucket, 0) + number
        return {**self.dimensions, DURATION: durations} if durations else self.dimensions


Key = tuple[date, UUID | None]


def count(
    days: Iterable[date], *, user: User | None = None, by_user: bool = False
) -> dict[Key, Counts]:
    """The counts of each day of which there is anything to say, under (day, None).

    Of everybody, or of ``user`` alone; with ``by_user`` under (day, user's key) as well. One query.
    """
    counted: dict[Key, Counts] = defaultdict(Counts)
    for row in _rows(spans_of(days), user, by_user=by_user):
        part, day, who, number, suspicious, *values = row
        for key in {(day, None), (day, who)}:
            _put(counted[key], part, number, suspicious, values)
    return dict(counted)


def _put(counts: Counts, part: str, number: int, suspicious: int, values: list[str]) -> None:
    counts.add("total", part, number)
    match part:
        case "sign_ins":
            counts.add("total", "suspicious", suspicious)
            device_type, browser, system, country, method, hour = values
            counts.add("device_type", device_type or UNKNOWN, number)
            counts.add("browser", family(browser), number)
            counts.add("os", family(system), number)
            counts.add("country", country or UNKNOWN, number)
            counts.add("method", method or UNKNOWN, number)
            counts.add("hour", hour, number)
        case "failures":
            counts.add("failure", values[0] or UNKNOWN, number)
        case "ended_sessions":
            seconds = max(0, int(values[0]))
            counts.seconds[seconds] = counts.seconds.get(seconds, 0) + number


@lru_cache(maxsize=1024)
def family(name: str) -> str:
    """A browser or system without its version."""
    return VERSION.sub("", name) or UNKNOWN


# --- The statement --------------------------------------------------------------------------


class WholeSeconds(Func):
    """Whole seconds from one moment to another, as text."""

    output_field = CharField()
    arity = 2

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "CAST(django_timestamp_diff(%(expressions)s) / 1000000 AS text)"
        return self.as_sql(compiler, connection, template=template, **context)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "CAST(FLOOR(EXTRACT(EPOCH FROM (%(expressions)s))) AS text)"
        return self.as_sql(compiler, connection, template=template, arg_joiner=" - ", **context)


def _rows(spans: list[Span], user: User | None, *, by_user: bool) -> QuerySet[Any, Any]:
    sessions = UserSession.objects.filter(user__isnull=False, impersonator=None)
    activities: QuerySet[SessionActivity] = SessionActivity.objects.all()
    devices: QuerySet[Device] = Device.objects.all()
    if user is not None:
        sessions = sessions.filter(user=user)
        activities = activities.filter(user=user)
        devices = devices.filter(user=user)
    done = activities.filter(_within("occurred_at", spans))
    used = done.filter(user__isnull=False, session__isnull=False)
    begun = sessions.filter(_within("signed_in_at", spans))
    logged = used.filter(session=OuterRef("pk")).alias(day_used=_day("occurred_at"))
    impersonated = UserSession.objects.filter(impersonator__isnull=False)
    ended = sessions.filter(_within("ended_at", spans), signed_in_at__isnull=False)
    lasted = Case(
        When(end_reason=EndReason.EXPIRED, then=F("last_activity_at")), default=F("ended_at")
    )
    failed = done.filter(activity_type=ActivityType.SIGN_IN_FAILED)

    def part(name: str, rows: Any, moment: str, *values: Any, **numbers: Any) -> Any:
        return _part(name, rows, moment, values, by_user=by_user, **numbers)

    rows: QuerySet[Any, Any] = part(
        "sign_ins",
        begun,
        "signed_in_at",
        F("device_type"),
        F("browser"),
        F("os"),
        F("country"),
        F("login_method"),
        Cast(ExtractHour("signed_in_at", tzinfo=UTC), CharField()),
        suspicious=Count("pk", filter=Q(is_suspicious=True)),
    ).union(
        part(
            "active_sessions",
            used.exclude(session__in=impersonated),
            "occurred_at",
            number=Count("session", distinct=True),
        ),
        part(
            "active_sessions",
            begun.alias(began=_day("signed_in_at")).exclude(
                Exists(logged.filter(day_used=OuterRef("began")))
            ),
            "signed_in_at",
        ),
        part("ended_sessions", ended, "ended_at", WholeSeconds(lasted, F("signed_in_at"))),
        part("failures", failed, "occurred_at", KeyTextTransform("reason", "extra")),
        part("new_devices", devices.filter(_within("first_seen_at", spans)), "first_seen_at"),
        all=True,
    )
    return rows


def _part(
    name: str,
    rows: Any,
    moment: str,
    values: tuple[Any, ...],
    *,
    by_user: bool,
    number: Any = None,
    suspicious: Any = None,
) -> Any:
    """Rows of (part, day, user, number, suspicious, six values), grouped by all but the numbers."""
    who = F("user_id") if by_user else Cast(Value(None), User._meta.pk)
    columns = {f"value{position}": value for position, value in enumerate(values)}
    columns |= {f"value{position}": Value("") for position in range(len(values), len(TRAITS))}
    return (
        rows.order_by()
        .values(part=Value(name), day=_day(moment), who=who, **columns)
        .annotate(
            number=Count("pk") if number is None else number,
            # An aggregate too, so that it is no reason to group.
            suspicious=Max(Value(0)) if suspicious is None else suspicious,
        )
        .values_list("part", "day", "who", "number", "suspicious", *columns)
    )


def _within(moment: str, spans: list[Span]) -> Q:
    condition = Q()
    for start, end in spans:
        condition |= Q(**{f"{moment}__gte": start, f"{moment}__lt": end})
    return condition if spans else Q(pk__in=[])


def _day(moment: str) -> TruncDate:
    return TruncDate(moment, tzinfo=UTC)
