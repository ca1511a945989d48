"""How the queue of mails is doing, and putting it right after a worker was killed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django_tasks import TaskResultStatus, task_backends
from django_tasks_db import DatabaseBackend
from django_tasks_db.models import DBTaskResult, get_date_max

from authentication.tasks import send_letter

LATE_AFTER = timedelta(minutes=5)
# Longer than any attempt: connecting, greeting, sending each wait for EMAIL_TIMEOUT at most.
DEAD_AFTER = timedelta(minutes=15)


def has_queue() -> bool:
    """Whether mails wait in the database; else they leave at once."""
    return isinstance(task_backends[send_letter.backend], DatabaseBackend)


def mails() -> Any:
    """The tasks that send a mail; django-tasks types its query sets too narrowly."""
    return DBTaskResult.objects.filter(task_path=send_letter.module_path)


def waiting_since() -> datetime | None:
    """Since when the mail waits that has been due for longest; ``None`` when none is due."""
    return due_since(mails())


def due_since(tasks: Any) -> datetime | None:
    """Since when the task of ``tasks`` waits that has been due for longest, if one does."""
    due: datetime | None = None
    for row in (
        tasks.ready().filter(run_after=get_date_max()).order_by("enqueued_at").first(),
        tasks.ready().exclude(run_after=get_date_max()).order_by("run_after").first(),
    ):
        if row is not None:
            since = row.enqueued_at if row.run_after == get_date_max() else row.run_after
            due = since if due is None else min(due, since)
    return due


def are_mails_late() -> bool:
    """Whether a mail is due for ``LATE_AFTER``: no worker runs, or too few do."""
    since = waiting_since()
    return since is not None and timezone.now() - since > LATE_AFTER


def requeue_interrupted() -> int:
    """Put back the mails whose worker was killed while it sent them; answer how many.

    Such a mail may be sent twice; it is not lost.
    """
    count: int = (
        mails()
        .running()
        .filter(started_at__lt=timezone.now() - DEAD_AFTER)
        .update(status=TaskResultStatus.READY, started_at=None)
    )
    return count


def delete_given_up(older_than: timedelta) -> int:
    """Delete what is left of mails that were given up: their error, no address; answer how many."""
    count: int = mails().failed().filter(finished_at__lt=timezone.now() - older_than).delete()[0]
    return count
