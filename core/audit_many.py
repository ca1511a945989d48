"""Writing many events about many rows, each with changes of its own, by few statements.

``core.audit.record_rows()`` reads the values from the table, in which JSON has no canonical text;
this takes them from the objects, as ``core.audit.record()`` does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import connections, models, router, transaction

from core import audit
from core.audit_insert import EVENTS, adapted_key, common_values, insert_one_sql
from core.audit_sql import LABEL_LENGTH

About = tuple[models.Model, audit.Changes]


def record_many(
    about: Iterable[About], *, action: str, actor: AbstractBaseUser | None = None
) -> int:
    """Write one event about each (row, changes) in the caller's transaction; answer how many.

    All of them are rows of one model, which carries an ``AuditSpec``, and share one moment.
    Raise ``TransactionManagementError`` outside a transaction.
    """
    events = iter(about)
    first = next(events, None)
    if first is None:
        return 0
    model = first[0].__class__
    using = router.db_for_write(model, instance=first[0])
    connection = connections[using]
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError(
            "Audit events belong in the transaction of the writes that they describe."
        )
    rows = [*_rows(model, (first, *events), connection, action=action, actor=actor)]
    with transaction.mark_for_rollback_on_error(using), connection.cursor() as cursor:
        cursor.executemany(insert_one_sql(using), rows)
    EVENTS.labels(action).inc(len(rows))
    return len(rows)


def record_created(rows: Iterable[models.Model], *, actor: AbstractBaseUser | None = None) -> int:
    """Record that the rows, just inserted, were created with what is in them."""
    return record_many(((row, _changes_of_new(row)) for row in rows), action="create", actor=actor)


def _changes_of_new(row: models.Model) -> audit.Changes:
    spec = audit.spec_of(type(row))
    if spec is None:
        raise TypeError(f"{type(row)._meta.label} has no audit = AuditSpec(…).")
    return audit.changes_between(spec, {}, audit.snapshot(row))


def _rows(
    model: type[models.Model],
    events: Iterable[About],
    connection: Any,
    *,
    action: str,
    actor: AbstractBaseUser | None,
) -> Iterator[tuple[Any, ...]]:
    spec = audit.spec_of(model)
    if spec is None:
        raise TypeError(f"{model._meta.label} has no audit = AuditSpec(…).")
    shared = audit.common_row(action=action, model=model, actor=actor)
    common = common_values(connection, shared)
    context = audit.canonical_context(shared)
    for target, changes in events:
        object_id = str(target.pk)
        group_id = getattr(target, spec.group) if spec.group else None
        label = str(getattr(target, spec.label)).replace("\0", "")[:LABEL_LENGTH]
        changes_text = audit.canonical_json(changes)
        text = "\n".join([context, object_id, str(group_id or ""), changes_text, label])
        own = (
            object_id,
            label,
            adapted_key(connection, group_id),
            changes_text,
            sha256(text.encode()).hexdigest(),
        )
        yield (*common, *own)
