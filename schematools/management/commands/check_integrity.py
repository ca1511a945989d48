from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import CommandParser
from django.db import DEFAULT_DB_ALIAS

from schematools.findings import parse_ignores, without_ignored
from schematools.integrity import IDS, Outcome, find_violations, installed_models
from schematools.management.base import Command as BaseCommand
from schematools.markup import number
from schematools.progress import ProgressLine
from schematools.read_only import DEFAULT_LIMITS, Limits, chosen_connection
from schematools.report import add_report_arguments, report, warn_of_unused
from schematools.terminal import failures_in_words


class Command(BaseCommand):
    help = (
        "Find rows that break a rule of models or database: foreign keys that lead nowhere, values "
        "that are there twice, checks that are false, generic keys without an object, live rows "
        "of deleted ones. Changes nothing, and reads one moment of the database."
    )
    examples = (
        ("python manage.py check_integrity", "hold all rows to all rules"),
        (
            "python manage.py check_integrity --app shop --table 'legacy_*'",
            "one app and some tables",
        ),
        ("python manage.py check_integrity --sample 100000", "the last 100,000 rows of each table"),
        (
            "python manage.py check_integrity --ignore choice-unknown",
            "leave out what only forms ask for",
        ),
        ("python manage.py check_integrity --timeout 60", "no query longer than a minute"),
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_report_arguments(parser)
        parser.add_argument("--database", default=DEFAULT_DB_ALIAS, help="another one of DATABASES")
        parser.add_argument(
            "--app", action="append", default=[], help="tables of this app; may be repeated"
        )
        parser.add_argument(
            "--table",
            action="append",
            default=[],
            metavar="PATTERN",
            help="tables of this name, model or pattern; may be repeated",
        )
        parser.add_argument(
            "--sample",
            type=positive,
            metavar="N",
            help="look at the last N rows of each table only, by their primary keys",
        )
        add_limits(parser)

    def handle(self, *, file_format: str, **options: Any) -> None:
        line = ProgressLine(self.stderr, is_shown=self.is_watched)
        with failures_in_words():
            ignores = parse_ignores(dict.fromkeys(options["ignore"], ""), ids=IDS)
            try:
                outcome = find_violations(
                    chosen_connection(options["database"]),
                    models=installed_models(options["app"]) if options["app"] else None,
                    tables=options["table"],
                    sample=options["sample"],
                    limits=Limits(lock=options["lock_timeout"], query=options["timeout"]),
                    progress=line,
                )
            finally:
                line.clear()
        for left_out in outcome.unchecked:
            self.stderr.write(f"Not checked: {left_out.object}: {left_out.reason}.")
        warn_of_unused(self, outcome.findings, ignores)
        report(
            self,
            without_ignored(outcome.findings, ignores),
            file_format=file_format,
            clean=_clean(outcome, options["sample"]),
            database=options["database"],
            rules=outcome.rules,
            tables=outcome.tables,
            sample=options["sample"],
            unchecked=[left_out._asdict() for left_out in outcome.unchecked],
        )


def add_limits(parser: CommandParser) -> None:
    """Add ``--lock-timeout`` and ``--timeout``, in seconds."""
    parser.add_argument(
        "--lock-timeout",
        type=float,
        default=DEFAULT_LIMITS.lock,
        metavar="SECONDS",
        help="wait so long for a lock (default: %(default)g; 0 is for ever); on SQLite the "
        "connection's own timeout counts",
    )
    parser.add_argument(
        "--timeout",
        type=float,
        default=DEFAULT_LIMITS.query,
        metavar="SECONDS",
        help="let no query take longer (default: no limit)",
    )


def positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise ArgumentTypeError(f"{text!r} is not a positive whole number")
    return int(text)


def _clean(outcome: Outcome, sample: int | None) -> str:
    rows = f"the last {sample:,} rows" if sample else "all rows"
    return (
        f"Nothing breaks a rule: {number(outcome.rules, 'rule')} held by {rows} of "
        f"{number(outcome.tables, 'table')}."
    )
