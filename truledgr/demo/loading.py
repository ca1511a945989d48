"""Rows go in exactly as they are, many at a time.

``bulk_create()`` would set ``created_at`` to now, and takes six times as long.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from django.db import connection, models, transaction

M = TypeVar("M", bound=models.Model)

LOCK = 0x5EED  # key of the advisory lock that keeps two seeds from making the same rows


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """A transaction that waits for the one of another seed; on SQLite every writer waits."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        yield


def insert(rows: Sequence[models.Model]) -> None:
    """Insert rows of one model, ``created_at`` and all; keys that are None come from the table."""
    if not rows:
        return
    meta = type(rows[0])._meta
    fields = [f for f in meta.concrete_fields if not (f.primary_key and rows[0].pk is None)]
    quote = connection.ops.quote_name
    columns = ", ".join(quote(str(field.column)) for field in fields)
    target = f"{quote(meta.db_table)} ({columns})"
    values = [
        [field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields]
        for row in rows
    ]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {target} FROM STDIN") as copy:
                for row_values in values:
                    copy.write_row(row_values)
        else:
            placeholders = ", ".join(["%s"] * len(fields))
            cursor.executemany(f"INSERT INTO {target} VALUES ({placeholders})", values)  # noqa: S608


def missing(rows: Sequence[M]) -> list[M]:
    """Those whose key the table does not hold."""
    if not rows:
        return []
    keys = type(rows[0])._base_manager.filter(pk__in=[row.pk for row in rows])
    present: set[Any] = set(keys.values_list("pk", flat=True))
    return [row for row in rows if row.pk not in present]
