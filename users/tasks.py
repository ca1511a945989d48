"""What runs in the worker for sessions, by the clock."""

from __future__ import annotations

import logging

from django_tasks import task

from core.schedule import periodic
from users.analytics.roll_ups import roll_up_missing
from users.partitions import activity_partitions, make_coming_months
from users.sessions import SessionStore

logger = logging.getLogger(__name__)


@periodic("*/15 * * * *")
@task()
def end_expired_sessions() -> None:
    """End the sessions that have passed a limit, and remove those that nobody signed in to."""
    SessionStore.clear_expired()


@periodic("10 * * * *")
@task()
def roll_up_days() -> None:
    """Count the sign-ins and sessions of each day that is over and not counted yet."""
    if days := roll_up_missing():
        logger.info("Counted the sessions of %d days.", days)


@periodic("40 0 * * *")
@task()
def make_partitions() -> None:
    """Make the coming months' partitions of activity, on PostgreSQL."""
    partitions = activity_partitions()
    if partitions.is_partitioned() and (made := make_coming_months(partitions)):
        logger.info("Made partitions: %s.", ", ".join(made))
