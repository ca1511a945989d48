from typing import Any

from django.core.management.base import CommandParser
from django.db import DEFAULT_DB_ALIAS

from schematools.config import load_config
from schematools.drift import IDS
from schematools.drift_check import find_drift
from schematools.findings import parse_ignores, without_ignored
from schematools.management.base import Command as BaseCommand
from schematools.report import add_report_arguments, report, warn_of_unused
from schematools.terminal import failures_in_words, without_collector


class Command(BaseCommand):
    help = (
        "Find where models, migrations, the database, its record of migrations and ERD pages "
        "disagree. The first check replays the migrations in a scratch database."
    )
    examples = (
        ("python manage.py check_drift", "compare everything"),
        ("python manage.py check_drift --database archive", "another database"),
        ("python manage.py check_drift --no-docs", "leave out the ERD pages"),
        ("python manage.py check_drift --no-live", "leave out the database's tables"),
        ("python manage.py check_drift --no-replay", "run no code of the migrations"),
        (
            "python manage.py check_drift --ignore 'table-extra:legacy_*'",
            "leave out tables that another program looks after",
        ),
        ("python manage.py check_drift --format json", "the findings for a program"),
    )
    when_stopped = "The scratch database was removed; nothing was changed."

    def add_arguments(self, parser: CommandParser) -> None:
        add_report_arguments(parser)
        parser.add_argument("--database", default=DEFAULT_DB_ALIAS, help="an alias of DATABASES")
        parser.add_argument(
            "--no-docs", action="store_false", dest="docs", help="do not compare the ERD pages"
        )
        parser.add_argument(
            "--no-live",
            action="store_false",
            dest="live",
            help="do not compare the tables of the database, only its record of migrations",
        )
        parser.add_argument(
            "--no-replay",
            action="store_false",
            dest="replay",
            help="compare the database with the models, running no migration",
        )

    def handle(
        self,
        *,
        database: str,
        docs: bool,
        live: bool,
        replay: bool,
        ignore: list[str],
        file_format: str,
        **options: Any,
    ) -> None:
        with failures_in_words(), without_collector(self):
            config = load_config()
            # Reasons are for those in the settings; a switch is somebody's own.
            ignores = parse_ignores({**config.drift_ignore, **dict.fromkeys(ignore, "")}, ids=IDS)
            found = find_drift(
                config, alias=database, live=live, replay=replay, docs=docs, progress=self._progress
            )
        self._end_progress()
        for note in found.notes:
            self.stderr.write(f"note: {note}")
        warn_of_unused(self, found.findings, ignores)
        compared = [
            "models, migrations",
            *(["the database"] if live else []),
            "the record of applied migrations",
            *(["ERD pages"] if docs else []),
        ]
        report(
            self,
            without_ignored(found.findings, ignores),
            file_format=file_format,
            clean=f"No drift: {', '.join(compared[:-1])} and {compared[-1]} agree.",
            database=database,
            notes=list(found.notes),
        )

    def _progress(self, text: str) -> None:
        """Show one line that changes."""
        if self.is_watched:
            self.stderr.write(f"\r\033[K{text}", ending="")

    def _end_progress(self) -> None:
        if self.is_watched:
            self.stderr.write("\r\033[K", ending="")
