"""Whether Python is one that is supported, and what Django's own checks say."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from django.conf import settings
from django.core import checks

from truledgr.checkup.findings import Finding, Status, area
from truledgr.first_aid import OLDEST_PYTHON, version_problem


@area("python", asks_database=False)
def check_python() -> Iterator[Finding]:
    running = ".".join(map(str, sys.version_info[:3]))
    if problem := version_problem():
        yield Finding("python.too-old", Status.FAILED, problem.summary, problem.remedy)
        return
    oldest = ".".join(map(str, OLDEST_PYTHON))
    yield Finding("python.supported", Status.OK, f"Python {running}; {oldest} or newer is needed.")


@area("settings", asks_database=False)
def check_settings() -> Iterator[Finding]:
    """Django's system checks; in production those of a deployment too."""
    found = checks.run_checks(include_deployment_checks=not settings.DEBUG)
    grave = [each for each in found if each.level >= checks.WARNING and not each.is_silenced()]
    for each in grave:
        yield Finding(
            f"settings.{each.id or 'check'}",
            Status.WARNING if each.level == checks.WARNING else Status.FAILED,
            " ".join(each.msg.split()),
            each.hint or "manage.py check --deploy tells more",
        )
    if not grave:
        kind = "development" if settings.DEBUG else "production"
        yield Finding(
            "settings.sound", Status.OK, f"The settings are sound: those of {kind}, as DEBUG says."
        )
