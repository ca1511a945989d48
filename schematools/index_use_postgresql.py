"""What PostgreSQL's statistics say of indexes, tables and statements.

They are counts since some moment, of this server alone: what a replica reads, it counts itself.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from schematools.catalog_postgresql_sql import SCOPE
from schematools.findings import Finding
from schematools.integrity_rules import quoted
from schematools.read_only import apart, is_over_limit

DAY = 24 * 60 * 60
MEGABYTE = 1_000_000
MOST_STATEMENTS = 10
LONGEST_STATEMENT = 300

AGE = """
SELECT extract(epoch FROM now() - coalesce(stats_reset, pg_postmaster_start_time()))::float
FROM pg_stat_database WHERE datname = current_database()
"""

# A B-tree's entry has 12 bytes before its columns, is rounded up to 8, and fills 90 % of a page.
# The use and the size of a partitioned index are those of its parts, which are not judged alone.
INDEXES = """
SELECT s.name, ic.relname::text, i.indisvalid AND i.indisready,
    i.indisunique OR EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = ic.oid),
    coalesce(u.idx_scan, parts.scans, 0)::bigint,
    coalesce(t.idx_scan + t.seq_scan, parts.table_scans, 0)::bigint,
    coalesce(parts.bytes, pg_relation_size(ic.oid))::bigint,
    CASE WHEN am.amname = 'btree' AND ic.reltuples > 0 AND w.width IS NOT NULL THEN
        8192 * (1 + ceil(ic.reltuples * (12 + 8 * ceil(w.width / 8.0)) / (8152 * 0.9)))
    END::float,
    replace(pg_get_indexdef(ic.oid), ' ON ONLY ', ' ON '), ic.relkind = 'I'
FROM scope s
JOIN pg_index i ON i.indrelid = s.oid
JOIN pg_class ic ON ic.oid = i.indexrelid
JOIN pg_class tc ON tc.oid = s.oid
JOIN pg_am am ON am.oid = ic.relam
LEFT JOIN pg_stat_user_indexes u ON u.indexrelid = ic.oid
LEFT JOIN pg_stat_user_tables t ON t.relid = s.oid AND s.relkind <> 'p'
LEFT JOIN LATERAL (
    SELECT sum(pu.idx_scan) AS scans, sum(pg_relation_size(pu.indexrelid)) AS bytes,
        sum(pt.idx_scan + pt.seq_scan) AS table_scans
    FROM pg_partition_tree(ic.oid) part
    JOIN pg_stat_user_indexes pu ON pu.indexrelid = part.relid
    JOIN pg_stat_user_tables pt ON pt.relid = pu.relid
    WHERE s.relkind = 'p' AND part.isleaf
) parts ON true
LEFT JOIN LATERAL (
    SELECT sum(p.avg_width) AS width
    FROM pg_attribute a
    JOIN pg_stats p ON p.schemaname = tc.relnamespace::regnamespace::text
        AND p.tablename IN (tc.relname, ic.relname) AND p.attname = a.attname
    WHERE a.attrelid = ic.oid
) w ON true
ORDER BY s.name, ic.relname
"""
TABLES = """
SELECT s.name, coalesce(t.n_live_tup, 0), t.seq_scan, t.seq_tup_read, coalesce(t.idx_scan, 0)
FROM scope s JOIN pg_stat_user_tables t ON t.relid = s.oid
WHERE t.seq_scan > 0
ORDER BY s.name
"""
EXTENSION = """
SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname = 'pg_stat_statements'
"""
STATEMENTS = """
SELECT query, calls, mean_exec_time FROM {schema}.pg_stat_statements
WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND calls >= %s AND mean_exec_time >= %s
ORDER BY total_exec_time DESC LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From where on something is a finding."""

    days: float = 7  # that statistics have been kept before they are believed
    scans: int = 100  # of a table, before an index of it that had none is called unused
    megabytes: float = 1  # of an index that is worth removing or building again
    bloat: float = 0.5  # of an index, that is not needed
    rows: int = 10_000  # of a table that is too large to read whole
    milliseconds: float = 200  # of a statement that is slow
    calls: int = 10  # of a statement, before it is called slow


DEFAULT_THRESHOLDS = Thresholds()


@dataclass(frozen=True, slots=True)
class IndexUse:
    """An index and how it is used; ``expected_bytes`` is an estimate of what it needs."""

    table: str
    name: str
    is_valid: bool
    is_rule: bool
    scans: int
    table_scans: int
    bytes: int
    expected_bytes: float | None
    definition: str
    is_partitioned: bool = False


@dataclass(frozen=True, slots=True)
class TableUse:
    table: str
    rows: int
    scans: int
    rows_read: int
    index_scans: int


def read_age(connection: BaseDatabaseWrapper) -> float:
    """Return for how many days the statistics have been kept, at the least."""
    with connection.cursor() as cursor:
        cursor.execute(AGE)
        (seconds,) = cursor.fetchone()
    return float(seconds) / DAY


def read_indexes(connection: BaseDatabaseWrapper) -> list[IndexUse]:
    with connection.cursor() as cursor:
        return [IndexUse(*row) for row in _fetch(cursor, SCOPE + INDEXES)]


def read_tables(connection: BaseDatabaseWrapper) -> list[TableUse]:
    with connection.cursor() as cursor:
        return [TableUse(*row) for row in _fetch(cursor, SCOPE + TABLES)]


def _fetch(cursor: CursorWrapper, sql: str) -> Sequence[Sequence[Any]]:
    cursor.execute(sql)
    return list(cursor.fetchall())


def read_statements(
    connection: BaseDatabaseWrapper, thresholds: Thresholds
) -> Sequence[Sequence[Any]] | str:
    """Return text, calls and mean milliseconds of slow statements, or why there are none."""
    try:
        with apart(connection), connection.cursor() as cursor:
            cursor.execute(EXTENSION)
            if not (found := cursor.fetchone()):
                return "pg_stat_statements is not installed in this database"
            cursor.execute(
                STATEMENTS.format(schema=str(found[0]).replace("%", "%%")),
                [thresholds.calls, thresholds.milliseconds, MOST_STATEMENTS],
            )
            return list(cursor.fetchall())
    except DatabaseError as error:
        if is_over_limit(error):
            raise
        reason, *_ = str(error).splitlines()
        return reason


# Judging


def index_findings(
    index: IndexUse, connection: BaseDatabaseWrapper, thresholds: Thresholds, *, is_old: bool
) -> Iterator[Finding]:
    """Yield what is wrong with an index; ``is_old`` says that its scans can be believed."""
    name = f"{index.table}.{index.name}"
    sql = quoted(index.name, connection).replace("%%", "%")
    size = f"{index.bytes / MEGABYTE:,.1f} MB"
    if not index.is_valid and index.is_partitioned:
        yield Finding(
            "index-invalid",
            name,
            "an index with a part on each partition",
            "one that a partition lacks",
            f"CREATE INDEX CONCURRENTLY on that partition, and ALTER INDEX {sql} ATTACH PARTITION",
        )
        return
    if not index.is_valid:
        yield Finding(
            "index-invalid",
            name,
            "an index that is kept and used",
            "one that a failed or unfinished CREATE INDEX CONCURRENTLY left behind",
            f"REINDEX INDEX CONCURRENTLY {sql}, or DROP INDEX CONCURRENTLY {sql}",
        )
        return
    is_large = index.bytes >= thresholds.megabytes * MEGABYTE
    is_read = index.table_scans >= thresholds.scans
    concurrently = "" if index.is_partitioned else " CONCURRENTLY"
    if is_old and is_large and is_read and not index.is_rule and not index.scans:
        yield Finding(
            "index-unused",
            name,
            "an index that queries use",
            f"none that did, in {index.table_scans:,} scans of the table; it takes {size}",
            "make sure that no replica and no yearly job needs it; remove it from Meta.indexes "
            f"(or set db_index=False), or DROP INDEX{concurrently} {sql}; it was made by: "
            f"{index.definition}",
            "warning",
        )
    if is_large and index.expected_bytes and _bloat(index) >= thresholds.bloat:
        yield Finding(
            "index-bloated",
            name,
            f"about {index.expected_bytes / MEGABYTE:,.1f} MB, by an estimate from its columns' "
            "widths",
            f"{size}, so that about {_bloat(index):.0%} of it is empty",
            f"REINDEX INDEX CONCURRENTLY {sql}",
            "info",
        )


def _bloat(index: IndexUse) -> float:
    return 1 - (index.expected_bytes or index.bytes) / index.bytes


def table_findings(use: TableUse, thresholds: Thresholds) -> Iterator[Finding]:
    """Yield the table if most of it is read again and again."""
    if use.rows < thresholds.rows or use.scans < thresholds.scans:
        return
    each = use.rows_read / use.scans
    if each >= use.rows / 2 and use.scans > use.index_scans / 100:
        yield Finding(
            "table-scanned",
            use.table,
            f"indexes to lead to its {use.rows:,} rows",
            f"{use.scans:,} scans, of {each:,.0f} rows each, beside {use.index_scans:,} by index",
            'name its frequent queries in SCHEMATOOLS["QUERIES"], or look for them in '
            "pg_stat_statements",
            "info",
        )


def statement_findings(statements: Sequence[Sequence[Any]]) -> Iterator[Finding]:
    for query, calls, mean in statements:
        text = " ".join(str(query).split())
        short = text if len(text) <= LONGEST_STATEMENT else text[:LONGEST_STATEMENT] + "…"
        yield Finding(
            "statement-slow",
            short,
            "an answer sooner",
            f"{mean:,.0f} ms on average, {calls:,} times",
            "EXPLAIN (ANALYZE, BUFFERS) it",
            "info",
        )
