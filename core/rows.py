"""Querysets as sets of rows of one table, fit for UPDATE and for locking."""

from __future__ import annotations

import re
from typing import TypeVar

from django.db import connections, models
from django.db.models import F, Func, QuerySet, Value

M = TypeVar("M", bound=models.Model)

ESCAPED, ESCAPE = re.compile(r'(["\\])'), r"\\\1"


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
    if connections[using].vendor != "postgresql":
        return rows.filter(pk__in=keys)
    column_type = model._meta.pk.db_type(connections[using])
    # An array literal: psycopg spends three times as long on a list of strings.
    array = "{" + ",".join(f'"{ESCAPED.sub(ESCAPE, key)}"' for key in keys) + "}"
    return rows.filter(IsAnyOf(F("pk"), Value(array), column_type=column_type))


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
