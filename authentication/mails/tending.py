"""Looking after the queue of mails by the clock."""

from __future__ import annotations

import logging
from datetime import timedelta

from django_tasks import task

from authentication.mails.queue import delete_given_up, requeue_interrupted
from core.schedule import periodic

logger = logging.getLogger(__name__)

KEPT = timedelta(days=14)  # what is left of a mail that was given up


@periodic("*/15 * * * *")
@task()
def tend_mails() -> None:
    """Put back the mails of a killed worker, and forget those given up two weeks ago."""
    put_back, forgotten = requeue_interrupted(), delete_given_up(KEPT)
    if put_back or forgotten:
        logger.info("Mails put back: %d, given up and forgotten: %d.", put_back, forgotten)
