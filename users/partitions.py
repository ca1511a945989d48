"""The months of ``session_activities`` on PostgreSQL. SQLite keeps one table."""

from __future__ import annotations

import logging
from typing import Any

from django.db import router
from django.utils import timezone

from core.partitions import MonthlyPartitions, TableBusyError, month_of, months_from
from users.models import SessionActivity

logger = logging.getLogger(__name__)

MONTHS_AHEAD = 3  # beside the current one; a scheduler may stand still for as long


def activity_partitions(using: str | None = None) -> MonthlyPartitions:
    return MonthlyPartitions(
        table=SessionActivity._meta.db_table,
        column="occurred_at",
        using=using or router.db_for_write(SessionActivity),
    )


def make_coming_months(partitions: MonthlyPartitions, ahead: int = MONTHS_AHEAD) -> dict[str, int]:
    """Make the partitions of this month and of those ``ahead`` that are missing.

    Answer the new ones with the rows that moved from the default partition. Raise
    ``TableBusyError`` when no lock was to be had; what was made before that stays.
    """
    made = {}
    months = months_from(month_of(timezone.now()), ahead + 1)
    for month in partitions.missing(months):
        moved = partitions.make(month)
        if moved is not None:
            made[partitions.name_of(month)] = moved
    return made


def make_after_migrate(using: str, **_kwargs: Any) -> None:
    """Let a freshly migrated database have its months; a busy one gets them from the daily task."""
    partitions = activity_partitions(using)
    if not partitions.is_partitioned():
        return
    try:
        make_coming_months(partitions)
    except TableBusyError as error:
        logger.warning("Partitions are still to be made: %s", error)
