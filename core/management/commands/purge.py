from __future__ import annotations

import logging
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from core.errors import DomainError
from core.management.base import AuditedCommand, FindingsError
from core.retention import Outcome, Rule, purge, rules_named

logger = logging.getLogger(__name__)


class Command(AuditedCommand):
    help = """Remove for good what is older than its days in RETENTION_DAYS.

It works in batches that are a short transaction each: it may be stopped and started again at any
time. What it removed is one event a rule in the audit trail. The schedule runs it daily."""
    examples = (
        ("python manage.py purge --dry-run", "what is past its days, rule by rule"),
        ("python manage.py purge", "remove it"),
        ("python manage.py purge activity sessions", "remove what these two rules name"),
        ("python manage.py purge --dry-run --format json", "the same numbers for a program"),
    )
    exit_codes = {0: "removed, or nothing was old enough", 1: "some rules failed; the others ran"}
    page = "docs/developer/retention.md"
    when_stopped = "What was removed stays removed. Run the same command again to remove the rest."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "rules", nargs="*", metavar="RULE", help="only these rules; all when left out"
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="count what would go, and remove nothing"
        )

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        chosen = rules_named(options["rules"])
        self.require_database()
        failures: dict[str, str] = {}
        done: list[tuple[Rule, Outcome]] = []
        self._row("rule", "days", "would remove" if dry_run else "removed", "kept", "what")
        with self.acting(options):
            for rule in chosen:
                try:
                    outcome = rule.count(rule.before()) if dry_run else self._purge(rule)
                except Exception as error:
                    logger.exception("The rule %s failed.", rule.name)
                    failures[rule.name] = (
                        error.message if isinstance(error, DomainError) else "the log says why"
                    )
                    if not self.is_json:
                        self.stderr.write(f"{rule.name} failed: {failures[rule.name]}")
                    continue
                done.append((rule, outcome))
                self._report(rule, outcome)
        self._conclude(done, failures, dry_run=dry_run)

    def _purge(self, rule: Rule) -> Outcome:
        with self.progress(rule.name, unit="rows") as bar:
            return purge(rule, bar.update)

    def _report(self, rule: Rule, outcome: Outcome) -> None:
        self._row(
            rule.name, str(rule.days), f"{outcome.removed:,}", f"{outcome.kept:,}", rule.removes
        )
        if not self.is_json:
            for note in outcome.notes:
                self.stdout.write(f"{'':<12}{note}")

    def _row(self, name: str, days: str, removed: str, kept: str, what: str) -> None:
        if not self.is_json:
            self.stdout.write(f"{name:<12}{days:>6}{removed:>14}{kept:>10}  {what}")

    def _conclude(
        self, done: list[tuple[Rule, Outcome]], failures: dict[str, str], *, dry_run: bool
    ) -> None:
        count = sum(outcome.removed for _, outcome in done)
        if self.is_json:
            rows = [
                {"rule": rule.name, "days": rule.days, "removes": rule.removes, **asdict(outcome)}
                for rule, outcome in done
            ]
            self.write_json({"dry_run": dry_run, "rules": rows, "failures": failures})
        elif not count and not failures:
            self.stdout.write("Nothing is past its days.")
        elif dry_run and count:
            self.stdout.write("Nothing was removed. To remove it: python manage.py purge")
        if failures:
            raise FindingsError(f"Failed: {', '.join(failures)}. Run them again.")
