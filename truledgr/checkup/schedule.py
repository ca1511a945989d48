"""Whether what runs by the clock has run: jobs, the purge, the seals of the audit trail."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Max, Min
from django.utils import timezone
from django.utils.timesince import timesince
from django_tasks_db.models import DBTaskResult

from core.models import AuditEvent
from core.schedule import jobs, last_runs, noted_run
from core.seals import unsealed_since
from core.tasks import purge
from truledgr.checkup.findings import Finding, Status, area
from truledgr.checkup.work import keeps_tasks

# A job may wait in the queue and take its time before it counts as overdue.
OVERDUE_AFTER = timedelta(hours=1)
PURGE_AFTER = timedelta(days=2)
SEAL_AFTER = timedelta(hours=3)


@area("schedule")
def check_schedule() -> Iterator[Finding]:
    if not keeps_tasks():
        yield Finding("schedule.not-watched", Status.OK, "In development no schedule is expected.")
        return
    runs, installed = last_runs(), _installed_at()
    overdue = [
        job.name
        for job in jobs()
        if job.next_run(runs.get(job.name, installed)) + OVERDUE_AFTER < timezone.now()
    ]
    if overdue:
        yield Finding(
            "schedule.overdue",
            Status.FAILED if len(overdue) == len(jobs()) else Status.WARNING,
            f"Overdue: {', '.join(overdue)}.",
            "Start the schedule: manage.py run_schedule",
        )
    else:
        yield Finding("schedule.on-time", Status.OK, "No job of the schedule is overdue.")


@area("retention")
def check_retention() -> Iterator[Finding]:
    if not keeps_tasks():
        yield Finding("retention.not-watched", Status.OK, "In development nothing is purged.")
        return
    done = DBTaskResult.objects.successful().filter(task_path=purge.module_path)
    event = AuditEvent.objects.filter(action="purge").order_by("-id").first()
    moments = [
        done.aggregate(moment=Max("finished_at"))["moment"],
        event and event.occurred_at,
        noted_run(purge.name),
    ]
    last = max((moment for moment in moments if moment), default=_installed_at())
    if timezone.now() - last > PURGE_AFTER:
        yield Finding(
            "retention.overdue",
            Status.WARNING,
            f"What is old has not been removed for {timesince(last)}.",
            "manage.py purge",
        )
    else:
        yield Finding("retention.on-time", Status.OK, "What is old is removed in time.")


@area("trail")
def check_trail() -> Iterator[Finding]:
    since = unsealed_since()
    if since is not None and keeps_tasks() and timezone.now() - since > SEAL_AFTER:
        yield Finding(
            "trail.unsealed",
            Status.WARNING,
            f"The audit trail has not been sealed for {timesince(since)}.",
            "manage.py audit_seal",
        )
    else:
        yield Finding("trail.sealed", Status.OK, "The audit trail is sealed in time.")


def _installed_at() -> datetime:
    """When the first migration was applied: what has never run cannot be overdue before that."""
    rows = MigrationRecorder(connection).migration_qs
    first: datetime | None = rows.aggregate(moment=Min("applied"))["moment"]
    return first or timezone.now()
