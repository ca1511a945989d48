from collections.abc import Sequence
from time import monotonic
from typing import Any

from django.core.management.base import CommandParser

from schematools.findings import parse_ignores, without_ignored
from schematools.management.base import Command as BaseCommand
from schematools.migration_lint import IDS, find_hazards
from schematools.report import add_report_arguments, report, warn_of_unused
from schematools.terminal import failures_in_words

PATIENCE = 2  # seconds


class Command(BaseCommand):
    help = """Find migrations that lock, break or cannot be undone on a PostgreSQL database in use.

A hazard is accepted in the migration's file, on or above the operation, or before the class for the
whole file:

  # schematools: accept index-added — the table has a hundred rows"""
    examples = (
        ("python manage.py lint_migrations", "every migration of the project"),
        ("python manage.py lint_migrations users groups", "those of two apps"),
        ("python manage.py lint_migrations --since origin/main", "those that a branch adds"),
        (
            "python manage.py lint_migrations --ignore 'column-dropped:users.*'",
            "leave a hazard out",
        ),
        ("python manage.py lint_migrations --format json", "the findings for a program"),
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "apps", nargs="*", metavar="app", help="labels of apps; by default the project's own"
        )
        parser.add_argument(
            "--since",
            default="",
            metavar="REF",
            help="only migrations added or changed since this git revision, as one release",
        )
        add_report_arguments(parser)

    def handle(
        self, *, apps: Sequence[str], since: str, file_format: str, ignore: Sequence[str], **_: Any
    ) -> None:
        self.started = monotonic()
        with failures_in_words():
            ignores = parse_ignores(dict.fromkeys(ignore, ""), ids=IDS)
            found = find_hazards(apps, since, progress=self._progress)
        if not apps and not since:
            warn_of_unused(self, found, ignores)
        report(
            self,
            without_ignored(found, ignores),
            file_format=file_format,
            clean="Nothing dangerous was found.",
        )

    def _progress(self, migration: str) -> None:
        """Tell people at a terminal which migration is being read, once they wonder."""
        if self.is_watched and monotonic() - self.started > PATIENCE:
            self.stderr.write(f"{migration} …", self.style.NOTICE)
