"""Removing for good what was soft-deleted long ago, and nothing that anything else still needs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db import models, router, transaction
from django.db.models import (
    CASCADE,
    PROTECT,
    RESTRICT,
    Exists,
    ForeignKey,
    OuterRef,
    ProtectedError,
    Q,
    QuerySet,
)
from django.db.models.deletion import RestrictedError

from core.retention import Advance, Outcome
from core.rows import all_rows
from core.soft_delete import hard_delete, is_soft_deleted, pointing_at

BATCH = 200  # each row takes its audit event and its cascade along


def count_deleted(before: datetime) -> Outcome:
    """What could go, and what has to stay because other rows refer to it."""
    removed = sum(_going(model, before).count() for model in _models())
    kept, notes = _staying(before)
    return Outcome(removed=removed, kept=kept, notes=notes)


def remove_deleted(before: datetime, advance: Advance) -> Outcome:
    removed = sum(_remove(model, before, advance) for model in _models())
    kept, notes = _staying(before)
    return Outcome(removed=removed, kept=kept, notes=notes)


def _models() -> list[type[models.Model]]:
    """Soft-deleted models, those that refer to others before those they refer to."""
    waiting = sorted(filter(is_soft_deleted, apps.get_models()), key=lambda model: model.__name__)
    ordered: list[type[models.Model]] = []
    while waiting:
        free = [model for model in waiting if not _referrers(model) & {*waiting} - {model}]
        ordered.append((free or waiting)[0])
        waiting.remove(ordered[-1])
    return ordered


def _referrers(model: type[models.Model]) -> set[type[models.Model]]:
    return {key.model for key in _holding(model)}


def _holding(model: type[models.Model]) -> Iterator[ForeignKey[Any, Any]]:
    """The keys whose rows hold rows of ``model`` back.

    A row that would be taken along holds it back too where it may be live: a purge removes
    nothing that has not been deleted.
    """
    for key in pointing_at(model):
        on_delete = key.remote_field.on_delete
        if on_delete in (PROTECT, RESTRICT) or (
            on_delete is CASCADE and is_soft_deleted(key.model)
        ):
            yield key


def _old(model: type[models.Model], before: datetime) -> QuerySet[Any]:
    rows = all_rows(model, router.db_for_write(model))
    # What is never restored has been emptied on purpose, so that others can go on referring to it.
    emptied = getattr(model, "never_restored", None)
    rows = rows.exclude(emptied) if emptied else rows
    return rows.filter(is_deleted=True, deleted_at__lt=before)


def _going(model: type[models.Model], before: datetime) -> QuerySet[Any]:
    """The old rows of ``model`` that nothing holds back."""
    rows = _old(model, before)
    for key in _holding(model):
        rows = rows.exclude(_held_by(key, before))
    return rows


def _held_by(key: ForeignKey[Any, Any], before: datetime) -> Q:
    """Whether a row that stays refers to the row through ``key``."""
    holders = all_rows(key.model, router.db_for_write(key.model)).filter(
        **{key.name: OuterRef("pk")}
    )
    if is_soft_deleted(key.model) and key.model is not key.related_model:
        holders = holders.exclude(pk__in=_going(key.model, before).values("pk"))
    return Q(Exists(holders))


def _staying(before: datetime) -> tuple[int, tuple[str, ...]]:
    """How many old rows stay, and for each key that holds some, a sentence."""
    models = _models()
    kept = sum(_old(model, before).count() - _going(model, before).count() for model in models)
    held_back = [
        (key, held)
        for model in models
        for key in _holding(model)
        if (held := _old(model, before).filter(_held_by(key, before)).count())
    ]
    return kept, tuple(_in_words(key, held) for key, held in held_back)


def _in_words(key: ForeignKey[Any, Any], held: int) -> str:
    return (
        f"{held} {key.related_model._meta.verbose_name_plural} stay: "
        f"{key.model._meta.verbose_name_plural} refer to them "
        f"({key.model._meta.label}.{key.name})"
    )


def _remove(model: type[models.Model], before: datetime, advance: Advance) -> int:
    """Remove what may go, a batch a transaction, in the order of the keys."""
    removed, last = 0, None
    going = _going(model, before).order_by("pk")
    while keys := list(_after(going, last).values_list("pk", flat=True)[:BATCH]):
        gone = _remove_batch(going, keys)
        removed += gone
        advance(gone)
        last = keys[-1]
    return removed


def _after(rows: QuerySet[Any], last: Any) -> QuerySet[Any]:
    return rows if last is None else rows.filter(pk__gt=last)


def _remove_batch(going: QuerySet[Any], keys: list[Any]) -> int:
    """Remove the rows together; one by one when what one of them takes along is protected."""
    label = going.model._meta.label
    try:
        with transaction.atomic(using=going.db):
            _total, by_label = hard_delete(going.order_by().filter(pk__in=keys))
    except (ProtectedError, RestrictedError):
        if len(keys) == 1:
            return 0
        return sum(_remove_batch(going, [key]) for key in keys)
    return by_label.get(label, 0)
