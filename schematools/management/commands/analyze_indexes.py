from typing import Any

from django.core.management.base import CommandParser
from django.db import DEFAULT_DB_ALIAS

from schematools.config import load_config
from schematools.findings import parse_ignores, without_ignored
from schematools.index_use import IDS, IndexReport, find_index_problems
from schematools.index_use_postgresql import DEFAULT_THRESHOLDS, Thresholds
from schematools.management.base import Command as BaseCommand
from schematools.management.commands.check_integrity import add_limits
from schematools.markup import number
from schematools.progress import ProgressLine
from schematools.read_only import Limits, chosen_connection
from schematools.report import add_report_arguments, report, warn_of_unused
from schematools.terminal import failures_in_words


class Command(BaseCommand):
    help = """Find indexes that are missing, superfluous, unused, invalid or bloated.

Also tables that are read whole, and declared queries that no index serves. It changes nothing.
Queries are declared in the settings, each as a function that returns a queryset:

  SCHEMATOOLS = {"QUERIES": {"newest orders": "shop.queries.newest_orders"}}"""
    examples = (
        ("python manage.py analyze_indexes", "look at all indexes and declared queries"),
        ("python manage.py analyze_indexes --min-age 1", "believe statistics of one day"),
        ("python manage.py analyze_indexes --ignore query-scans:report", "leave out one query"),
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_report_arguments(parser)
        parser.add_argument("--database", default=DEFAULT_DB_ALIAS, help="another one of DATABASES")
        for option, name, kind, unit, words in (
            ("--min-age", "days", float, "DAYS", "believe statistics that are so old"),
            ("--min-scans", "scans", int, "N", "call an index unused after so many of its table"),
            ("--min-size", "megabytes", float, "MB", "look at the use and bloat of indexes from"),
            ("--large", "rows", int, "ROWS", "name scanned tables with so many rows"),
            ("--slow", "milliseconds", float, "MS", "name statements that take so long"),
        ):
            parser.add_argument(
                option,
                dest=name,
                type=kind,
                default=getattr(DEFAULT_THRESHOLDS, name),
                metavar=unit,
                help=f"{words} (default: %(default)s; PostgreSQL)",
            )
        add_limits(parser)

    def handle(self, *, file_format: str, **options: Any) -> None:
        line = ProgressLine(self.stderr, is_shown=self.is_watched)
        names = ("days", "scans", "megabytes", "rows", "milliseconds")
        with failures_in_words():
            config = load_config()
            asked = parse_ignores(dict.fromkeys(options["ignore"], ""), ids=IDS)
            ignores = (*asked, *parse_ignores(config.index_ignore, ids=IDS))
            try:
                found = find_index_problems(
                    chosen_connection(options["database"]),
                    config,
                    thresholds=Thresholds(**{name: options[name] for name in names}),
                    limits=Limits(lock=options["lock_timeout"], query=options["timeout"]),
                    progress=line,
                )
            finally:
                line.clear()
        for note in found.notes:
            self.stderr.write(note)
        warn_of_unused(self, found.findings, asked)
        report(
            self,
            without_ignored(found.findings, ignores),
            file_format=file_format,
            clean=_clean(found),
            database=options["database"],
            tables=found.tables,
            indexes=found.indexes,
            queries=found.queries,
            notes=found.notes,
        )


def _clean(found: IndexReport) -> str:
    return (
        f"No problem with {number(found.indexes, 'index', 'indexes')} of "
        f"{number(found.tables, 'table')}; {number(found.queries, 'query', 'queries')} explained."
    )
