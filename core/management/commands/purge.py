from __future__ import annotations

import logging
from typing import Any

from django.core.management.base import CommandError, CommandParser
from tqdm import tqdm

from core.errors import DomainError
from core.management.base import AuditedCommand
from core.retention import Outcome, Rule, UnknownRuleError, purge, rules_named

logger = logging.getLogger(__name__)


class Command(AuditedCommand):
    help = """Remove for good what is older than its days in RETENTION_DAYS.

It works in batches that are a short transaction each: it may be stopped and started again at any
time. What it removed is one event a rule in the audit trail. The schedule runs it daily.

  manage.py purge --dry-run              says what it would remove
  manage.py purge
  manage.py purge activity sessions      these rules alone
"""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("rules", nargs="*", metavar="RULE", help="default: all")
        parser.add_argument("--dry-run", action="store_true", help="remove nothing")

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        try:
            chosen = rules_named(options["rules"])
        except UnknownRuleError as error:
            raise CommandError(error.message) from error
        failed = []
        self._row("rule", "days", "would remove" if dry_run else "removed", "kept", "what")
        with self.acting(options):
            for rule in chosen:
                try:
                    outcome = rule.count(rule.before()) if dry_run else self._purge(rule)
                except Exception as error:
                    logger.exception("The rule %s failed.", rule.name)
                    failed.append(rule.name)
                    reason = error.message if isinstance(error, DomainError) else "the log says why"
                    self.stderr.write(f"{rule.name} failed: {reason}")
                    continue
                self._report(rule, outcome)
        if failed:
            raise CommandError(f"Failed: {', '.join(failed)}. Run them again.")

    def _purge(self, rule: Rule) -> Outcome:
        # disable=None: a bar on a terminal only.
        with tqdm(desc=rule.name, unit=" rows", disable=None, leave=False) as bar:
            return purge(rule, bar.update)

    def _report(self, rule: Rule, outcome: Outcome) -> None:
        self._row(
            rule.name, str(rule.days), f"{outcome.removed:,}", f"{outcome.kept:,}", rule.removes
        )
        for note in outcome.notes:
            self.stdout.write(f"{'':<12}{note}")

    def _row(self, name: str, days: str, removed: str, kept: str, what: str) -> None:
        self.stdout.write(f"{name:<12}{days:>6}{removed:>14}{kept:>10}  {what}")
