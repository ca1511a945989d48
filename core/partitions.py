"""The monthly partitions of a table on PostgreSQL: making, listing and dropping them.

Rows of a month without a partition wait in the default one, so that no INSERT ever fails; making
the month's partition moves them. Months are those of UTC.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

from django.db import OperationalError, connections, transaction
from django.db.backends.utils import CursorWrapper

from core.errors import DomainError
from core.partitioning import default_partition_of

# Everybody else queues behind a waiting lock: a wait is short, and there are many of them.
LOCK_WAIT = "100ms"
TRIES = 50
PAUSE = 0.1  # seconds between two tries
LOCK_NOT_AVAILABLE, DEADLOCK = "55P03", "40P01"

END_OF_TIME = datetime.max.replace(tzinfo=UTC)

IS_PARTITIONED = "SELECT FROM pg_class WHERE oid = to_regclass(%s) AND relkind = 'p'"
PARTITIONS = """
    SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i
    JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = to_regclass(%s) ORDER BY c.relname
"""
_BOUNDS = re.compile(r"FOR VALUES FROM \('([^']+)'\) TO \('([^']+)'\)")
T = TypeVar("T")


class TableBusyError(DomainError):
    """Somebody held a lock on the table all the while; nothing was changed."""

    code = "table_busy"


@dataclass(frozen=True, slots=True)
class Partition:
    """A table with the rows from ``start`` to before ``end``."""

    name: str
    start: datetime
    end: datetime


def month_of(moment: datetime) -> date:
    return moment.astimezone(UTC).date().replace(day=1)


def month_after(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


def months_from(month: date, count: int) -> list[date]:
    """``month`` and those after it, ``count`` in all."""
    months = [month]
    while len(months) < count:
        months.append(month_after(months[-1]))
    return months


@dataclass(frozen=True, slots=True)
class MonthlyPartitions:
    """The partitions of one table by the month of ``column``, in one database."""

    table: str
    column: str
    using: str

    def is_partitioned(self) -> bool:
        """Whether there are partitions to speak of; a plain table has none."""
        if connections[self.using].vendor != "postgresql":
            return False
        with self._cursor() as cursor:
            cursor.execute(IS_PARTITIONED, [self.table])
            return cursor.fetchone() is not None

    def partitions(self) -> list[Partition]:
        """What there is beside the default partition, oldest first."""
        with self._cursor() as cursor:
            cursor.execute(PARTITIONS, [self.table])
            found = [(name, _BOUNDS.match(bounds)) for name, bounds in cursor.fetchall()]
        return sorted(
            (
                Partition(name, _moment(bounds[1]), _moment(bounds[2]))
                for name, bounds in found
                if bounds
            ),
            key=lambda partition: partition.start,
        )

    def name_of(self, month: date) -> str:
        return f"{self.table}_{month:%Y_%m}"

    def missing(self, months: list[date]) -> list[date]:
        """Those of ``months`` whose rows would go to the default partition."""
        there = self.partitions()
        return [
            month
            for month in months
            if not any(each.start <= _midnight(month) < each.end for each in there)
        ]

    def make(self, month: date) -> int | None:
        """Make the partition of ``month`` and move the rows that wait for it, in one transaction.

        Answer how many rows those were; ``None`` when the partition was there. Raise
        ``TableBusyError`` when no lock was to be had.
        """
        return self._patiently(lambda cursor: self._make(cursor, month))

    def drop(self, partition: Partition) -> None:
        """Drop it with all its rows. Raise ``TableBusyError`` when no lock was to be had."""
        self._patiently(lambda cursor: cursor.execute(f"DROP TABLE IF EXISTS {_q(partition.name)}"))

    def count(self, name: str, before: datetime = END_OF_TIME) -> int:
        """How many rows of the partition are older than ``before``."""
        with self._cursor() as cursor:
            cursor.execute(
                f"SELECT count(*) FROM {_q(name)} WHERE {_q(self.column)} < %s",  # noqa: S608
                [before],
            )
            return int(cursor.fetchone()[0])

    def delete_from_default(self, before: datetime, most: int) -> int:
        """Delete rows of the default partition that are older; answer how many that were."""
        rest, column = _q(default_partition_of(self.table)), _q(self.column)
        with self._cursor() as cursor:
            cursor.execute(
                f"DELETE FROM {rest} WHERE (id, {column}) IN (SELECT id, {column} "  # noqa: S608
                f"FROM {rest} WHERE {column} < %s ORDER BY {column} LIMIT %s)",
                [before, most],
            )
            return int(cursor.rowcount)

    def _make(self, cursor: CursorWrapper, month: date) -> int | None:
        rest, new = default_partition_of(self.table), self.name_of(month)
        bounds = [_midnight(month), _midnight(month_after(month))]
        # Who has begun to INSERT has found its partition already, and would be refused by it:
        # writers have to wait before that, which they do at the table itself. Readers need not.
        cursor.execute(f"LOCK TABLE ONLY {_q(self.table)} IN SHARE ROW EXCLUSIVE MODE")
        if not self.missing([month]):
            return None
        cursor.execute(f"LOCK TABLE {_q(rest)} IN ACCESS EXCLUSIVE MODE")
        cursor.execute(
            f"CREATE TABLE {_q(new)} (LIKE {_q(self.table)} INCLUDING DEFAULTS INCLUDING "
            "CONSTRAINTS INCLUDING STORAGE)"
        )
        cursor.execute(
            f"WITH moved AS (DELETE FROM {_q(rest)} WHERE {_q(self.column)} >= %s "  # noqa: S608
            f"AND {_q(self.column)} < %s RETURNING *) INSERT INTO {_q(new)} SELECT * FROM moved",
            bounds,
        )
        moved = int(cursor.rowcount)
        start, end = (f"'{bound.isoformat()}'" for bound in bounds)
        cursor.execute(
            f"ALTER TABLE {_q(self.table)} ATTACH PARTITION {_q(new)} "
            f"FOR VALUES FROM ({start}) TO ({end})"
        )
        return moved

    def _patiently(self, work: Callable[[CursorWrapper], T]) -> T:
        """Do ``work`` in a transaction, again and again while others hold the locks it needs."""
        last: OperationalError | None = None
        for attempt in range(TRIES):
            if attempt:
                time.sleep(PAUSE)
            try:
                with transaction.atomic(using=self.using), self._cursor() as cursor:
                    cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'")
                    return work(cursor)
            except OperationalError as error:
                if getattr(error.__cause__, "sqlstate", "") not in (LOCK_NOT_AVAILABLE, DEADLOCK):
                    raise
                last = error
        raise TableBusyError(
            f"{self.table} was locked by others all the while: try again later."
        ) from last

    @contextmanager
    def _cursor(self) -> Iterator[CursorWrapper]:
        with connections[self.using].cursor() as cursor:
            yield cursor


def _q(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
