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

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import EmptyResultSet
from django.db import connections, models, router
from django.db.models import Q, QuerySet
from django.db.models.expressions import Combinable
from django.utils import timezone

from core.audit_insert import (
    adapted_key,
    common_values,
    insert_one_sql,
    insert_rows_sql,
    joined_transaction,
    run_insert,
)
from core.audit_sql import LABEL_LENGTH, AfterValue, EventRow, differs, event_rows
from core.context import current
from core.rows import all_rows, with_keys

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
    shown: Leaf = None
    if isinstance(value, str):
        shown = value.replace("\0", "")
    elif value is None or isinstance(value, int):
        shown = value
    elif isinstance(value, UUID):
        shown = str(value)
    elif isinstance(value, dict | list | tuple):
        shown = canonical_json(value)
    elif isinstance(value, models.Model):
        shown = leaf(value.pk)
    elif isinstance(value, datetime):
        shown = iso_utc(value)
    elif isinstance(value, date | time):
        shown = value.isoformat()
    else:
        shown = str(value)
    return shown


def iso_utc(moment: datetime) -> str:
    """RFC 3339 in UTC with six decimals, such as ``2026-01-31T08:00:00.000000Z``."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


_encoder = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def canonical_json(value: Any) -> str:
    return _encoder.encode(value)


def snapshot(instance: models.Model) -> dict[str, Leaf]:
    """The audited fields of ``instance`` as they are now; redacted ones as a fingerprint."""
    values = {}
    for name, attname, is_redacted in _audited_fields(type(instance)):
        value = leaf(getattr(instance, attname))
        if is_redacted and value is not None:
            value = sha256(str(value).encode()).hexdigest()
        values[name] = value
    return values


@cache
def _audited_fields(model: type[models.Model]) -> tuple[tuple[str, str, bool], ...]:
    """(name, attribute, whether its values are hidden) of each audited field."""
    spec = _required_spec(model)
    return tuple(
        (name, model._meta.get_field(name).attname, name in spec.redacted)  # type: ignore[union-attr]
        for name in spec.fields
    )


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
    with joined_transaction(using):
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
    model = target.__class__  # not type(): request.user is a lazy object around the row
    spec = spec_of(model)
    if spec:
        label = str(getattr(target, spec.label))
        group_id = getattr(target, spec.group) if spec.group else None
    else:
        label, group_id = str(target), None
    using = router.db_for_write(model, instance=target)
    row = common_row(action=action, model=model, actor=actor)
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
    connection = connections[using]
    own = (
        object_id,
        label,
        adapted_key(connection, group_id),
        changes_text,
        sha256(text.encode()).hexdigest(),
    )
    run_insert(using, insert_one_sql(using), (*common_values(connection, row), *own))


def canonical_text(
    row: EventRow, *, object_id: str, group_id: UUID | None, changes_text: str, object_label: str
) -> str:
    """The text whose SHA-256 is ``row_hash``: injective, and the same on every engine."""
    return "\n".join(
        [canonical_context(row), object_id, str(group_id or ""), changes_text, object_label]
    )


def canonical_context(row: EventRow) -> str:
    """The part of the canonical text that all rows of one statement share: one JSON line.

    Whom the actor acted as is a part of it only where there is somebody.
    """
    acted_as = (leaf(row.on_behalf_of_id), row.on_behalf_of_label)
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
            *(() if acted_as == (None, None) else acted_as),
        ]
    )


def common_row(
    *, action: str, model: type[models.Model], actor: AbstractBaseUser | None
) -> EventRow:
    """What events of this moment share: who acts, on which model, through which door."""
    context = current()
    actor, acted_as = actor or context.actor(), None
    if impersonator := context.impersonator():  # services name the user of the session
        acted_as = actor if actor and actor.pk != impersonator.pk else None
        actor = impersonator
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
        on_behalf_of_id=acted_as.pk if acted_as else None,
        on_behalf_of_label=acted_as.get_username()[:254] if acted_as else None,
    )


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
    locks = after is not None and connections[rows.db].features.has_select_for_update
    try:
        sql, own_params = _insert_rows_sql(rows, after=after or {}, locks=locks)
    except EmptyResultSet:
        return []
    return _run_for_rows(rows.db, rows.model, sql, own_params, action=action, actor=actor)


def record_deleted(model: type[models.Model], *, deletion_id: UUID, using: str) -> None:
    """``record_rows()`` for what one delete has marked, by a statement that is built once."""
    sql, kept = _insert_deleted_sql(model, using)
    key = adapted_key(connections[using], deletion_id)
    own_params = tuple(key if param is _DELETION_ID else param for param in kept)
    _run_for_rows(using, model, sql, own_params, action="delete", actor=None)


_DELETION_ID = object()  # stands in the parameters of a kept statement


@cache
def _insert_deleted_sql(model: type[models.Model], using: str) -> tuple[str, tuple[Any, ...]]:
    example = UUID(int=0)
    # is_deleted is said too: the partial index on deletion_id covers deleted rows only.
    rows = all_rows(model, using).filter(is_deleted=True, deletion_id=example)
    sql, params = _insert_rows_sql(rows, after={}, locks=False)
    key = adapted_key(connections[using], example)
    return sql, tuple(_DELETION_ID if param == key else param for param in params)


def _insert_rows_sql(
    rows: QuerySet[Any], *, after: Mapping[str, Any], locks: bool
) -> tuple[str, tuple[Any, ...]]:
    """The INSERT … SELECT, and those of its parameters that ``_run_for_rows()`` does not add."""
    spec = _required_spec(rows.model)
    inner, params = event_rows(
        rows,
        spec_label=spec.label,
        spec_group=spec.group,
        redacted=spec.redacted,
        after={
            name: AfterValue(value, canonical_json(_shown(spec, name, value)))
            for name, value in after.items()
        },
        lock=locks,
    )
    return insert_rows_sql(rows.db, inner, returning=locks), params


def _run_for_rows(
    using: str,
    model: type[models.Model],
    sql: str,
    own_params: tuple[Any, ...],
    *,
    action: str,
    actor: AbstractBaseUser | None,
) -> list[str]:
    row = common_row(action=action, model=model, actor=actor)
    common = (*common_values(connections[using], row), canonical_context(row) + "\n")
    return [key for (key,) in run_insert(using, sql, (*common, *own_params))]


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
    if not audited:
        return rows.update(**values)
    with joined_transaction(using):
        keys = record_rows(rows, action=action, after=audited, actor=actor)
        if connections[using].features.has_select_for_update:
            # Exactly the rows that were locked and recorded: meanwhile, others may have come.
            rows = with_keys(model, using, keys)
        return rows.update(**values)


def _shown(spec: AuditSpec, name: str, value: Any) -> Leaf:
    return _hidden(leaf(value)) if name in spec.redacted else leaf(value)
