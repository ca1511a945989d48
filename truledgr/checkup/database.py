"""Whether the database is there, is one that is supported, and has what the code expects."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone

from core.partitions import month_after, month_of
from truledgr.checkup.findings import Finding, Status, area
from truledgr.health import pending_migrations
from users.partitions import activity_partitions

OLDEST = {"postgresql": (15,), "sqlite": (3, 31)}
NAMES = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}
UNREACHABLE, PENDING = "database.unreachable", "migrations.pending"
IS_WRITABLE = """
SELECT NOT pg_is_in_recovery() AND NOT current_setting('transaction_read_only')::boolean
"""
MOST_NAMED = 5
APART = timedelta(seconds=2)


@area("database", asks_database=False)
def check_database() -> Iterator[Finding]:
    try:
        connection.ensure_connection()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        yield Finding(
            UNREACHABLE,
            Status.FAILED,
            f"The database does not answer ({type(error).__name__}).",
            "Start the database server and look at DATABASE_URL; the log says why.",
        )
        return
    yield from _version()
    yield from _time_zone()
    yield from _writable()


def _version() -> Iterator[Finding]:
    name, oldest = NAMES.get(connection.vendor, connection.vendor), OLDEST.get(connection.vendor)
    version = connection.get_database_version()
    written = ".".join(map(str, version))
    if oldest is None:
        yield Finding(
            "database.version",
            Status.FAILED,
            f"{name} is not supported.",
            "Set DATABASE_URL to one of PostgreSQL or SQLite.",
        )
    elif version < oldest:
        yield Finding(
            "database.version",
            Status.FAILED,
            f"{name} {written} is too old.",
            f"Upgrade the database to {name} {'.'.join(map(str, oldest))} or newer.",
        )
    else:
        yield Finding("database.version", Status.OK, f"{name} {written} answers.")


def _time_zone() -> Iterator[Finding]:
    if settings.TIME_ZONE != "UTC" or not settings.USE_TZ or connection.timezone_name != "UTC":
        yield Finding(
            "database.time-zone",
            Status.FAILED,
            f"Moments are kept in {connection.timezone_name}, not in UTC.",
            "Set TIME_ZONE to UTC, and take TIME_ZONE out of DATABASES.",
        )


def _writable() -> Iterator[Finding]:
    if connection.vendor == "sqlite":
        path = Path(connection.settings_dict["NAME"])
        # SQLite makes its journal beside the file.
        is_writable = all(os.access(each, os.W_OK) for each in (path, path.parent))
        remedy = f"Let the user of this process write {path} and its directory."
    else:
        with connection.cursor() as cursor:
            cursor.execute(IS_WRITABLE)
            is_writable = cursor.fetchone()[0]
        remedy = "Set DATABASE_URL to the primary server, or let it accept writes."
    if not is_writable:
        yield Finding(
            "database.read-only", Status.FAILED, "The database cannot be written to.", remedy
        )


@area("migrations")
def check_migrations() -> Iterator[Finding]:
    pending = pending_migrations()
    if pending:
        named = ", ".join(pending[:MOST_NAMED]) + (" and more" if len(pending) > MOST_NAMED else "")
        yield Finding(
            PENDING,
            Status.FAILED,
            f"Not applied: {named}.",
            "manage.py migrate",
        )
    else:
        yield Finding("migrations.applied", Status.OK, "Every migration is applied.")


@area("partitions")
def check_partitions() -> Iterator[Finding]:
    partitions = activity_partitions()
    if not partitions.is_partitioned():
        yield Finding("partitions.none", Status.OK, "No table has partitions on this database.")
        return
    month = month_of(timezone.now())
    missing = [f"{each:%Y-%m}" for each in partitions.missing([month, month_after(month)])]
    if missing:
        yield Finding(
            "partitions.missing",
            Status.WARNING,
            f"{partitions.table} has no partition for {' and '.join(missing)}.",
            "manage.py make_partitions",
        )
    else:
        yield Finding("partitions.made", Status.OK, f"{partitions.table} has next month's.")


@area("clock")
def check_clock() -> Iterator[Finding]:
    here, apart = datetime.now(UTC), timedelta()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            there = cursor.fetchone()[0]
        apart = abs(there - here - (datetime.now(UTC) - here) / 2)
    if apart > APART:
        yield Finding(
            "clock.apart",
            Status.WARNING,
            f"The clocks of the database and of this machine are {apart.total_seconds():.0f} s "
            "apart.",
            "Let both keep time by NTP (timedatectl set-ntp true).",
        )
    else:
        yield Finding("clock.right", Status.OK, "The database and this machine agree on the time.")
