"""What the core has on the schedule: sealing the audit trail, and removing what is old."""

from __future__ import annotations

import logging

from django_tasks import task

from core import retention, seals
from core.schedule import periodic

logger = logging.getLogger(__name__)


class PurgeIncompleteError(Exception):
    """Some rules failed; the log says why."""


@periodic("5 * * * *")
@task()
def seal_audit_trail() -> None:
    """Seal the audit events since the last seal, and log the seal's hash."""
    made = seals.seal()
    if made is not None:
        logger.info("Sealed audit events %d to %d: %s", made.first_id, made.last_id, made.row_hash)


@periodic("20 3 * * *")
@task()
def purge() -> None:
    """Remove what is older than RETENTION_DAYS."""
    failed = []
    for rule in retention.rules():
        try:
            outcome = retention.purge(rule)
        except Exception:
            logger.exception("The rule %s failed.", rule.name)
            failed.append(rule.name)
            continue
        logger.info("Purged %s: %d rows, %d kept.", rule.name, outcome.removed, outcome.kept)
    if failed:
        raise PurgeIncompleteError(f"Failed: {', '.join(failed)}.")
