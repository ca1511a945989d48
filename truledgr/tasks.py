"""What the project as a whole has on the schedule: looking after itself."""

from __future__ import annotations

import logging

from django_tasks import task

from core.schedule import periodic
from truledgr import checkup

logger = logging.getLogger(__name__)


@periodic("50 4 * * *")
@task()
def check_installation() -> None:
    """Run the slow checks of ``manage.py doctor``, for the admin's start page."""
    findings = checkup.run(checkup.SLOW)
    checkup.note(findings)
    for finding in findings:
        if finding.status is not checkup.Status.OK:
            logger.warning("%s: %s %s", finding.check, finding.summary, finding.remedy)
