"""Finds sequences of PostgreSQL that are behind the numbers which their columns already hold.

The next row that the database numbers would then fail on its key. It happens when rows come with
numbers of their own, as from a dump of data alone.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from schematools.findings import Finding
from schematools.mending_postgresql import quoted

# Reading a table locks it and its indexes until the transaction ends, and a server keeps room for
# only so many locks.
AT_ONCE = 100

# Columns that a sequence numbers and an index leads with, so that the maximum is found at once.
NUMBERED = """
SELECT n.nspname::text, c.relname::text, a.attname::text, s.oid::regclass::text,
    n.nspname = current_schema(), q.seqincrement
FROM pg_class s
JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = s.oid
    AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
JOIN pg_class c ON c.oid = d.refobjid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid
JOIN pg_sequence q ON q.seqrelid = s.oid
WHERE s.relkind = 'S' AND c.relkind IN ('r', 'p')
    AND n.nspname = ANY (current_schemas(false))
    AND has_table_privilege(c.oid, 'SELECT')
    AND CASE WHEN s.relkind = 'S' THEN has_sequence_privilege(s.oid, 'SELECT') ELSE false END
    AND q.seqincrement > 0 AND NOT q.seqcycle
    AND EXISTS (
        SELECT FROM pg_index i
        WHERE i.indrelid = c.oid AND i.indisvalid AND i.indkey[0] = a.attnum AND i.indpred IS NULL
    )
ORDER BY 1, 2, 3
"""
LIMITS = "SELECT set_config('lock_timeout', %s, true), set_config('statement_timeout', %s, true)"


def sequences_behind(
    connection: BaseDatabaseWrapper, *, lock_timeout: str, statement_timeout: str
) -> Iterator[Finding]:
    """Yield a finding for each sequence whose next number is taken; none on other engines."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(NUMBERED)
        columns = cursor.fetchall()
    for start in range(0, len(columns), AT_ONCE):
        part = columns[start : start + AT_ONCE]
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute(LIMITS, [lock_timeout, statement_timeout])
            found = _positions(cursor, part)
            transaction.set_rollback(True, using=connection.alias)  # the limits end here
        for number, last, is_called, highest in found:
            schema, table, column, sequence, is_first, step = part[number]
            coming = last + step if is_called else last
            if highest is not None and coming <= highest:
                prefix = "" if is_first else f"{schema}."
                yield Finding(
                    id="sequence-behind",
                    object=f"{prefix}{table}.{column}",
                    expected=f"the next number to be above {highest}, which is there",
                    found=f"{coming}, from the sequence {sequence}",
                    remedy=(
                        f"SELECT setval('{_escaped(sequence)}', "  # noqa: S608
                        f"(SELECT max({quoted(column)}) FROM {quoted(schema)}.{quoted(table)}));"
                    ),
                )


def _positions(cursor: CursorWrapper, columns: Sequence[Sequence[Any]]) -> list[Any]:
    parts = (
        f"SELECT {number}, s.last_value, s.is_called, "  # noqa: S608
        f"(SELECT max({quoted(column)}) FROM {quoted(schema)}.{quoted(table)})::bigint "
        f"FROM {sequence} AS s"
        for number, (schema, table, column, sequence, *_) in enumerate(columns)
    )
    cursor.execute(" UNION ALL ".join(parts).replace("%", "%%"), [])
    return list(cursor.fetchall())


def _escaped(text: str) -> str:
    return text.replace("'", "''")
