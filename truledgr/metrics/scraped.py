"""What is read from the database when Prometheus asks: tasks that wait, sessions that are open."""

from __future__ import annotations

import platform
import tomllib
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import Any

import django
from django.conf import settings
from django.db import DatabaseError
from django.db.models import Case, Count, Min, Q, When
from django.utils import timezone
from django_tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult, get_date_max
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from truledgr.health import check_database
from users.models import UserSession

UNFINISHED = (TaskResultStatus.READY, TaskResultStatus.RUNNING, TaskResultStatus.FAILED)


class Scraped(Collector):
    """Three statements each time. Where the database is away it says so, and tells the rest."""

    def collect(self) -> Iterator[Metric]:
        yield _build()
        try:
            check_database()
            of_database = [*_tasks(timezone.now()), _sessions()]
        except DatabaseError:
            of_database = []
        is_up = GaugeMetricFamily("truledgr_database_up", "1 when the database answers.")
        is_up.add_metric([], float(bool(of_database)))
        yield is_up
        yield from of_database


def _build() -> Metric:
    build = InfoMetricFamily("truledgr_build", "What is running.")
    versions = {"python": platform.python_version(), "django": django.get_version()}
    build.add_metric([], {"version": _own_version(), **versions})
    return build


@cache
def _own_version() -> str:
    project = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())["project"]
    return str(project["version"])


def _tasks(now: datetime) -> Iterator[Metric]:
    count = GaugeMetricFamily(
        "truledgr_tasks",
        "Tasks that are not done: due, waiting for later, running, failed.",
        labels=["task", "state"],
    )
    age = GaugeMetricFamily(
        "truledgr_tasks_oldest_due_seconds",
        "How long the task has been due that has been for longest.",
        labels=["task"],
    )
    for path, status, number, due, since in _unfinished_tasks(now):
        if status == TaskResultStatus.READY:
            count.add_metric([path, "due"], due)
            count.add_metric([path, "later"], number - due)
            age.add_metric([path], (now - since).total_seconds() if since else 0)
        else:
            count.add_metric([path, status.lower()], number)
    yield count
    yield age


def _unfinished_tasks(now: datetime) -> Any:
    """(task, status, number, those that are due, since when), grouped by the first two."""
    at_once = Q(run_after=get_date_max())
    is_due = at_once | Q(run_after__lte=now)
    since = Case(When(at_once, then="enqueued_at"), default="run_after")
    rows = DBTaskResult.objects.filter(status__in=UNFINISHED).order_by()
    return rows.values_list("task_path", "status").annotate(
        number=Count("pk"), due=Count("pk", filter=is_due), since=Min(since, filter=is_due)
    )


def _sessions() -> Metric:
    sessions = GaugeMetricFamily(
        "truledgr_sessions_active", "Sessions that are neither ended nor past a limit."
    )
    sessions.add_metric([], UserSession.objects.active().count())
    return sessions
