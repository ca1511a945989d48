"""Querysets as sets of rows of one table, fit for UPDATE and for locking."""

from __future__ import annotations

from typing import TypeVar

from django.db import models
from django.db.models import QuerySet

M = TypeVar("M", bound=models.Model)


def all_rows(model: type[M], using: str) -> QuerySet[M]:
    """Every row of ``model``, whatever its managers hide or override."""
    return QuerySet(model, using=using)


def single_table(rows: QuerySet[M]) -> QuerySet[M]:
    """The same rows without joins, DISTINCT or order; ``TypeError`` for a slice."""
    query = rows.query
    if query.is_sliced:
        raise TypeError("A slice is no set of rows: filter by its primary keys instead.")
    rows = rows.order_by()
    if query.distinct or query.combinator or len(query.alias_map) > 1:
        return all_rows(rows.model, rows.db).filter(pk__in=rows.values("pk"))
    return rows
