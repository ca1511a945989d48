"""The audit trail as a file: CSV for spreadsheets, JSON Lines for programs, in constant memory."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction

from core import audit
from core.csv_cells import csv_row, safe_cell
from core.models import AuditEvent
from core.trail_reading import COLUMNS, Rows, newest_key, shown

CSV, JSON_LINES = "csv", "jsonl"
NAME = "audit-trail"  # of the file
ACTION = "export_audit_trail"
BATCH = 500  # events that are in memory at a time; one of an item may hold 128 KiB


def taken(
    rows: Rows, *, actor: AbstractBaseUser, file_format: str, asked: Mapping[str, str]
) -> Iterator[str]:
    """The events of ``rows`` up to this moment, newest first, as the pieces of a file.

    An event tells who took how many, and what they had ``asked`` for. It is written before this
    answers: where it cannot be, nothing is handed out.
    """
    return pieces_of(
        _recorded(rows, actor=actor, file_format=file_format, asked=asked), file_format
    )


def pieces_of(rows: Rows, file_format: str) -> Iterator[str]:
    """The file, a batch of events at a time."""
    line = _csv_line if file_format == CSV else _json_line
    if file_format == CSV:
        yield csv_row(COLUMNS)
    for events in _batches(rows):
        yield "".join(line(shown(event)) for event in events)


@transaction.atomic
def _recorded(
    rows: Rows, *, actor: AbstractBaseUser, file_format: str, asked: Mapping[str, str]
) -> Rows:
    rows = rows.filter(pk__lte=newest_key())
    audit.record(
        action=ACTION,
        target=actor,
        changes={
            "format": (None, file_format),
            "filters": (None, audit.canonical_json(dict(asked))),
            "events": (None, rows.count()),
        },
        actor=actor,
    )
    return rows


def _batches(rows: Rows) -> Iterator[list[AuditEvent]]:
    """Each starts after the last one's end, so that neither a cursor nor a snapshot is held."""
    rows = rows.order_by("-pk")
    events = list(rows[:BATCH])
    while events:
        yield events
        events = list(rows.filter(pk__lt=events[-1].pk)[:BATCH]) if len(events) == BATCH else []


def _json_line(event: Mapping[str, Any]) -> str:
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")) + "\n"


def _csv_line(event: Mapping[str, Any]) -> str:
    return csv_row([_cell(value) for value in event.values()])


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        value = audit.canonical_json(value)
    return "" if value is None else safe_cell(str(value))
