"""What runs by the clock: tasks that ``@periodic`` puts on the schedule.

``manage.py run_schedule`` hands each to the queue when it is due; the worker runs it::

    @periodic("*/15 * * * *")
    @task()
    def tend_mails() -> None:
        \"\"\"Put back the mails of a killed worker.\"\"\"
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from apscheduler.triggers.cron import CronTrigger  # type: ignore[import-untyped]
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone
from django_tasks.base import Task
from django_tasks_db import DatabaseBackend
from django_tasks_db.models import DBTaskResult

from core.context import Via, acting
from core.errors import DomainError

logger = logging.getLogger(__name__)

SCHEDULE_LOCK = 0x5C4ED  # key of the advisory lock that lets one scheduler decide at a time
T = TypeVar("T", bound="Task[Any, Any]")


class UnknownJobError(DomainError):
    """No job of that name is on the schedule; the message names those that are."""

    code = "unknown_job"


@dataclass(frozen=True, slots=True)
class Job:
    """A task and when it is due, as five crontab fields in UTC."""

    name: str
    cron: str
    task: Task[Any, Any]
    trigger: CronTrigger

    @property
    def purpose(self) -> str:
        """The first line of what the task says about itself."""
        return inspect.cleandoc(self.task.func.__doc__ or "").partition("\n")[0]

    def next_run(self, after: datetime) -> datetime:
        """The first moment after ``after`` at which it is due."""
        due: datetime = self.trigger.get_next_fire_time(None, after + timedelta(microseconds=1))
        return due


_jobs: dict[str, Job] = {}


def periodic(cron: str) -> Callable[[T], T]:
    """Put a task without arguments on the schedule, under its function's name.

    Raise ``ImproperlyConfigured`` for what is no crontab, and for a name that is taken.
    """

    def register(task: T) -> T:
        taken = _jobs.get(task.name)
        if taken is not None and taken.task.module_path != task.module_path:
            raise ImproperlyConfigured(
                f"Two tasks on the schedule are called {task.name}: {taken.task.module_path} and "
                f"{task.module_path}."
            )
        _jobs[task.name] = Job(task.name, cron, task, _trigger(cron, task.name))
        return task

    return register


def _trigger(cron: str, name: str) -> CronTrigger:
    weekday = cron.rsplit(maxsplit=1)[-1]
    if any(character.isdigit() for character in weekday):
        # In crontab 0 is Sunday, in the library Monday: names are the same in both.
        raise ImproperlyConfigured(f"{name}: write the weekday of {cron!r} as a name, mon to sun.")
    try:
        return CronTrigger.from_crontab(cron, timezone=UTC)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {cron!r} is no crontab: {error}") from error


def jobs() -> list[Job]:
    """Every job, by name."""
    return [_jobs[name] for name in sorted(_jobs)]


def jobs_named(names: Iterable[str]) -> list[Job]:
    """The jobs of these names, all without any. Raise ``UnknownJobError`` for a wrong name."""
    wanted = list(names)
    unknown = [name for name in wanted if name not in _jobs]
    if unknown:
        raise UnknownJobError(
            f"No job is called {', '.join(unknown)}. There are: {', '.join(sorted(_jobs))}."
        )
    return [_jobs[name] for name in wanted] or jobs()


def run_now(job: Job) -> bool:
    """Run ``job`` in this process; log what it raises, and answer whether it raised nothing."""
    try:
        with acting(via=Via.TASK):
            job.task.call()
    except Exception:
        logger.exception("The job %s failed.", job.name)
        return False
    cache.set(_note_of(job.name), timezone.now(), timeout=None)
    return True


def last_runs() -> dict[str, datetime]:
    """When each job was queued last, or run by ``run_now()``, as far as anything tells.

    The queue tells of the former while it keeps the rows; the cache of the latter, which is
    known elsewhere only where processes share it.
    """
    by_path = {job.task.module_path: job.name for job in jobs()}
    queued = DBTaskResult.objects.filter(task_path__in=by_path).order_by().values_list("task_path")
    runs = {by_path[path]: moment for path, moment in queued.annotate(Max("enqueued_at"))}
    notes = cache.get_many([_note_of(name) for name in by_path.values()])
    for name in by_path.values():
        if moments := [moment for moment in (runs.get(name), notes.get(_note_of(name))) if moment]:
            runs[name] = max(moments)
    return runs


def noted_run(name: str) -> datetime | None:
    """When ``run_now()`` last ran the job of that name, as far as the cache tells."""
    moment: datetime | None = cache.get(_note_of(name))
    return moment


def _note_of(name: str) -> str:
    return f"schedule:ran:{name}"


def enqueue_due(job: Job) -> bool:
    """Queue ``job`` unless another scheduler has done so this minute; answer whether it did.

    Never raises: what goes wrong is logged, and the next run tries again.
    """
    try:
        return _enqueue_once(job)
    except Exception:
        logger.exception("The job %s could not be queued.", job.name)
        return False


def _enqueue_once(job: Job) -> bool:
    """The queue itself tells whether the job has been queued: every scheduler sees the same rows.

    A queue that keeps no rows, as in development, cannot tell: there each scheduler runs its own.
    """
    if not isinstance(job.task.get_backend(), DatabaseBackend):
        job.task.enqueue()
        return True
    this_minute = timezone.now().replace(second=0, microsecond=0)
    # SQLite lets one writer in at a time from BEGIN on.
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SCHEDULE_LOCK])
        queued = DBTaskResult.objects.filter(
            task_path=job.task.module_path, enqueued_at__gte=this_minute
        )
        if queued.exists():
            return False
        job.task.enqueue()
    return True
