"""What a soft delete would take along and what would refuse it, read without writing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db import models
from django.db.models import PROTECT, RESTRICT, Q, QuerySet

from core.rows import all_rows, single_table
from core.soft_delete import is_soft_deleted, levels, pointing_at

EXAMPLES = 10


@dataclass(frozen=True, slots=True)
class Blocker:
    """Live rows that refuse the delete: how many, and the first few of them."""

    model: type[models.Model]
    through: str
    count: int
    examples: tuple[models.Model, ...]


@dataclass(slots=True)
class DeletionPreview:
    """``taken`` counts the rows that would be marked, by model, the roots first."""

    taken: dict[type[models.Model], int] = field(default_factory=dict)
    blockers: list[Blocker] = field(default_factory=list)


def preview_deletion(roots: QuerySet[Any]) -> DeletionPreview:
    """Answer what deleting ``roots`` would do: a fixed number of queries a table.

    Of a table that refers to itself, the first level below the roots is counted.
    """
    using = roots.db
    preview = DeletionPreview()
    rows: dict[type[models.Model], QuerySet[Any]] = {
        roots.model: single_table(roots).filter(is_deleted=False)
    }
    for model, relations in levels(roots.model):
        condition = Q()
        for relation in relations:
            parents = rows.get(relation.related_model)
            if parents is not None:
                condition |= Q(**{f"{relation.name}__in": parents.values("pk")})
        below = all_rows(model, using).filter(condition, is_deleted=False)
        rows[model] = rows[model] | below if model in rows else below
    for model, taken in rows.items():
        count = taken.count()
        if count:
            preview.taken[model] = count
            preview.blockers.extend(_blockers(model, rows, using))
    return preview


def _blockers(
    model: type[models.Model], taken: dict[type[models.Model], QuerySet[Any]], using: str
) -> list[Blocker]:
    found = []
    for key in pointing_at(model):
        on_delete = key.remote_field.on_delete
        if on_delete not in (PROTECT, RESTRICT):
            continue
        rows = all_rows(key.model, using).filter(**{f"{key.name}__in": taken[model].values("pk")})
        if is_soft_deleted(key.model):
            rows = rows.filter(is_deleted=False)
        if on_delete is RESTRICT and key.model in taken:
            rows = rows.exclude(pk__in=taken[key.model].values("pk"))
        count = rows.count()
        if count:
            links = [f.name for f in key.model._meta.fields if f.is_relation and not f.null]
            examples = rows.select_related(*links).order_by("pk")[:EXAMPLES]
            found.append(Blocker(key.model, key.name, count, tuple(examples)))
    return found
