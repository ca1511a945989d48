"""Whether what waits is worked off: mails and tasks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.timesince import timesince
from django_tasks import task_backends
from django_tasks_db import DatabaseBackend
from django_tasks_db.models import DBTaskResult

from authentication.mails.queue import LATE_AFTER, due_since, has_queue, waiting_since
from authentication.tasks import send_letter
from truledgr.checkup.findings import Finding, Status, area

SENDS_NOTHING = ("console.EmailBackend", "dummy.EmailBackend", "locmem.EmailBackend")
START_WORKER = "Start a worker: manage.py db_worker"
MOST = 1_000  # tasks are counted no further


@area("mail")
def check_mail() -> Iterator[Finding]:
    if not settings.DEBUG and settings.EMAIL_BACKEND.endswith(SENDS_NOTHING):
        yield Finding(
            "mail.not-sent",
            Status.FAILED,
            "Mails are written to nowhere: no mail server is set.",
            "Set EMAIL_URL=smtp+tls://USER:PASSWORD@HOST:587",
        )
    if not has_queue():
        yield Finding("mail.no-queue", Status.OK, "Mails leave at once; there is no queue.")
        return
    since = waiting_since()
    if since is not None and timezone.now() - since > LATE_AFTER:
        yield Finding(
            "mail.late",
            Status.FAILED,
            f"Mails have been waiting for {timesince(since)}.",
            START_WORKER,
        )
    else:
        yield Finding("mail.on-time", Status.OK, "No mail is late.")


@area("tasks")
def check_tasks() -> Iterator[Finding]:
    if not keeps_tasks():
        yield Finding("tasks.no-queue", Status.OK, "Tasks run at once; there is no queue.")
        return
    since = due_since(DBTaskResult.objects.exclude(task_path=send_letter.module_path))
    is_late = since is not None and timezone.now() - since > LATE_AFTER
    if since is not None and is_late:
        yield Finding(
            "tasks.late",
            Status.FAILED,
            f"Tasks have been waiting for {timesince(since)}: no worker runs, or too few do.",
            START_WORKER,
        )
    failed = failed_tasks()[: MOST + 1].count()
    if failed:
        number = f"More than {MOST:,}" if failed > MOST else f"{failed}"
        yield Finding(
            "tasks.failed",
            Status.WARNING,
            f"{number} {'task has' if failed == 1 else 'tasks have'} failed in the last "
            f"{settings.RETENTION_DAYS['tasks']} days.",
            "The list of tasks names the error of each; the log has its trace.",
        )
    if not failed and not is_late:
        yield Finding("tasks.done", Status.OK, "No task is late, and none has failed.")


def keeps_tasks() -> bool:
    """Whether tasks wait in the database, where it is known what became of them."""
    return isinstance(task_backends["default"], DatabaseBackend)


def failed_tasks() -> Any:
    return DBTaskResult.objects.failed().order_by()
