from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import DEFAULT_DB_ALIAS

from schematools.config import load_config
from schematools.documentation import in_silence, page_changes
from schematools.drift import history_findings, missing_operations, page_findings
from schematools.errors import NothingToDocumentError
from schematools.findings import Finding
from schematools.history import (
    BROKEN_GRAPH,
    broken_graph,
    load_migrations,
    read_history,
    read_missing_operations,
)
from schematools.project import read_project
from schematools.report import report
from schematools.terminal import add_examples, failures_in_words, short_path

EXAMPLES = """\
  compare everything:               manage.py check_drift
  leave out the ERD pages:          manage.py check_drift --no-docs
  give the findings to a program:   manage.py check_drift --format json"""


class Command(BaseCommand):
    help = "Find where models, migrations, the record of applied migrations and ERD pages disagree."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        add_examples(parser, EXAMPLES)
        parser.add_argument(
            "--format",
            choices=["text", "json"],
            default="text",
            dest="file_format",
            help="lines for people, or one JSON object",
        )
        parser.add_argument(
            "--no-docs", action="store_false", dest="docs", help="do not compare the ERD pages"
        )

    def handle(self, *, file_format: str, docs: bool, **options: Any) -> None:
        with failures_in_words():
            findings = [*_migration_findings(), *(_page_findings() if docs else ())]
        compared = "models, migrations, the record of applied migrations"
        pages = " and ERD pages" if docs else ""
        report(
            self,
            findings,
            file_format=file_format,
            clean=f"No drift: {compared}{pages} agree.",
        )


def _migration_findings() -> Iterator[Finding]:
    try:
        loader = load_migrations(DEFAULT_DB_ALIAS)
    except BROKEN_GRAPH as error:
        yield broken_graph(error)
        return
    history = read_history(loader, DEFAULT_DB_ALIAS)
    yield from history_findings(history)
    if not history.conflicts:  # until they are merged, the migrations have no one final state
        yield from missing_operations(read_missing_operations(loader))


def _page_findings() -> Iterator[Finding]:
    config = load_config()
    try:
        schema = read_project(config)
    except NothingToDocumentError:
        return
    changes = page_changes(config, schema, output=config.output, progress=in_silence)
    yield from page_findings(
        [(change.kind, short_path(change.path, config.base_dir)) for change in changes]
    )
