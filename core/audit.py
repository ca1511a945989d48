"""Writing the audit trail: ``record()`` for one object, ``record_rows()`` for a set of rows.

Every function here belongs inside the transaction of the write that it describes, so that
neither exists without the other. A model takes part by carrying an ``AuditSpec``::

    class Item(models.Model):
        audit = AuditSpec(fields=("name", "kind"), label="name", group="group_id")
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cache
from hashlib import sha256
from ipaddress import ip_address
from typing import Any, TypeVar
from uuid import UUID

from django.apps import apps
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import EmptyResultSet
from django.db import connections, models, router, transaction
from django.db.models import Q, QuerySet
from django.db.models.expressions import Combinable
from django.utils import timezone

from core.audit_sql import LABEL_LENGTH, AfterValue, EventRow, differs, event_rows
from core.context import current

Leaf = str | int | bool | None
Changes = Mapping[str, tuple[Leaf, Leaf] | list[Leaf]]
M = TypeVar("M", bound=models.Model)

REDACTED = "[redacted]"


@dataclass(frozen=True, slots=True)
class AuditSpec:
    """What the trail says of a model: an allow-list of fields, and where its label stands.

    ``redacted`` names fields whose change is recorded but whose values are not; ``group`` the
    column that holds the group an object belongs to.
    """

    fields: tuple[str, ...]
    label: str
    group: str | None = None
    redacted: tuple[str, ...] = ()


def spec_of(model: type[models.Model]) -> AuditSpec | None:
    spec = getattr(model, "audit", None)
    return spec if isinstance(spec, AuditSpec) else None


# --- Values ---------------------------------------------------------------------------------


def leaf(value: Any) -> Leaf:
    """Answer the JSON value that stands for a column's value, the same on every engine."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, models.Model):
        return leaf(value.pk)
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, datetime):
        return iso_utc(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, dict | list | tuple):
        return canonical_json(value)
    return str(value)


def iso_utc(moment: datetime) -> str:
    """RFC 3339 in UTC with six decimals, such as ``2026-01-31T08:00:00.000000Z``."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def canonical_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def snapshot(instance: models.Model) -> dict[str, Leaf]:
    """The audited fields of ``instance`` as they are now; redacted ones as a fingerprint."""
    spec = _required_spec(type(instance))
    values = {}
    for name in spec.fields:
        value = leaf(getattr(instance, instance._meta.get_field(name).attname))  # type: ignore[union-attr]
        if name in spec.redacted and value is not None:
            value = sha256(str(value).encode()).hexdigest()
        values[name] = value
    return values


def changes_between(
    spec: AuditSpec, before: Mapping[str, Leaf], after: Mapping[str, Leaf]
) -> dict[str, tuple[Leaf, Leaf]]:
    """The fields that differ, as ``{name: (before, after)}``, redacted values hidden."""
    changed = {}
    for name, new in after.items():
        old = before.get(name)
        if old != new:
            changed[name] = (old, new)
            if name in spec.redacted:
                changed[name] = (_hidden(old), _hidden(new))
    return changed


def _hidden(value: Leaf) -> Leaf:
    return None if value is None else REDACTED


# --- One object -----------------------------------------------------------------------------


def save(
    instance: models.Model,
    *,
    action: str | None = None,
    before: Mapping[str, Leaf] | None = None,
    actor: AbstractBaseUser | None = None,
) -> bool:
    """Save ``instance`` and record what changed; answer whether anything did.

    ``before`` is an earlier ``snapshot()``; without it the stored row is read. A save that
    changes no audited field still saves, and records nothing.
    """
    model = type(instance)
    spec = _required_spec(model)
    using = router.db_for_write(model, instance=instance)
    with transaction.atomic(using=using, savepoint=False):
        adding = instance._state.adding
        if adding:
            before = {}
        elif before is None:
            stored = model._base_manager.using(using).select_for_update(of=("self",))
            before = snapshot(stored.get(pk=instance.pk))
        instance.save(using=using)
        changes = changes_between(spec, before, snapshot(instance))
        if changes or adding:
            record(
                action=action or ("create" if adding else "update"),
                target=instance,
                changes=changes,
                actor=actor,
            )
    return adding or bool(changes)


def record(
    *,
    action: str,
    target: models.Model,
    changes: Changes | None = None,
    actor: AbstractBaseUser | None = None,
) -> None:
    """Write one event about ``target`` in the caller's transaction.

    Without ``actor`` the acting context names it. Raise ``TransactionManagementError`` outside
    a transaction: the event would outlive a write that failed.
    """
    spec = spec_of(type(target))
    if spec:
        label = str(getattr(target, spec.label))
        group_id = getattr(target, spec.group) if spec.group else None
    else:
        label, group_id = str(target), None
    using = router.db_for_write(type(target), instance=target)
    row = _common_row(action=action, model=type(target), actor=actor)
    object_id = str(target.pk)
    label = label.replace("\0", "")[:LABEL_LENGTH]
    changes_text = canonical_json(changes or {})
    text = canonical_text(
        row,
        object_id=object_id,
        group_id=group_id,
        changes_text=changes_text,
        object_label=label,
    )
    own = (
        object_id,
        label,
        _adapted(using, group_id),
        changes_text,
        sha256(text.encode()).hexdigest(),
    )
    _execute(using, _insert_one_sql(using), (*_common_values(using, row), *own))


def canonical_text(
    row: EventRow, *, object_id: str, group_id: UUID | None, changes_text: str, object_label: str
) -> str:
    """The text whose SHA-256 is ``row_hash``: injective, and the same on every engine."""
    return "\n".join(
        [canonical_context(row), object_id, str(group_id or ""), changes_text, object_label]
    )


def canonical_context(row: EventRow) -> str:
    """The part of the canonical text that all rows of one statement share: one JSON line."""
    return canonical_json(
        [
            iso_utc(row.occurred_at),
            row.action,
            leaf(row.actor_id),
            row.actor_label,
            row.via,
            leaf(row.session_id),
            row.request_id,
            # Exploded, because engines spell an IPv4-mapped address differently.
            ip_address(row.client_ip).exploded if row.client_ip else None,
            row.app,
            row.model,
        ]
    )


def _common_row(
    *, action: str, model: type[models.Model], actor: AbstractBaseUser | None
) -> EventRow:
    context = current()
    actor = actor or context.actor()
    return EventRow(
        occurred_at=timezone.now(),
        action=action,
        actor_id=actor.pk if actor else None,
        actor_label=actor.get_username()[:254] if actor else "",
        via=str(context.via),
        session_id=context.session_id(),
        request_id=context.request_id,
        client_ip=context.client_ip,
        app=model._meta.app_label,
        model=model._meta.model_name or "",
    )


COMMON_COLUMNS = (
    "occurred_at", "action", "actor_id", "actor_label", "via", "session_id", "request_id",
    "client_ip", "app", "model",
)  # fmt: skip
OWN_COLUMNS = ("object_id", "object_label", "group_id", "changes", "row_hash")


def _execute(using: str, sql: str, params: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """Run an INSERT so that its failure fails the transaction around it."""
    connection = connections[using]
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError(
            "An audit event belongs in the transaction of the write that it describes."
        )
    with transaction.atomic(using=using, savepoint=False), connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall() if cursor.description else []


def _audit_event() -> type[models.Model]:
    return apps.get_model("core", "AuditEvent")


@cache
def _insert_one_sql(using: str) -> str:
    return f"{_insert_head(using)} VALUES ({_placeholders(using, COMMON_COLUMNS + OWN_COLUMNS)})"


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


def _common_values(using: str, row: EventRow) -> tuple[Any, ...]:
    return tuple(_adapted(using, getattr(row, column)) for column in COMMON_COLUMNS)


def _adapted(using: str, value: Any) -> Any:
    connection = connections[using]
    if isinstance(value, UUID) and not connection.features.has_native_uuid_field:
        return value.hex
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return value


def _required_spec(model: type[models.Model]) -> AuditSpec:
    spec = spec_of(model)
    if spec is None:
        raise TypeError(f"{model._meta.label} has no audit = AuditSpec(…).")
    return spec


# --- Many rows ------------------------------------------------------------------------------


def record_rows(
    rows: QuerySet[M],
    *,
    action: str,
    after: Mapping[str, Any] | None = None,
    actor: AbstractBaseUser | None = None,
) -> list[str]:
    """Write one event for each row of ``rows`` by a single INSERT … SELECT.

    ``after`` holds the values that an UPDATE is about to set; what stands in the rows is taken
    as the values before. Where the engine locks rows, they are locked and their keys answered.
    """
    spec = _required_spec(rows.model)
    connection = connections[rows.db]
    locks = after is not None and connection.features.has_select_for_update
    try:
        inner, inner_params = event_rows(
            rows,
            spec_label=spec.label,
            spec_group=spec.group,
            redacted=spec.redacted,
            after={
                name: AfterValue(value, canonical_json(_shown(spec, name, value)))
                for name, value in (after or {}).items()
            },
            lock=locks,
        )
    except EmptyResultSet:
        return []
    row = _common_row(action=action, model=rows.model, actor=actor)
    text = (
        "%s || s.object_id || '\n' || s.group_text || '\n' || s.changes || '\n' || s.object_label"
    )
    if connection.vendor == "postgresql":
        group_id, changes = "s.group_id::uuid", "s.changes::jsonb"
        row_hash = f"encode(sha256(convert_to({text}, 'UTF8')), 'hex')"
    else:
        group_id, changes, row_hash = "s.group_id", "s.changes", f"SHA256({text})"
    # Every name in it is a column or table of our own; values are parameters.
    sql = (
        f"{_insert_head(rows.db)} SELECT {_placeholders(rows.db, COMMON_COLUMNS)}, "  # noqa: S608
        f"s.object_id, s.object_label, {group_id}, {changes}, {row_hash} FROM ({inner}) s"
        f"{' RETURNING object_id' if locks else ''}"
    )
    params = (*_common_values(rows.db, row), canonical_context(row) + "\n", *inner_params)
    return [key for (key,) in _execute(rows.db, sql, params)]


def update(
    rows: QuerySet[M],
    *,
    action: str = "update",
    actor: AbstractBaseUser | None = None,
    **values: Any,
) -> int:
    """UPDATE ``rows`` and record each one that changes: two queries, however many rows.

    Audited fields take plain values only (``TypeError`` otherwise); other fields take
    expressions too. Rows that have the values already are neither written nor recorded.
    ``updated_at`` follows by itself. Answer how many rows changed.
    """
    model = rows.model
    spec = _required_spec(model)
    audited = {name: value for name, value in values.items() if name in spec.fields}
    changing = Q()
    for name, value in audited.items():
        if isinstance(value, Combinable):
            raise TypeError(f"update() records plain values only, and {name} is an expression.")
        changing |= differs(name, value)
    using = router.db_for_write(model)
    rows = rows.using(using).filter(changing)
    if "updated_at" not in values and any(f.name == "updated_at" for f in model._meta.fields):
        values["updated_at"] = timezone.now()
    with transaction.atomic(using=using, savepoint=False):
        keys = record_rows(rows, action=action, after=audited, actor=actor)
        if connections[using].features.has_select_for_update:
            # Exactly the rows that were locked and recorded: meanwhile, others may have come.
            rows = model._base_manager.using(using).filter(pk__in=keys)
        return rows.update(**values)


def _shown(spec: AuditSpec, name: str, value: Any) -> Leaf:
    shown = leaf(value)
    return _hidden(shown) if name in spec.redacted else shown
