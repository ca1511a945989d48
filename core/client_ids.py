"""Rows whose ids clients choose, so that a creation that is sent again makes no second row.

What a row was made as is read from the audit trail, which has every value of its first version.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.db import IntegrityError, models

from core import audit
from core.errors import ConflictError
from core.models import AuditEvent

M = TypeVar("M", bound=models.Model)


class IdTakenError(ConflictError):
    """A row, deleted or not, has the id of ``row``, which was to be made; which one is not told."""

    code = "id_taken"

    def __init__(self, row: models.Model) -> None:
        super().__init__(
            "This id is taken. Send what it was first sent with, or choose another one.", field="id"
        )
        self.row = row


def refuse_taken(row: models.Model) -> None:
    """Raise ``IdTakenError`` when a row, deleted or not, has the id of ``row``."""
    if type(row)._base_manager.filter(pk=row.pk).exists():
        raise IdTakenError(row)


def make_once(
    make: Callable[[], M], *, own: Callable[[], M | None], is_same: Callable[[M, Any], bool]
) -> tuple[M, bool]:
    """What ``make`` makes, and True; or the row that an earlier one has made, and False.

    ``make`` calls ``refuse_taken()`` and is atomic. ``own`` finds the row with the id where the
    caller made it and may see it; ``is_same`` compares it with what was to be made. Raise
    ``IdTakenError`` where they say no.
    """
    try:
        try:
            return make(), True
        except IntegrityError:  # somebody was as fast: now make() finds the row, or fails again
            return make(), True
    except IdTakenError as taken:
        row = own()
        if row is None or not is_same(row, taken.row):
            raise
        return row, False


def is_made_as(
    row: models.Model, asked: models.Model, *, but: frozenset[str] = frozenset()
) -> bool:
    """Whether the audited fields of ``row`` were those of ``asked`` when it was made."""
    made, wanted = made_as(row), audit.snapshot(asked)
    return all(made.get(name) == value for name, value in wanted.items() if name not in but)


def made_as(row: models.Model) -> dict[str, Any]:
    """The audited fields that ``row`` was made with; what was null then is left out."""
    options = row._meta
    events = AuditEvent.objects.filter(
        app=options.app_label, model=options.model_name, object_id=str(row.pk), action="create"
    )
    # The newest: a row that was purged may have had the id before.
    changes = events.order_by("-id").values_list("changes", flat=True).first() or {}
    return {name: after for name, (_before, after) in changes.items()}
