"""Is all well? What the admin's start page and ``manage.py doctor`` ask.

Each area has one check, which never raises and takes a bounded time; it answers at least one
finding. Those of ``SLOW`` take seconds: the schedule runs them once a day and notes what they
found, and the start page shows that with its age.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.core.cache import cache
from django.utils import timezone

from truledgr.checkup.caching import check_cache
from truledgr.checkup.database import (
    PENDING,
    UNREACHABLE,
    check_clock,
    check_database,
    check_migrations,
    check_partitions,
)
from truledgr.checkup.files import check_static_files
from truledgr.checkup.findings import Check, Finding, Status
from truledgr.checkup.installation import check_python, check_settings
from truledgr.checkup.keys import check_keys
from truledgr.checkup.schedule import check_retention, check_schedule, check_trail
from truledgr.checkup.schema import check_documentation, check_drift, check_packages
from truledgr.checkup.work import check_mail, check_tasks

__all__ = ["CHECKS", "QUICK", "SLOW", "Finding", "Noted", "Status", "note", "noted", "run"]

CHECKS: dict[str, Check] = {
    "python": check_python,
    "settings": check_settings,
    "database": check_database,
    "cache": check_cache,
    "migrations": check_migrations,
    "mail": check_mail,
    "tasks": check_tasks,
    "schedule": check_schedule,
    "keys": check_keys,
    "trail": check_trail,
    "partitions": check_partitions,
    "retention": check_retention,
    "static": check_static_files,
    "clock": check_clock,
    "drift": check_drift,
    "documentation": check_documentation,
    "packages": check_packages,
}
SLOW = frozenset({"drift", "documentation", "packages"})
QUICK = tuple(name for name in CHECKS if name not in SLOW)
WITHOUT_DATABASE = frozenset({"python", "settings", "database", "cache", "static", "packages"})

NOTE = "checkup:slow"


def run(areas: Iterable[str] = QUICK) -> list[Finding]:
    """What ``examine()`` finds, all of it."""
    return list(examine(areas))


def examine(areas: Iterable[str]) -> Iterator[Finding]:
    """The findings of these areas as they are made, in the order of ``CHECKS``.

    Where the database does not answer, what asks it is left out: each would wait for it in vain.
    Where it lacks migrations, so is what could not be checked for want of a table.
    """
    wanted = set(areas)
    seen: set[str] = set()
    for name, check in CHECKS.items():
        if name not in wanted or (UNREACHABLE in seen and name not in WITHOUT_DATABASE):
            continue
        for finding in check():
            seen.add(finding.check)
            if PENDING not in seen or finding.check != f"{name}.not-checked":
                yield finding


@dataclass(frozen=True, slots=True)
class Noted:
    """What the slow checks found when they were run last."""

    findings: tuple[Finding, ...]
    moment: datetime


def note(findings: Iterable[Finding]) -> None:
    """Keep what the slow checks found, for every process that shares the cache."""
    slow = tuple(each for each in findings if each.area in SLOW)
    cache.set(NOTE, Noted(slow, timezone.now()), timeout=None)


def noted() -> Noted | None:
    """What ``note()`` kept; nothing where it was never called, or the cache is not shared."""
    found = cache.get(NOTE)
    return found if isinstance(found, Noted) else None
