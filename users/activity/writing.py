"""Writes a batch: rows by COPY (SQLite: bulk INSERT), counts of requests by one UPDATE."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db import DataError, IntegrityError, OperationalError, connection, transaction

from users.activity.rows import Row
from users.models import SessionActivity, UserSession

logger = logging.getLogger(__name__)

Counts = Mapping[UUID, int]

TABLE, SESSIONS = SessionActivity._meta.db_table, UserSession._meta.db_table
COPY = f"COPY {TABLE} ({', '.join(Row._fields)}) FROM STDIN"
# Sessions are locked by others in any order. Who gives up first is asked before the server
# looks for a deadlock (after a second) and picks a victim of its own.
PATIENCE = "SET LOCAL lock_timeout = '500ms'"
COUNT = {
    "postgresql": f"""
        WITH counted AS (SELECT * FROM unnest(%s::uuid[], %s::bigint[]) AS t (id, requests)),
        locked AS (
            SELECT session.id FROM {SESSIONS} session JOIN counted USING (id)
            ORDER BY session.id FOR NO KEY UPDATE OF session
        )
        UPDATE {SESSIONS} session SET request_count = session.request_count + counted.requests
        FROM counted JOIN locked USING (id) WHERE session.id = counted.id
    """,  # noqa: S608 (a table's name)
    "sqlite": f"""
        UPDATE {SESSIONS} SET request_count = request_count + (
            SELECT value FROM json_each(%s) WHERE key = {SESSIONS}.id
        ) WHERE id IN (SELECT key FROM json_each(%s))
    """,  # noqa: S608 (a table's name)
}


def write(rows: Sequence[Row], counts: Counts) -> Counts:
    """Write both in one transaction; answer the counts to try again, as somebody holds a lock.

    A row that the database refuses is left out, and logged without its values.
    """
    try:
        return _write(rows, counts)
    except (DataError, IntegrityError):
        for row in rows:
            try:
                _write([row], {})
            except (DataError, IntegrityError) as error:
                logger.error("An activity was refused: %s.", type(error).__name__)  # noqa: TRY400
        return _write([], counts)


@transaction.atomic
def _write(rows: Sequence[Row], counts: Counts) -> Counts:
    if rows:
        _insert(rows)
    if not counts:
        return {}
    try:
        with transaction.atomic():
            _count(counts)
    except OperationalError:
        if connection.vendor != "postgresql":
            raise
        return counts
    return {}


def _insert(rows: Sequence[Row]) -> None:
    if connection.vendor != "postgresql":
        SessionActivity.objects.bulk_create(SessionActivity(**row._asdict()) for row in rows)
        return
    with (
        connection.cursor() as cursor,
        connection.wrap_database_errors,
        cursor.copy(COPY) as copy,
    ):
        for row in rows:
            copy.write_row([*row[:-2], json.dumps(row.extra), row.occurred_at])


def _count(counts: Counts) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(PATIENCE)
            cursor.execute(COUNT["postgresql"], [list(counts), list(counts.values())])
        else:
            by_key = json.dumps({key.hex: requests for key, requests in counts.items()})
            cursor.execute(COUNT["sqlite"], [by_key, by_key])
