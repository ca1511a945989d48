from __future__ import annotations

from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from core import seals
from core.management.base import HelpFormatter
from core.models import AuditEvent

SHOWN = 20


class Command(BaseCommand):
    help = """Recompute every hash and every seal of the audit trail.

Exit code 0: the trail is as it was written. 1: it is not; the events are named, oldest first.

  manage.py audit_verify
  manage.py audit_verify --expect 3f9c…   (a seal hash that audit_seal printed earlier)
"""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return super().create_parser(prog_name, subcommand, formatter_class=HelpFormatter, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--expect", metavar="HASH", help="a seal hash that must still exist")

    def handle(self, *args: Any, expect: str | None, **options: Any) -> None:
        progress = partial(tqdm, total=AuditEvent.objects.count(), unit=" events", disable=None)
        report = seals.verify(progress=progress)
        findings = list(report.findings)
        if expect and not AuditEvent.objects.filter(action="seal", row_hash=expect).exists():
            findings.append(f"the seal {expect} is gone")
        for finding in findings[:SHOWN]:
            self.stderr.write(finding)
        if len(findings) > SHOWN:
            self.stderr.write(f"… and {len(findings) - SHOWN} more")
        if findings:
            raise CommandError(
                "The audit trail was tampered with. Compare it with a backup, starting at the "
                "first event named above.",
                returncode=1,
            )
        self.stdout.write(
            f"The audit trail is as it was written. Events: {report.events}, of which not "
            f"sealed yet: {report.unsealed}. Seals: {report.seals}."
        )
