"""Keeping what has been counted of days that are over, in ``SessionDay``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Min, QuerySet
from django.db.models.functions import TruncDate
from django.utils import timezone

from users.analytics.counting import Counts, count
from users.analytics.periods import DAY, today
from users.models import SessionActivity, SessionDay, User, UserSession

ROLL_UP_LOCK = 0xDA75  # key of the advisory lock that lets one process count days at a time
# How long after midnight a day is over: what was done just before is written in batches.
SETTLED_AFTER = timedelta(minutes=5)
ROWS_AT_ONCE = 1_000
DAYS_AT_ONCE = 7


class UnfinishedDayError(ValueError):
    """The day is not over: what would be kept of it would be too little."""


def last_finished_day() -> date:
    return (timezone.now() - SETTLED_AFTER).astimezone(UTC).date() - DAY


def first_day() -> date | None:
    """The first day of which there are sign-ins or activity."""
    moments = [
        UserSession.objects.aggregate(moment=Min("signed_in_at"))["moment"],
        SessionActivity.objects.aggregate(moment=Min("occurred_at"))["moment"],
    ]
    return min((moment.astimezone(UTC).date() for moment in moments if moment), default=None)


def counted(days: QuerySet[SessionDay]) -> QuerySet[SessionDay]:
    """Those that were counted when their day was over."""
    return days.alias(counted_on=TruncDate("counted_at", tzinfo=UTC)).filter(
        counted_on__gt=F("day")
    )


def missing_days() -> list[date]:
    """The finished days that are not counted yet, oldest first; none whose roll-up was purged."""
    first = first_day()
    if first is None:
        return []
    last = last_finished_day()
    first = max(first, today() - DAY * settings.RETENTION_DAYS["analytics"])
    rows = SessionDay.objects.filter(user=None, day__range=(first, last))
    present = set(counted(rows).values_list("day", flat=True))
    days = (first + DAY * number for number in range((last - first).days + 1))
    return [day for day in days if day not in present]


def roll_up_missing() -> int:
    """Count each finished day that is not counted yet; answer how many those were."""
    days = missing_days()
    batches = (days[start : start + DAYS_AT_ONCE] for start in range(0, len(days), DAYS_AT_ONCE))
    return sum(roll_up(some, again=False) for some in batches)


def roll_up(days: Sequence[date], *, again: bool = True) -> int:
    """Count finished days and keep them in the place of what was kept of them before.

    Without ``again`` those that are counted already stay as they are; answer how many were counted
    now. Of two at once, the second waits. Raise ``UnfinishedDayError`` while one of them lasts.
    """
    last = last_finished_day()
    if unfinished := [day for day in days if day > last]:
        raise UnfinishedDayError(f"{unfinished[0]} is not over.")
    with transaction.atomic():  # SQLite lets one writer in at a time from here on.
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ROLL_UP_LOCK])
        before = SessionDay.objects.filter(day__in=days, user=None)
        if not again:
            done = set(counted(before).values_list("day", flat=True))
            days = [day for day in days if day not in done]
        rows = _rows_of(days)
        # A day that was counted has a row of everybody; no index leads to all of its rows.
        if old := list(before.filter(day__in=days).values_list("day", flat=True)):
            SessionDay.objects.filter(day__in=old).delete()
        SessionDay.objects.bulk_create(rows, batch_size=ROWS_AT_ONCE)
    return len(days)


def _rows_of(days: Sequence[date]) -> list[SessionDay]:
    """A row of each day for everybody, empty if need be, and one for each user who was there."""
    now = timezone.now()
    found = {(day, None): Counts() for day in days} | count(days, by_user=True)
    # Activity outlives its users: it has no foreign keys.
    present = set(_present({who for _, who in found if who is not None}))
    return [
        SessionDay(day=day, user_id=who, counts=counts.kept(), counted_at=now)
        for (day, who), counts in found.items()
        if who is None or who in present
    ]


def _present(users: Iterable[UUID]) -> Iterator[Any]:
    keys = iter(users)
    while some := list(islice(keys, ROWS_AT_ONCE)):
        yield from User.objects.filter(pk__in=some).values_list("pk", flat=True)
