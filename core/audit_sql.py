"""The SELECT that turns a set of rows into audit events, on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from sqlite3 import sqlite_version_info
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connections, models
from django.db.models import Case, F, Func, Q, QuerySet, Value, When
from django.db.models.expressions import Expression
from django.db.models.functions import Cast, Coalesce, Left, Substr

from core.rows import single_table

LABEL_LENGTH = 200
TEXT = models.TextField()


class EventRow(NamedTuple):
    """The columns that every event of one statement shares."""

    occurred_at: datetime
    action: str
    actor_id: UUID | int | None
    actor_label: str
    via: str
    session_id: UUID | None
    request_id: str
    client_ip: str | None
    app: str
    model: str
    on_behalf_of_id: UUID | int | None = None
    on_behalf_of_label: str | None = None


@dataclass(frozen=True, slots=True)
class AfterValue:
    """A value that an UPDATE is about to set, and the JSON text that the trail shows for it."""

    value: Any
    json: str


class Text(Value):
    """A text literal."""

    def __init__(self, value: str) -> None:
        super().__init__(value, output_field=TEXT)


class Joined(Func):
    """``a || b || …`` without the casts and COALESCEs of Django's ``Concat``."""

    template = "(%(expressions)s)"
    arg_joiner = " || "
    output_field = TEXT


class JSONQuote(Func):
    """A text as a JSON string; both engines escape as ``json.dumps(ensure_ascii=False)`` does."""

    output_field = TEXT

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, function="json_quote", **context)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "to_json((%(expressions)s)::text)::text"
        return self.as_sql(compiler, connection, template=template, **context)


class UUIDText(Func):
    """A UUID column as text with hyphens; SQLite stores 32 hexadecimal digits."""

    output_field = TEXT
    arity = 1

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        column, params = compiler.compile(self.source_expressions[0])
        spans = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
        parts = [f"substr({column}, {start}, {length})" for start, length in spans]
        return "(" + " || '-' || ".join(parts) + ")", [*params] * len(spans)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="(%(expressions)s)::text", **context)


class TimestampText(Func):
    """A moment as RFC 3339 in UTC with six decimals."""

    output_field = TEXT
    arity = 1

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        # Stored as 'YYYY-MM-DD HH:MM:SS' with a fraction only where it is not zero.
        template = (
            "(replace(substr(%(expressions)s, 1, 19), ' ', 'T') || "
            "substr(substr(%(expressions)s, 20) || '.000000', 1, 7) || 'Z')"
        )
        sql, params = self.as_sql(compiler, connection, template=template, **context)
        return sql, [*params, *params]

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = (
            "to_char((%(expressions)s) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
        )
        return self.as_sql(compiler, connection, template=template, **context)


def event_rows(
    rows: QuerySet[Any],
    *,
    spec_label: str,
    spec_group: str | None,
    redacted: Iterable[str],
    after: Mapping[str, AfterValue],
    lock: bool,
) -> tuple[str, tuple[Any, ...]]:
    """SQL and parameters of a SELECT of object_id, object_label, group_id, group_text, changes.

    ``after`` maps each field to its new value; the old one is the column's.
    """
    model = rows.model
    query = single_table(rows)
    if lock:
        # In one order, so that two updates of the same rows do not wait for each other for ever.
        query = query.select_for_update().order_by("pk")
    group = F(spec_group) if spec_group else None
    query = query.values_list(
        _text_of(model._meta.pk, F("pk")),
        Left(Cast(spec_label, TEXT), LABEL_LENGTH),
        group or Value(None, output_field=models.UUIDField()),
        Coalesce(UUIDText(group), Text("")) if group else Text(""),
        _changes(model, redacted=frozenset(redacted), after=after),
    )
    sql, params = query.query.get_compiler(rows.db).as_sql()
    names = ("object_id", "object_label", "group_id", "group_text", "changes")
    # Materialized: who reads it uses each expression twice, and would compute it twice.
    once = "MATERIALIZED " if _can_materialize(rows.db) else ""
    return f"WITH chosen({', '.join(names)}) AS {once}({sql}) SELECT * FROM chosen", params  # noqa: S608


def _can_materialize(using: str) -> bool:
    return connections[using].vendor != "sqlite" or sqlite_version_info >= (3, 35)


def _changes(
    model: type[models.Model], *, redacted: frozenset[str], after: Mapping[str, AfterValue]
) -> Expression:
    """``{"name":[before,after],…}`` of the fields that differ; sorted, as canonical JSON is."""
    if not after:
        return Text("{}")
    parts: list[Expression] = []
    for name, value in sorted(after.items()):
        before = json_of(model, name)
        if name in redacted:
            before = _hidden(name)
        entry = Joined(Text(f',"{name}":['), before, Text(f",{value.json}]"))
        parts.append(
            Case(When(differs(name, value.value), then=entry), default=Text(""), output_field=TEXT)
        )
    return Joined(Text("{"), Substr(Joined(*parts, Text("")), 2), Text("}"))


def differs(name: str, value: Any) -> Q:
    """Rows whose column ``name`` is not ``value``, NULL included."""
    return ~(Q(**{f"{name}__isnull": True}) if value is None else Q(**{name: value}))


def _hidden(name: str) -> Expression:
    shown = Text('"[redacted]"')
    return Case(
        When(**{f"{name}__isnull": True}, then=Text("null")), default=shown, output_field=TEXT
    )


def json_of(model: type[models.Model], name: str) -> Expression:
    """The JSON text of a column, as ``canonical_json(leaf(value))`` writes it in Python."""
    field: Any = model._meta.get_field(name)
    while field.is_relation:
        field = field.target_field
    if isinstance(field, models.BooleanField):
        return Case(
            When(**{name: True}, then=Text("true")),
            When(**{name: False}, then=Text("false")),
            default=Text("null"),
            output_field=TEXT,
        )
    if isinstance(field, models.IntegerField):
        return Coalesce(Cast(name, TEXT), Text("null"))
    return Coalesce(JSONQuote(_text_of(field, F(name))), Text("null"))


def _text_of(field: Any, column: F) -> Expression:
    if isinstance(field, models.UUIDField):
        return UUIDText(column)
    if isinstance(field, models.DateTimeField):
        return TimestampText(column)
    if isinstance(field, models.IntegerField):
        return Cast(column, TEXT)
    if isinstance(field, models.CharField | models.TextField | models.DateField):
        return Cast(column, TEXT)
    raise TypeError(f"{field} cannot be described in SQL; save its objects one at a time instead.")
