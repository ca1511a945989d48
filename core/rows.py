"""Querysets as sets of rows of one table, fit for UPDATE and for locking."""

from __future__ import annotations

from typing import TypeVar

from django.db import connections, models
from django.db.models import F, Func, QuerySet, Value

M = TypeVar("M", bound=models.Model)


def all_rows(model: type[M], using: str) -> QuerySet[M]:
    """Every row of ``model``, whatever its managers hide or override."""
    return QuerySet(model, using=using)


class IsAnyOf(Func):
    """``column = ANY(array)`` on PostgreSQL: one parameter, however many keys."""

    output_field = models.BooleanField()
    template = "(%(expressions)s::%(column_type)s[]))"
    arg_joiner = " = ANY("


def with_keys(model: type[M], using: str, keys: list[str]) -> QuerySet[M]:
    """The rows with these primary keys, given as text; cheaper than ``pk__in`` for many."""
    rows = all_rows(model, using)
    is_plain = isinstance(model._meta.pk, models.UUIDField | models.IntegerField)
    if not is_plain or connections[using].vendor != "postgresql":
        return rows.filter(pk__in=keys)
    # An array literal: psycopg takes three times as long to quote a list of strings.
    array = Value(f"{{{','.join(keys)}}}")
    column_type = model._meta.pk.db_type(connections[using])
    return rows.filter(IsAnyOf(F("pk"), array, column_type=column_type))


def single_table(rows: QuerySet[M]) -> QuerySet[M]:
    """The same rows without joins, DISTINCT or order; ``TypeError`` for a slice."""
    query = rows.query
    if query.is_sliced:
        raise TypeError("A slice is no set of rows: filter by its primary keys instead.")
    rows = rows.order_by()
    # Not len(alias_map), which counts joins that turned out to need nothing of their table.
    if query.distinct or query.combinator or query.count_active_tables() > 1:
        return all_rows(rows.model, rows.db).filter(pk__in=rows.values("pk")).order_by()
    return rows
