"""A year of analytics from roll-ups, against the same numbers counted from the rows.

Sessions and activity are spread evenly over the year up to now; today's rows are counted live in
both cases, as they are in use. What is compared is the whole answer: queries, merging, totals and
percentiles. Counting from the rows is what the roll-ups save: the statement that makes them, over
all days of the year at once, run once.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from statistics import median
from typing import Any

import measuring
from django.db import connection
from django.utils import timezone
from measuring import Fact, Result

from users.analytics import answers
from users.analytics.counting import count
from users.analytics.periods import DAY, Period, today
from users.analytics.roll_ups import last_finished_day, roll_up, roll_up_missing
from users.models import Device, SessionDay, User
from users.partitions import activity_partitions

DAYS = 365
SESSIONS_PER_USER = 100
SESSIONS_PER_DEVICE = 25
ROUNDS = 30
AT_MOST = 0.1

# Written once for both engines: {n} is a series of numbers from 0, {at} a moment of the year.
SESSIONS = """
INSERT INTO user_sessions (
    id, key_hash, session_data, expires_at, idle_expires_at, user_id, device_id, signed_in_at,
    login_method, user_agent, device_type, browser, os, country, city, last_activity_at,
    request_count, risk_score, is_suspicious, ended_at, end_reason, created_at, updated_at
)
SELECT {id}, {key_hash}, '', {end}, {end}, users.id, devices.id, {start},
    CASE n % 3 WHEN 0 THEN 'password' WHEN 1 THEN 'oauth:google' ELSE 'passkey' END, '',
    CASE n % 4 WHEN 0 THEN 'mobile' WHEN 1 THEN 'tablet' ELSE 'desktop' END,
    'Browser ' || (n % 9), 'System ' || (n % 6),
    CASE n % 5 WHEN 0 THEN 'DE' WHEN 1 THEN 'FR' WHEN 2 THEN 'BR' WHEN 3 THEN 'JP' ELSE 'US' END,
    '', {end}, 10, 0, {suspicious}, {end}, 'signed_out', {start}, {start}
FROM {series}
JOIN numbered_users AS users ON users.number = n % {users}
JOIN numbered_devices AS devices ON devices.number = n % {devices}
"""
ACTIVITIES = """
INSERT INTO session_activities (
    session_id, user_id, activity_type, route, method, status, duration_ms, request_id, extra,
    occurred_at
)
SELECT {session}, users.id,
    CASE WHEN n % 100 = 0 THEN 'sign_in_failed' ELSE 'request' END, 'item-list', 'GET', 200, 12,
    'bench', CASE WHEN n % 100 = 0 THEN '{{"reason": "wrong_password"}}' ELSE '{{}}' END{json},
    {start}
FROM {series}
JOIN numbered_users AS users ON users.number = (n / {each}) % {users}
"""


def measure(options: argparse.Namespace) -> Iterator[Result | Fact]:
    measuring.migrate()
    _fill(options.sessions, options.activities)
    measuring.analyze("default")
    yesterday = last_finished_day()
    print(
        f"  {options.sessions:,} sessions, {options.activities:,} activities, {DAYS} days",
        flush=True,
    )
    seconds = _seconds(roll_up_missing)
    print(f"  all days rolled up in {seconds:.1f} s: {SessionDay.objects.count():,} rows")
    one_day = median(_seconds(partial(roll_up, [yesterday - DAY * n])) for n in range(5))
    print(f"  one day rolled up again in {one_day * 1000:.1f} ms")
    with measuring.counted_queries() as queries:
        roll_up([yesterday])
    print(f"  by {len(queries)} queries")
    measuring.analyze("default")
    # Without this year's first day, which the rows fill only from this time of the day on.
    period = Period(today() - DAY * (DAYS - 2), today())
    person = User.objects.order_by("pk")[0]
    for name, user in (("everybody", None), ("one user", person)):
        with measuring.counted_queries() as queries:
            rolled = answers.analytics(period, user=user)
        yield Fact(f"{name}'s year in {len(queries)} queries", len(queries) == 2)  # noqa: PLR2004
        started = time.perf_counter()
        raw = answers.Analytics(period, _counted(period, user), [])
        _answer(raw)
        from_rows = time.perf_counter() - started
        yield Fact(f"{name}'s totals are those of the rows", rolled.totals() == raw.totals())
        asked = {name: partial(_answer_anew, period, user)}
        from_roll_ups = measuring.medians(asked, rounds=ROUNDS)[name]
        at_most = AT_MOST if user is None else None
        yield Result(f"{name}'s year: roll-ups, rows", from_roll_ups, from_rows, at_most)


def _answer_anew(period: Period, user: User | None) -> Any:
    return _answer(answers.analytics(period, user=user))


def _answer(found: answers.Analytics) -> Any:
    return found.totals(), found.durations(), found.numbers("browser"), found.hours()


def _counted(period: Period, user: User | None) -> Any:
    return {day: counts for (day, _), counts in count(period, user=user).items()}


def _seconds(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


# --- Rows -----------------------------------------------------------------------------------


def _fill(sessions: int, activities: int) -> None:
    users = max(1, sessions // SESSIONS_PER_USER)
    devices = max(1, sessions // SESSIONS_PER_DEVICE)
    begin = timezone.now() - timedelta(days=DAYS - 1)
    if measuring.is_postgres():
        partitions = activity_partitions()
        month = begin.date().replace(day=1)
        while month <= today():
            partitions.make(month)
            month = (month + timedelta(days=31)).replace(day=1)
    people = User.objects.bulk_create(
        User(username=f"person{n}", email=f"person{n}@example.org") for n in range(users)
    )
    Device.objects.bulk_create(
        Device(
            user=people[n % users],
            fingerprint=f"{n:064x}",
            first_seen_at=begin + timedelta(days=DAYS - 1) * n / devices,
        )
        for n in range(devices)
    )
    with connection.cursor() as cursor:
        for table in ("users", "devices"):
            cursor.execute(
                f"CREATE TEMPORARY TABLE numbered_{table} AS "
                f"SELECT id, row_number() OVER (ORDER BY id) - 1 AS number FROM {table}"
            )
            cursor.execute(f"CREATE INDEX numbered_{table}_idx ON numbered_{table} (number)")
        per_session = max(1, activities // sessions)
        shared = {"users": users, "devices": devices, "each": per_session}
        cursor.execute(SESSIONS.format(**shared, **_words(begin, sessions)))
        words = _words(begin, activities, per_session)
        cursor.execute(ACTIVITIES.format(**shared, **words))


def _words(begin: datetime, rows: int, each: int = 1) -> dict[str, str]:
    """What the engines spell differently."""
    step = (DAYS - 1) * 86_400 / rows
    lasts = "(60 + (n % 7200 * 7919) % 7200)"
    of_session = f"n / {each}"
    if measuring.is_postgres():
        start = f"(TIMESTAMPTZ '{begin.isoformat()}' + n * INTERVAL '{step} seconds')"
        return {
            "id": _key_on_postgres("n"),
            "session": _key_on_postgres(of_session),
            "key_hash": "lpad(to_hex(n), 64, '0')",
            "start": start,
            "end": f"({start} + {lasts} * INTERVAL '1 second')",
            "suspicious": "n % 200 = 0",
            "json": "::jsonb",
            "series": f"generate_series(0, {rows - 1}) AS n",
        }
    base = begin.strftime("%Y-%m-%d %H:%M:%S")

    def moment(seconds: str) -> str:
        return f"strftime('%Y-%m-%d %H:%M:%f', '{base}', ({seconds}) || ' seconds')"

    return {
        "id": _key_on_sqlite("n"),
        "session": _key_on_sqlite(of_session),
        "key_hash": "printf('%064x', n)",
        "start": moment(f"n * {step}"),
        "end": moment(f"n * {step} + {lasts}"),
        "suspicious": "n % 200 = 0",
        "json": "",
        "series": (
            f"(WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers "
            f"WHERE n < {rows - 1}) SELECT n FROM numbers)"
        ),
    }


def _key_on_postgres(number: str) -> str:
    return f"lpad(to_hex({number}), 32, '0')::uuid"


def _key_on_sqlite(number: str) -> str:
    return f"printf('%032x', {number})"


if __name__ == "__main__":
    measuring.main(__doc__ or "", measure, sessions=100_000, activities=1_000_000)
