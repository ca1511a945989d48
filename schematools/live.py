"""Asks a live database how many rows its tables have and how much room they take.

The answer costs a fixed number of queries and a bounded amount of work: PostgreSQL's statistics
are believed, SQLite's rows are counted up to a limit.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.db import DatabaseError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

Precision = Literal["exact", "about", "over"]

MOST_COUNTED = 250_000  # rows of one table on SQLite
SMALL = 1_000_000  # bytes of a table on PostgreSQL that is counted where there are no statistics
LARGEST_MEASURED = 100_000_000  # bytes of a database on SQLite; measuring reads all of it
AT_ONCE = 400  # SQLite takes up to 500 parts in one query
PATIENCE = "2s"

# A lock is waited for only so long: a table that is being altered must not hold up the page.
LIMITS = "SELECT set_config('lock_timeout', %s, true), set_config('statement_timeout', %s, true)"
STATISTICS = """
SELECT c.relname, c.relkind, c.reltuples::bigint, coalesce(s.n_live_tup, 0),
       coalesce(s.last_analyze, s.last_autoanalyze, s.last_vacuum, s.last_autovacuum) IS NOT NULL,
       pg_total_relation_size(c.oid)
FROM pg_class c LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid
WHERE c.relname = ANY(%s) AND c.relkind IN ('r', 'm', 'p') AND pg_table_is_visible(c.oid)
"""
TABLES = "SELECT name FROM sqlite_master WHERE type = 'table'"
FILE_SIZE = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
PAGES = """
SELECT m.tbl_name, sum(s.pgsize)
FROM dbstat s JOIN sqlite_master m ON m.name = s.name
WHERE s.aggregate GROUP BY m.tbl_name
"""


@dataclass(frozen=True, slots=True)
class Size:
    """What a table holds; ``None`` is not known. Rows may be an estimate or a lower limit."""

    rows: int | None
    precision: Precision = "exact"
    bytes: int | None = None


def read_sizes(connection: BaseDatabaseWrapper, names: Iterable[str]) -> dict[str, Size]:
    """Return the sizes of those of these tables that the database has.

    Nothing is returned for engines other than PostgreSQL and SQLite, nor when the database does
    not answer in time.
    """
    wanted = sorted(set(names))
    readers = {"postgresql": _read_postgresql, "sqlite": _read_sqlite}
    if connection.vendor not in readers or not wanted:
        return {}
    try:
        return readers[connection.vendor](connection, wanted)
    except DatabaseError:
        return {}


def _read_postgresql(connection: BaseDatabaseWrapper, wanted: Sequence[str]) -> dict[str, Size]:
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute(LIMITS, [PATIENCE, PATIENCE])
        cursor.execute(STATISTICS, [list(wanted)])
        sizes = {}
        for name, kind, estimate, live, is_fresh, size in cursor.fetchall():
            rows = _estimated(estimate=estimate, live=live, is_fresh=is_fresh)
            # The rows and bytes of a partitioned table are those of its partitions.
            sizes[name] = Size(rows, "about", None if kind == "p" else size)
        unknown = [
            name
            for name, found in sizes.items()
            if found.rows is None and found.bytes is not None and found.bytes <= SMALL
        ]
        for name, rows in _count(cursor, unknown[:AT_ONCE]):
            sizes[name] = Size(rows, "exact", sizes[name].bytes)
        transaction.set_rollback(True, using=connection.alias)  # the limits end here
    return sizes


def _estimated(*, estimate: int, live: int, is_fresh: bool) -> int | None:
    """Return the number of rows that the statistics suggest, if there are any.

    ``live`` is kept up to date but starts from zero when the server's statistics are lost;
    ``estimate`` is as of the last time the table was analysed, and not positive before.
    """
    if is_fresh:
        return live
    return max(estimate, live) if estimate > 0 else None


def _read_sqlite(connection: BaseDatabaseWrapper, wanted: Sequence[str]) -> dict[str, Size]:
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        existing = {name for (name,) in cursor.fetchall()}
        counted: dict[str, int] = {}
        names = [name for name in wanted if name in existing]
        for start in range(0, len(names), AT_ONCE):
            counted.update(_count(cursor, names[start : start + AT_ONCE], limit=MOST_COUNTED + 1))
        measured = _measured(cursor)
    return {
        name: Size(
            min(rows, MOST_COUNTED),
            "over" if rows > MOST_COUNTED else "exact",
            measured.get(name),
        )
        for name, rows in counted.items()
    }


def _measured(cursor: Any) -> Mapping[str, int]:
    """Return the bytes of each table with its indexes, where SQLite can tell them quickly."""
    cursor.execute(FILE_SIZE)
    (size,) = cursor.fetchone()
    if size > LARGEST_MEASURED:
        return {}
    try:
        cursor.execute(PAGES)
    except DatabaseError:  # SQLite was compiled without it
        return {}
    return dict(cursor.fetchall())


def _count(
    cursor: Any, names: Sequence[str], limit: int | None = None
) -> Iterator[tuple[str, int]]:
    """Count the rows of these tables, in one query; up to ``limit``, if there is one."""
    if not names:
        return
    bound = f" LIMIT {limit}" if limit else ""
    parts = (
        f"SELECT {position}, count(*) FROM (SELECT 1 FROM {_quoted(name)}{bound}) AS counted"  # noqa: S608
        for position, name in enumerate(names)
    )
    cursor.execute(" UNION ALL ".join(parts))
    for position, rows in cursor.fetchall():
        yield names[position], rows


def _quoted(name: str) -> str:
    """Quote any name; Django's own ``quote_name`` trusts quotes that are there already."""
    escaped = name.replace('"', '""')
    return f'"{escaped}"'
