"""What runs in the worker: sending mails, again and again when the mail server is away."""

from __future__ import annotations

import json
import logging
import smtplib
import time
from datetime import timedelta
from typing import Any

from django.dispatch import receiver
from django.utils import timezone
from django_tasks import TaskResultStatus, task
from django_tasks.signals import task_finished

from authentication.mails.letters import Letter
from core.encryption import decrypt

logger = logging.getLogger(__name__)

# Six attempts in seven and a half hours, then it is given up.
WAITS = (
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=6),
)
REFUSED_FOR_GOOD = 500  # SMTP answers 4xx for "later" and 5xx for "never" (RFC 5321, 4.2.1)


class MailNotSentError(Exception):
    """A mail was given up. Its text holds neither address nor content: it is kept and logged."""


@task()
def send_letter(sealed: str, attempt: int = 1) -> None:
    """Send one encrypted letter; when the server is away, queue it again for later.

    Raise ``MailNotSentError`` when it is given up.
    """
    letter = Letter(**json.loads(decrypt(sealed)))
    if letter.useless_after and time.time() > letter.useless_after:
        logger.warning("A mail had expired before it was sent: %s.", _named(letter))
        return
    try:
        letter.message().send()
    except Exception as error:  # noqa: BLE001 - see below: its text may hold addresses
        problem, final = _described(error), is_final(error)
    else:
        return
    # Outside of the except clause, so that no trace of the error is kept with the task.
    if final or not _again(sealed, attempt):
        logger.error("A mail was given up: %s, %s, attempt %d.", _named(letter), problem, attempt)
        raise MailNotSentError(f"{letter.name}: {problem}, attempt {attempt}")
    logger.warning("A mail waits: %s, %s, attempt %d.", _named(letter), problem, attempt)


def _again(sealed: str, attempt: int) -> bool:
    """Queue the next attempt; answer whether there is one."""
    if attempt > len(WAITS) or not send_letter.get_backend().supports_defer:
        return False
    later = timezone.now() + WAITS[attempt - 1]
    send_letter.using(run_after=later).enqueue(sealed, attempt + 1)
    return True


def is_final(error: Exception) -> bool:
    """Whether another attempt would meet the same refusal."""
    match error:
        case smtplib.SMTPRecipientsRefused(recipients=refusals):
            return all(code >= REFUSED_FOR_GOOD for code, _text in refusals.values())
        case smtplib.SMTPDataError(smtp_code=code):
            return code >= REFUSED_FOR_GOOD
        case smtplib.SMTPException() | OSError():
            return False  # a wrong password, too: somebody will set the right one
        case _:
            return True


def _described(error: Exception) -> str:
    code = getattr(error, "smtp_code", None)
    return f"{type(error).__name__} {code}" if code else type(error).__name__


def _named(letter: Letter) -> str:
    return f"{letter.name} for user {letter.user_id or 'unknown'}"


@receiver(task_finished, dispatch_uid="authentication.tasks.forget_letter")
def forget_letter(task_result: Any, **_kwargs: Any) -> None:
    """Leave nothing of a letter in the database once it has left or is given up."""
    if task_result.task.func is not send_letter.func or not hasattr(task_result, "db_result"):
        return
    row = type(task_result.db_result)._default_manager.filter(pk=task_result.id)
    try:
        if task_result.status == TaskResultStatus.SUCCESSFUL:
            row.delete()
        else:
            row.update(args_kwargs={"args": [], "kwargs": {}})
    except Exception:  # the worker would call a mail that was sent a failure
        logger.exception("The row of a finished mail task was left as it was.")
