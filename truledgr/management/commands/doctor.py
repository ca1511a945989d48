from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from core.management.base import FINDINGS, FindingsError
from core.management.base import Command as BaseCommand
from truledgr import checkup
from truledgr.checkup import CHECKS, QUICK, SLOW, Finding, Status


class Command(BaseCommand):
    help = (
        "Look at the whole installation, and say of everything that is not well how to mend it. "
        "It changes nothing, and works as well where the settings cannot be read, the database "
        "is away or a package is missing."
    )
    examples = (
        ("python manage.py doctor", "look at everything"),
        (
            "python manage.py doctor --quick",
            "without comparing schemas and documents: seconds less",
        ),
        ("python manage.py doctor --only database --only keys", "look at parts of it"),
        ("python manage.py doctor --verbosity 0", "say only what is not well"),
        ("python manage.py doctor --verbosity 2", "with what the log has to say"),
        ("python manage.py doctor --format json", "for a program"),
    )
    exit_codes = {0: "all is well", FINDINGS: "something is not"}
    page = "docs/operations/doctor.md"
    # Django's own check would stop it at the first thing that is not well.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        some = parser.add_mutually_exclusive_group()
        some.add_argument(
            "--only",
            action="append",
            choices=list(CHECKS),
            metavar="PART",
            help=f"look at this part; may be repeated. Parts are: {', '.join(CHECKS)}",
        )
        some.add_argument(
            "--quick",
            action="store_true",
            help=f"leave out what is slow: {', '.join(name for name in CHECKS if name in SLOW)}",
        )

    def handle(self, *, only: Sequence[str] | None, quick: bool, **options: Any) -> None:
        areas = only or (QUICK if quick else tuple(CHECKS))
        findings = []
        with self._log_off():
            for finding in checkup.examine(areas):
                findings.append(finding)
                if not self.is_json:
                    self._tell(finding)
        if set(areas) >= SLOW:
            with suppress(Exception):  # a cache that is away is among the findings
                checkup.note(findings)
        counts = Counter(finding.status for finding in findings)
        worst = max(counts, key=list(Status).index, default=Status.OK)
        if self.is_json:
            self.write_json({"status": worst, "findings": [asdict(each) for each in findings]})
        if worst != Status.OK:
            told = [f"{counts[Status.FAILED]} failed", f"{counts[Status.WARNING]} to look at"]
            raise FindingsError(f"{', '.join(told)}, {counts[Status.OK]} well.")
        if self.verbosity and not self.is_json:
            self.stdout.write("All is well.")

    @contextmanager
    def _log_off(self) -> Iterator[None]:
        """Meanwhile the log says nothing, unless more is asked for: findings are in words."""
        logging.disable(logging.NOTSET if self.verbosity > 1 else logging.CRITICAL)
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)

    def _tell(self, finding: Finding) -> None:
        if finding.status == Status.OK:
            if self.verbosity:
                self.stdout.write(f"{self.style.SUCCESS('ok')}       {finding.summary}")
            return
        colour = self.style.ERROR if finding.status == Status.FAILED else self.style.WARNING
        self.stdout.write(f"{colour(f'{finding.status:<7}')}  {finding.summary}")
        self.stdout.write(f"         {finding.check}")
        if finding.remedy:
            self.stdout.write(f"         → {finding.remedy}")
