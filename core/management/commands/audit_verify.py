from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.core.management.base import CommandParser

from core import seals
from core.management.base import Command as BaseCommand
from core.management.base import FindingsError
from core.models import AuditEvent

SHOWN = 20


class Command(BaseCommand):
    help = """Recompute every hash and every seal of the audit trail.

It reads the whole trail and changes nothing. What does not fit is named, oldest first."""
    examples = (
        ("python manage.py audit_verify", "is the trail as it was written?"),
        (
            "python manage.py audit_verify --expect 3f9c0a52",
            "and is the seal still there whose hash audit_seal printed?",
        ),
        ("python manage.py audit_verify --format json", "the answer for monitoring"),
    )
    exit_codes = {0: "the trail is as it was written", 1: "it is not"}
    page = "docs/developer/audit.md"
    when_stopped = "Nothing was decided: run it again to read the whole trail."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--expect",
            metavar="HASH",
            help="a seal hash, as audit_seal printed it, that must still be in the trail",
        )

    def handle(self, *args: Any, expect: str | None, **options: Any) -> None:
        report = seals.verify(progress=self._with_bar)
        findings = list(report.findings)
        if expect and not AuditEvent.objects.filter(action="seal", row_hash=expect).exists():
            findings.append(f"the seal {expect} is gone")
        if self.is_json:
            self.write_json(
                {
                    "intact": not findings,
                    "events": report.events,
                    "unsealed": report.unsealed,
                    "seals": report.seals,
                    "last_seal": report.last_seal or None,
                    "findings": findings,
                }
            )
        else:
            self._list(findings)
        if findings:
            raise FindingsError(
                "The audit trail was tampered with. Compare it with a backup, starting at the "
                "first event named above."
            )
        if not self.is_json:
            self.stdout.write(
                f"The audit trail is as it was written. Events: {report.events:,}, of which not "
                f"sealed yet: {report.unsealed:,}. Seals: {report.seals:,}.",
                self.style.SUCCESS,
            )

    def _with_bar(self, events: Iterable[Any]) -> Iterator[Any]:
        with self.progress("Verifying", unit="events", total=AuditEvent.objects.count()) as bar:
            for event in events:
                yield event
                bar.update()

    def _list(self, findings: list[str]) -> None:
        for finding in findings[:SHOWN]:
            self.stderr.write(finding)
        if len(findings) > SHOWN:
            self.stderr.write(f"… and {len(findings) - SHOWN:,} more; --format json names all")
