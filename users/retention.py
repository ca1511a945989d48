"""How long sessions, what was done in them, and their roll-ups are kept."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from core.partitioning import default_partition_of
from core.partitions import MonthlyPartitions, Partition
from core.retention import BATCH, Advance, Outcome, Rule, delete_in_batches, register, rule_of_rows
from users.models import SessionActivity, SessionDay, UserSession
from users.partitions import activity_partitions
from users.sessions import SessionStore

# --- Sessions -------------------------------------------------------------------------------


def _never_signed_in() -> QuerySet[Any]:
    """Sessions of nobody past one of their limits: they are no history of anything."""
    now = timezone.now()
    past = Q(expires_at__lte=now) | Q(idle_expires_at__lte=now)
    return UserSession.objects.filter(past, user=None, ended_at=None)


def _over(before: datetime) -> Q:
    """Ended then, or run out then without anybody having noticed yet."""
    run_out = Q(expires_at__lt=before) | Q(idle_expires_at__lt=before)
    return Q(ended_at__lt=before) | (Q(ended_at=None, user__isnull=False) & run_out)


def count_sessions(before: datetime) -> Outcome:
    ended = UserSession.objects.filter(_over(before)).count()
    return Outcome(removed=ended + _never_signed_in().count())


def remove_sessions(before: datetime, advance: Advance) -> Outcome:
    removed = delete_in_batches(_never_signed_in(), advance)
    SessionStore.clear_expired()
    ended = UserSession.objects.filter(ended_at__lt=before).order_by("ended_at")
    return Outcome(removed=removed + delete_in_batches(ended, advance))


# --- Activity -------------------------------------------------------------------------------


def count_activity(before: datetime) -> Outcome:
    partitions = activity_partitions()
    if not partitions.is_partitioned():
        return Outcome(removed=_old_activity(before).count())
    whole, begun = _months(partitions, before)
    dropped = sum(partitions.count(each.name) for each in whole)
    waiting = partitions.count(default_partition_of(partitions.table), before)
    return _outcome(partitions, before, whole, begun, removed=dropped + waiting)


def remove_activity(before: datetime, advance: Advance) -> Outcome:
    """Drop the months that are over; DELETE what has no month, or all where there are none."""
    partitions = activity_partitions()
    if not partitions.is_partitioned():
        return Outcome(removed=delete_in_batches(_old_activity(before), advance))
    whole, begun = _months(partitions, before)
    removed = 0
    for month in whole:
        rows = partitions.count(month.name)
        partitions.drop(month)
        removed += rows
        advance(rows)
    while gone := partitions.delete_from_default(before, BATCH):
        removed += gone
        advance(gone)
    return _outcome(partitions, before, whole, begun, removed=removed)


def _old_activity(before: datetime) -> QuerySet[Any]:
    return SessionActivity.objects.filter(occurred_at__lt=before).order_by("occurred_at")


def _months(
    partitions: MonthlyPartitions, before: datetime
) -> tuple[list[Partition], list[Partition]]:
    """The months that are older than ``before`` as a whole, and the one that partly is."""
    there = partitions.partitions()
    whole = [month for month in there if month.end <= before]
    return whole, [month for month in there if month.start < before < month.end]


def _outcome(
    partitions: MonthlyPartitions,
    before: datetime,
    whole: list[Partition],
    begun: list[Partition],
    *,
    removed: int,
) -> Outcome:
    notes = [f"{month.name} goes as a whole" for month in whole]
    kept = 0
    for month in begun:
        kept += partitions.count(month.name, before)
        notes.append(f"{month.name} stays until all of it is old")
    return Outcome(removed=removed, kept=kept, notes=tuple(notes))


register(
    Rule(
        name="sessions",
        setting="sessions",
        removes="sessions that have ended, and those of visitors who never signed in",
        model=UserSession,
        count=count_sessions,
        remove=remove_sessions,
    )
)
register(
    Rule(
        name="activity",
        setting="activity",
        removes="requests and sign-in events; whole months on PostgreSQL",
        model=SessionActivity,
        count=count_activity,
        remove=remove_activity,
    )
)
register(
    rule_of_rows(
        "analytics",
        setting="analytics",
        removes="the roll-ups of days",
        model=SessionDay,
        rows=lambda before: SessionDay.objects.filter(day__lt=before.date()).order_by("day"),
    )
)
