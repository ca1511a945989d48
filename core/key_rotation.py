"""Re-encrypting what is stored under the newest key, while the site goes on writing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import models, router, transaction
from django.db.models import F, QuerySet, TextField, Value
from django.db.models.functions import Cast

from core.encryption import NEWEST, EncryptedColumn, decrypt, encrypt, position_of_key
from core.rows import all_rows

BATCH = 200
MOST_TRIES = 5  # for one row that others keep writing
RAW = "raw_text"


@dataclass(slots=True)
class Outcome:
    """What was found in one column, and what was done about it."""

    label: str
    by_key: Counter[int] = field(default_factory=Counter)  # values by the key that opened them
    changed: int = 0  # rows that were written
    unreadable: list[str] = field(default_factory=list)  # keys of rows that no key opens
    contested: list[str] = field(default_factory=list)  # rows that others kept writing

    @property
    def is_clean(self) -> bool:
        return not self.unreadable and not self.contested


def count_rows(column: EncryptedColumn) -> int:
    return _rows(column).count()


def rotate_column(
    column: EncryptedColumn, outcome: Outcome, *, dry_run: bool = False
) -> Iterator[int]:
    """Go through the rows in order, and yield how many each batch had.

    A batch is one short transaction. A row is written only if it still holds what was read, so
    that nothing newer is lost; then it is read again. A second run finds nothing left to do, and
    one after a crash goes on with the rest.
    """
    last = None
    while batch := _batch(column, last):
        last = batch[-1][0]
        with transaction.atomic(using=_database_of(column)):
            for key, text in batch:
                _rotate_row(column, outcome, key, text, dry_run=dry_run)
        yield len(batch)


def _batch(column: EncryptedColumn, last: Any) -> list[tuple[Any, str]]:
    rows = _rows(column).order_by("pk")
    if last is not None:
        rows = rows.filter(pk__gt=last)
    return list(rows.values_list("pk", RAW)[:BATCH])


def _rotate_row(
    column: EncryptedColumn, outcome: Outcome, key: Any, text: str | None, *, dry_run: bool
) -> None:
    for _attempt in range(MOST_TRIES):
        values = column.values_in(text) if text else []
        positions = {value: position_of_key(value) for value in values}
        if None in positions.values():
            outcome.unreadable.append(str(key))
            return
        old = [value for value, position in positions.items() if position != NEWEST]
        if dry_run or not old or text is None:
            outcome.by_key.update(
                position for position in positions.values() if position is not None
            )
            return
        renewed = text
        for value in old:
            renewed = renewed.replace(value, encrypt(decrypt(value)))
        if _replace(column, key, old=text, new=renewed):
            outcome.by_key.update(
                position for position in positions.values() if position is not None
            )
            outcome.changed += 1
            return
        # Somebody was faster: look at what stands there now, or at nothing if the row is gone.
        text = _rows(column).filter(pk=key).values_list(RAW, flat=True).first()
        if text is None:
            return
    outcome.contested.append(str(key))


def _replace(column: EncryptedColumn, key: Any, *, old: str, new: str) -> bool:
    """Write ``new`` if the row still holds ``old``: one statement, so that nothing gets between."""
    rows = _rows(column).filter(**{"pk": key, RAW: old})
    stored = column.model._meta.get_field(column.name)
    value: Any = Value(new, output_field=TextField())
    if isinstance(stored, models.JSONField):
        value = Cast(value, models.JSONField())
    return bool(rows.update(**{column.name: value}))


def _rows(column: EncryptedColumn) -> QuerySet[Any]:
    """The rows with the column's text as the database holds it."""
    raw = Cast(F(column.name), TextField())
    rows = all_rows(column.model, _database_of(column)).filter(column.rows)
    stored: QuerySet[Any] = rows.annotate(**{RAW: raw})
    return stored.exclude(**{RAW: ""}).exclude(**{RAW: None})


def _database_of(column: EncryptedColumn) -> str:
    return router.db_for_write(column.model)
