"""The INSERT into the audit trail: its columns, its values, and running it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from prometheus_client import Counter

from core.audit_sql import EventRow

COMMON_COLUMNS = (
    "occurred_at", "action", "actor_id", "actor_label", "via", "session_id", "request_id",
    "client_ip", "app", "model", "on_behalf_of_id", "on_behalf_of_label",
)  # fmt: skip
OWN_COLUMNS = ("object_id", "object_label", "group_id", "changes", "row_hash")
_ACTION = COMMON_COLUMNS.index("action")

EVENTS = Counter(
    "truledgr_audit_events",
    "Events written to the audit trail, those of transactions that failed included.",
    ["action"],
)


def joined_transaction(using: str) -> AbstractContextManager[None]:
    """The caller's transaction, failed by an error in here; a new one where there is none."""
    if connections[using].in_atomic_block:
        return transaction.mark_for_rollback_on_error(using)
    return transaction.atomic(using=using)


def run_insert(using: str, sql: str, params: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """Run an INSERT so that its failure fails the transaction around it."""
    connection = connections[using]
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError(
            "An audit event belongs in the transaction of the write that it describes."
        )
    with transaction.mark_for_rollback_on_error(using), connection.cursor() as cursor:
        cursor.execute(sql, params)
        answered = cursor.fetchall() if cursor.description else []
        EVENTS.labels(params[_ACTION]).inc(max(cursor.rowcount, 0))
        return answered


@cache
def insert_one_sql(using: str) -> str:
    return f"{_insert_head(using)} VALUES ({_placeholders(using, COMMON_COLUMNS + OWN_COLUMNS)})"


def insert_rows_sql(using: str, chosen: str, *, returning: bool) -> str:
    """INSERT … SELECT from ``chosen``, which ``event_rows()`` made.

    Its parameters: ``common_values()``, the canonical context and a line feed, those of
    ``chosen``. With ``returning`` it answers the object ids.
    """
    text = (
        "%s || s.object_id || '\n' || s.group_text || '\n' || s.changes || '\n' || s.object_label"
    )
    if connections[using].vendor == "postgresql":
        group_id, changes = "s.group_id::uuid", "s.changes::jsonb"
        row_hash = f"encode(sha256(convert_to({text}, 'UTF8')), 'hex')"
    else:
        group_id, changes, row_hash = "s.group_id", "s.changes", f"SHA256({text})"
    # Every name in it is a column or table of our own; values are parameters.
    return (
        f"{_insert_head(using)} SELECT {_placeholders(using, COMMON_COLUMNS)}, "  # noqa: S608
        f"s.object_id, s.object_label, {group_id}, {changes}, {row_hash} FROM ({chosen}) s"
        f"{' RETURNING object_id' if returning else ''}"
    )


@cache
def _insert_head(using: str) -> str:
    quote = connections[using].ops.quote_name
    table = quote(_audit_event()._meta.db_table)
    return f"INSERT INTO {table} ({', '.join(map(quote, COMMON_COLUMNS + OWN_COLUMNS))})"


def _placeholders(using: str, columns: tuple[str, ...]) -> str:
    """One ``%s`` a column; PostgreSQL is told the type, which it cannot guess inside a SELECT."""
    connection = connections[using]
    if connection.vendor != "postgresql":
        return ", ".join(["%s"] * len(columns))
    types = {f.column: f.db_type(connection) for f in _audit_event()._meta.concrete_fields}
    return ", ".join(f"%s::{types[column]}" for column in columns)


def common_values(connection: BaseDatabaseWrapper, row: EventRow) -> tuple[Any, ...]:
    """The values of ``COMMON_COLUMNS``, in that order, as the engine takes them."""
    return (
        _adapted_moment(connection, row.occurred_at),
        row.action,
        adapted_key(connection, row.actor_id),
        row.actor_label,
        row.via,
        adapted_key(connection, row.session_id),
        row.request_id,
        row.client_ip,
        row.app,
        row.model,
        adapted_key(connection, row.on_behalf_of_id),
        row.on_behalf_of_label,
    )


def _adapted_moment(connection: BaseDatabaseWrapper, moment: datetime) -> datetime | str | None:
    if connection.vendor == "sqlite" and moment.tzinfo is UTC is connection.timezone:
        return str(moment.replace(tzinfo=None))  # what Django comes to as well, by a longer way
    return connection.ops.adapt_datetimefield_value(moment)


def adapted_key(connection: BaseDatabaseWrapper, key: UUID | int | None) -> UUID | int | str | None:
    if isinstance(key, UUID) and not connection.features.has_native_uuid_field:
        return key.hex
    return key


def _audit_event() -> type[models.Model]:
    return apps.get_model("core", "AuditEvent")
