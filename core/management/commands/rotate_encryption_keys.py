from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from core.encryption import EncryptedColumn, encrypted_columns, key_names
from core.key_rotation import Outcome, count_rows, rotate_column
from core.management.base import Command as BaseCommand
from core.management.base import FindingsError

MOST_NAMED = 20


class Command(BaseCommand):
    help = """Encrypt everything that is stored encrypted under the newest key.

Authenticator secrets, open sessions and mails that have not left: every column that is encrypted,
in small transactions, while the site runs. It may be stopped and started again at any time.

How a key is replaced:

  1. Put the new key last in FIELD_ENCRYPTION_KEYS, and restart everything: all can read it.
  2. Put the new key first, and restart everything: all write under it.
  3. Run this command.
  4. When it says so, take the old key away and restart everything."""
    examples = (
        (
            "python manage.py rotate_encryption_keys --dry-run",
            "count what is under which key, and write nothing",
        ),
        ("python manage.py rotate_encryption_keys", "step 3 of the above"),
    )
    exit_codes = {
        0: "everything is under the newest key, or with --dry-run could be",
        1: "a row is left that no key opens; it is named",
    }
    page = "docs/developer/rotating-encryption-keys.md"
    when_stopped = (
        "What is re-encrypted stays so. Remove no key, and run this again to do the rest."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="count what is under which key, and write nothing",
        )

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        outcomes = [self._run(column, dry_run=dry_run) for column in encrypted_columns()]
        if self.is_json:
            self.write_json(_as_json(outcomes, dry_run=dry_run))
        else:
            for outcome in outcomes:
                self._report(outcome)
        broken = [outcome for outcome in outcomes if not outcome.is_clean]
        if broken:
            raise FindingsError(self._unfinished(broken))
        if not self.is_json:
            self.stdout.write(self._verdict(outcomes, dry_run=dry_run))

    def _run(self, column: EncryptedColumn, *, dry_run: bool) -> Outcome:
        outcome = Outcome(column.label)
        with self.progress(column.label, unit="rows", total=count_rows(column)) as bar:
            for size in rotate_column(column, outcome, dry_run=dry_run):
                bar.update(size)
        return outcome

    def _report(self, outcome: Outcome) -> None:
        names = key_names()
        counts = [
            f"{count:,} under {self._key(position, names)}"
            for position, count in sorted(outcome.by_key.items())
        ]
        if outcome.unreadable:
            counts.append(f"{len(outcome.unreadable):,} that no key opens")
        self.stdout.write(f"{outcome.label}: {', '.join(counts) or 'nothing stored'}")
        if outcome.changed:
            self.stdout.write(f"  re-encrypted: {outcome.changed:,}")

    def _key(self, position: int, names: list[str]) -> str:
        return f"key {position + 1} ({names[position]})"

    def _unfinished(self, broken: list[Outcome]) -> str:
        lines = []
        for outcome in broken:
            unreadable, contested = len(outcome.unreadable), len(outcome.contested)
            if unreadable:
                named = ", ".join(outcome.unreadable[:MOST_NAMED])
                more = f" and {unreadable - MOST_NAMED:,} more" if unreadable > MOST_NAMED else ""
                lines.append(f"{outcome.label}: no key opens {named}{more}.")
            if contested:
                lines.append(
                    f"{outcome.label}: {contested:,} rows were being written all the time."
                )
        lines.append("Put the key that is missing back, last, and run this again. Remove no key.")
        return "\n".join(lines)

    def _verdict(self, outcomes: list[Outcome], *, dry_run: bool) -> str:
        older = sum(
            count for outcome in outcomes for position, count in outcome.by_key.items() if position
        )
        if older and dry_run:
            return f"{older:,} values are under older keys. Run this without --dry-run."
        if len(settings.FIELD_ENCRYPTION_KEYS) == 1:
            return "There is one key, and it opens everything."
        return (
            "Everything is under the newest key. The older keys may be removed from "
            "FIELD_ENCRYPTION_KEYS, unless a process is still running that was started before the "
            "newest key stood first: then restart it, and run this once more."
        )


def _as_json(outcomes: list[Outcome], *, dry_run: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "keys": key_names(),
        "columns": [
            {
                "column": outcome.label,
                "rows_by_key": {
                    name: outcome.by_key[position] for position, name in enumerate(key_names())
                },
                "changed": outcome.changed,
                "unreadable": outcome.unreadable,
                "contested": outcome.contested,
            }
            for outcome in outcomes
        ],
    }
