"""Removing what is old: a month of activity, and sessions.

On PostgreSQL a month is a partition: dropping it is compared with deleting the same rows, and with
deleting and vacuuming them, after which the room is as free as after the drop.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial

import measuring
from django.db import connection
from django.utils import timezone
from measuring import Fact, Result

from core import retention
from core.ids import uuid7
from core.partitions import Partition, months_from
from core.retention import BATCH, rules_named
from users.models import SessionActivity, UserSession
from users.partitions import activity_partitions

JANUARY = date(2001, 1, 1)
MONTHS = 3  # dropped, and deleted: the median of as many is taken
COLUMNS = ("activity_type", "route", "method", "status", "duration_ms", "client_ip", "request_id",
           "extra", "occurred_at", "session_id", "user_id")  # fmt: skip


def measure(options: argparse.Namespace) -> Iterator[Result | Fact]:
    measuring.migrate()
    if measuring.is_postgres():
        yield from _months(options.rows)
    else:
        yield from _deleted_activity(options.rows)
    yield from _sessions(options.sessions)


# --- Activity -------------------------------------------------------------------------------


def _months(rows: int) -> Iterator[Result | Fact]:
    partitions = activity_partitions()
    _fill(JANUARY, 1_000)  # not measured: the first run of everything
    _timed_rule("activity")
    dropped, ruled, deleted, vacuumed = [], [], [], []
    for first in months_from(JANUARY, MONTHS):
        dropped.append(_timed(partial(partitions.drop, _month_with(first, rows))))
        _month_with(first, rows)
        ruled.append(_timed_rule("activity"))
        month = _month_with(first, rows)
        deleted.append(_timed(partial(_delete, month)))
        vacuumed.append(deleted[-1] + _timed(partial(_vacuum, month)))
        partitions.drop(month)
    drop, rule, delete, vacuum = map(sorted, (dropped, ruled, deleted, vacuumed))
    middle = MONTHS // 2
    what = f"a month of {rows:,} rows:"
    times = delete[middle] / drop[middle], vacuum[middle] / drop[middle]
    yield Fact(
        f"{what} a drop is {times[0]:,.0f} times as fast as DELETE, {times[1]:,.0f} times as fast "
        "as DELETE and VACUUM",
        is_good=min(times) > 1,
    )
    yield Result(f"{what} drop, against DELETE", drop[middle], delete[middle], 0.2)
    yield Result(f"{what} drop, against DELETE, VACUUM", drop[middle], vacuum[middle], 0.1)
    yield Result(f"{what} purge (count, drop), against DELETE", rule[middle], delete[middle], 0.5)


def _month_with(first: date, rows: int) -> Partition:
    """A month of long ago with so many rows in it, analysed and on disk."""
    partitions = activity_partitions()
    partitions.make(first)
    _fill(first, rows)
    made = partitions.partitions()[0]
    with connection.cursor() as cursor:
        cursor.execute(f'VACUUM ANALYZE "{made.name}"')
        cursor.execute("CHECKPOINT")
    return made


def _fill(first: date, rows: int) -> None:
    start = datetime(first.year, first.month, 1, tzinfo=UTC)
    step = timedelta(days=28) / rows
    keys = [str(uuid7()) for _ in range(500)]
    measuring.load(
        "default",
        SessionActivity._meta.db_table,
        COLUMNS,
        (
            ("request", "v1:me", "GET", 200, 7, "192.0.2.1", keys[number % 500], "{}",
             str(start + number * step), None, None)
            for number in range(rows)
        ),
    )  # fmt: skip


def _delete(month: Partition) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM session_activities WHERE occurred_at >= %s AND occurred_at < %s",
            [month.start, month.end],
        )


def _vacuum(month: Partition) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f'VACUUM "{month.name}"')


def _deleted_activity(rows: int) -> Iterator[Result | Fact]:
    _fill(JANUARY, rows)
    seconds = _timed_rule("activity")
    yield Fact(
        f"{rows:,} activities deleted in batches of {BATCH:,}: {seconds:.1f} s, "
        f"{rows / seconds:,.0f} a second",
        is_good=not SessionActivity.objects.exists(),
    )


# --- Sessions -------------------------------------------------------------------------------


def _sessions(rows: int) -> Iterator[Fact]:
    """Half of them are old; what refers to them is looked for in the activity of each."""
    now = timezone.now()
    UserSession.objects.bulk_create(
        (
            UserSession(
                key_hash=f"{number:064x}",
                expires_at=now,
                idle_expires_at=now,
                ended_at=now - timedelta(days=800 if number % 2 else 1, seconds=number),
                end_reason="signed_out",
            )
            for number in range(rows)
        ),
        batch_size=5_000,
    )
    measuring.analyze("default")
    longest, last = 0.0, time.perf_counter()

    def advance(_rows: int) -> None:
        nonlocal longest, last
        longest, last = max(longest, time.perf_counter() - last), time.perf_counter()

    (rule,) = rules_named(["sessions"])
    started = time.perf_counter()
    outcome = retention.purge(rule, advance)
    seconds = time.perf_counter() - started
    yield Fact(
        f"{outcome.removed:,} of {rows:,} sessions in batches of {BATCH:,}: {seconds:.1f} s, "
        f"{outcome.removed / seconds:,.0f} a second, the longest batch {longest * 1000:.0f} ms",
        is_good=outcome.removed == rows // 2 and UserSession.objects.count() == rows - rows // 2,
    )


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _timed_rule(name: str) -> float:
    (rule,) = rules_named([name])
    return _timed(lambda: retention.purge(rule))


if __name__ == "__main__":
    measuring.main(__doc__ or "", measure, rows=1_000_000, sessions=100_000)
