"""Reading the audit trail: finding events fast among millions, and handing them out.

The trail is append-only and its keys grow with time, so that a moment is found by its key: a
period needs no index of its own. ``docs/developer/audit.md`` says what each filter costs.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import connections, models
from django.db.models import F, Func, Max, QuerySet, Value

from core import audit
from core.models import AuditEvent

VIEW = "core.view_auditevent"

# An event gets its moment before its key: a statement that waits for a lock, or a clock that is
# ahead, puts keys out of order by that much.
OUT_OF_ORDER = timedelta(hours=1)
# Events of one request get keys one after the other, but for those of requests at the same time.
NEAR = 5000

Network = IPv4Network | IPv6Network
Rows = QuerySet[AuditEvent]

# Filters that an index serves. Others look at events one by one.
INDEXED = frozenset({"actor", "on_behalf_of", "action", "model", "object", "group"})
UNINDEXED = frozenset({"app", "via", "session", "request_id", "client_ip", "network"})

COLUMNS = (
    "id", "occurred_at", "action", "actor", "actor_label", "on_behalf_of", "on_behalf_of_label",
    "via", "session", "request_id", "client_ip", "app", "model", "object_id", "object_label",
    "group", "changes", "row_hash",
)  # fmt: skip


def shown(event: AuditEvent) -> dict[str, Any]:
    """An event as the API and the exports tell it, the names of ``COLUMNS`` in their order."""
    return {
        "id": event.pk,
        "occurred_at": audit.iso_utc(event.occurred_at),
        "action": event.action,
        "actor": _text(event.actor_id),
        "actor_label": event.actor_label,
        "on_behalf_of": _text(event.on_behalf_of_id),
        "on_behalf_of_label": event.on_behalf_of_label or "",
        "via": event.via,
        "session": _text(event.session_id),
        "request_id": event.request_id,
        "client_ip": event.client_ip,
        "app": event.app,
        "model": event.model,
        "object_id": event.object_id,
        "object_label": event.object_label,
        "group": _text(event.group_id),
        "changes": event.changes,
        "row_hash": event.row_hash,
    }


def _text(key: UUID | None) -> str | None:
    return None if key is None else str(key)


# --- Narrowing down -------------------------------------------------------------------------


def since(rows: Rows, moment: datetime) -> Rows:
    """Events of ``moment`` or later."""
    return rows.filter(occurred_at__gte=moment, pk__gte=first_key(rows.db, moment, -OUT_OF_ORDER))


def until(rows: Rows, moment: datetime) -> Rows:
    """Events before ``moment``."""
    return rows.filter(occurred_at__lt=moment, pk__lt=first_key(rows.db, moment, OUT_OF_ORDER))


def of_person(rows: Rows, column: str, term: str) -> Rows:
    """Events whose ``column``, ``actor`` or ``on_behalf_of``, is who has that id or username."""
    return rows.filter(**{f"{column}__in": keys_of_people(term)})


def keys_of_people(term: str) -> list[UUID]:
    """The key that ``term`` is, or those of whoever bears it as username, deleted users included.

    Who is gone for good is found by id.
    """
    try:
        return [UUID(term)]
    except ValueError:
        users = get_user_model()._default_manager.filter(username=term)
        return list(users.values_list("pk", flat=True))


def same_request(event: AuditEvent) -> Rows:
    """The other events of the same request, of those recorded near it; newest first."""
    if not event.request_id:
        return AuditEvent.objects.none()
    near = AuditEvent.objects.filter(pk__range=(event.pk - NEAR, event.pk + NEAR))
    return near.filter(request_id=event.request_id).exclude(pk=event.pk).order_by("-pk")


def of_object(rows: Rows, app: str, model: str, key: str) -> Rows:
    return rows.filter(app=app, model=model, object_id=key)


def from_network(rows: Rows, network: Network) -> Rows:
    """Events whose client had an address in ``network``."""
    if connections[rows.db].vendor == "postgresql":
        first, last = str(network[0]), str(network[-1])
        return rows.filter(client_ip__gte=first, client_ip__lte=last)
    return rows.filter(_InNetwork(F("client_ip"), Value(str(network))), client_ip__isnull=False)


def newest_key() -> int:
    newest: int | None = AuditEvent.objects.aggregate(newest=Max("pk"))["newest"]
    return newest or 0


def first_key(using: str, moment: datetime, shift: timedelta) -> int:
    """The key at which events of ``moment + shift`` begin: one query, of some twenty look-ups."""
    with suppress(OverflowError):  # nothing lies beyond the first and last moment of the calendar
        moment += shift
    connection = connections[using]
    with connection.cursor() as cursor:
        cursor.execute(
            _SEARCH.format(table=connection.ops.quote_name(AuditEvent._meta.db_table)),
            [connection.ops.adapt_datetimefield_value(moment)] * 2,
        )
        [key] = cursor.fetchone() or [None]
    return key or 0


# Halves the keys between the first and the last one until one is left. Keys may have gaps: what
# is asked is the first event at or after the middle.
_IS_LATER = """
(SELECT occurred_at FROM {table} WHERE id >= (low + high) / 2 ORDER BY id LIMIT 1) >= %s
"""
_SEARCH = f"""
WITH RECURSIVE span(low, high) AS (
  SELECT (SELECT min(id) FROM {{table}}), (SELECT max(id) FROM {{table}}) + 1
  UNION ALL
  SELECT CASE WHEN {_IS_LATER} THEN low ELSE (low + high) / 2 + 1 END,
         CASE WHEN {_IS_LATER} THEN (low + high) / 2 ELSE high END
  FROM span WHERE low < high
)
SELECT low FROM span WHERE low >= high
"""  # noqa: S608 (the table's name is ours, the moment a parameter)


class _InNetwork(Func):
    """Whether an address lies in a network, on SQLite, which has no type for either."""

    function = "in_network"
    output_field = models.BooleanField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        connection.ensure_connection()
        connection.connection.create_function(self.function, 2, _is_in, deterministic=True)
        return self.as_sql(compiler, connection, **context)


@lru_cache(maxsize=65536)
def _is_in(address: str | None, network: str) -> bool:
    return address is not None and ip_address(address) in ip_network(network)
