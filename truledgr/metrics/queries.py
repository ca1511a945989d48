"""Statements that were sent to a database, and how long each took."""

from __future__ import annotations

import time
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from prometheus_client import Histogram

SECONDS = Histogram(
    "truledgr_database_query_duration_seconds",
    "Each statement, until its first row is there.",
    ["database"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)


def measure(execute: Any, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:  # noqa: FBT001 (Django's form)
    started = time.perf_counter()
    try:
        return execute(sql, params, many, context)
    finally:
        seconds = time.perf_counter() - started
        SECONDS.labels(context["connection"].alias).observe(seconds)


def on_connected(connection: BaseDatabaseWrapper, **_signal: Any) -> None:
    """Measure what is sent through a connection; Django says when there is a new one.

    First in the list: ``execute_wrapper()`` takes its own off the end again.
    """
    if measure not in connection.execute_wrappers:
        connection.execute_wrappers.insert(0, measure)
