import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser
from django.db import DEFAULT_DB_ALIAS

from schematools.databases import database_connection
from schematools.errors import CannotRunError
from schematools.history import BROKEN_GRAPH, broken_graph, load_migrations
from schematools.management.base import Command as BaseCommand
from schematools.markup import number
from schematools.report import add_format_argument
from schematools.status import Status, only, read_status
from schematools.terminal import FindingsError, failures_in_words

JSON_VERSION = 1


class Command(BaseCommand):
    help = "Tell each app's current migration, since when, and what is pending in which order."
    exit_codes = {**BaseCommand.exit_codes, 0: "told", 1: "with --check: something is pending"}
    examples = (
        ("python manage.py migration_status", "where every app is"),
        (
            "python manage.py migration_status users groups --database replica",
            "two apps on another database",
        ),
        ("python manage.py migration_status --history", "what was applied when"),
        ("python manage.py migration_status --check --format json", "let monitoring watch it"),
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("apps", nargs="*", metavar="app", help="only these apps")
        parser.add_argument(
            "--database",
            default=DEFAULT_DB_ALIAS,
            metavar="ALIAS",
            help="the database to ask, by default the one of that name",
        )
        parser.add_argument(
            "--history", action="store_true", help="list what was applied, oldest first"
        )
        parser.add_argument(
            "--check", action="store_true", help="exit with 1 when anything is pending"
        )
        add_format_argument(parser)

    def handle(
        self,
        *,
        apps: Sequence[str],
        database: str,
        history: bool,
        check: bool,
        file_format: str,
        **options: Any,
    ) -> None:
        with failures_in_words():
            status = _read(database)
            if apps:
                status = only(status, apps)
        if file_format == "json":
            document = {"version": JSON_VERSION, "current": status.is_current, **asdict(status)}
            if not history:
                del document["history"]
            self.stdout.write(json.dumps(document, indent=2, ensure_ascii=False))
        elif history:
            self._list_history(status)
        else:
            self._list_apps(status)
        if check and not status.is_current:
            raise FindingsError(
                f"{number(len(status.plan), 'migration is', 'migrations are')} pending. "
                f"Run 'python manage.py migrate --database {status.database}'.",
            )

    def _list_apps(self, status: Status) -> None:
        rows = [("app", "current", "since", "applied", "pending")]
        rows += [
            (
                item.app,
                item.current or "none",
                item.applied_at or "-",
                f"{item.applied:,}",
                f"{len(item.pending):,}" if item.pending else "-",
            )
            for item in status.apps
        ]
        for line in _aligned(rows):
            self.stdout.write(line)
        if status.is_current:
            self.stdout.write("Nothing is pending.", self.style.SUCCESS)
            return
        self.stdout.write("Pending, in this order:", self.style.WARNING)
        for name in status.plan:
            self.stdout.write(f"  {name}")

    def _list_history(self, status: Status) -> None:
        if not status.history:
            self.stdout.write("Nothing was applied yet. Run 'python manage.py migrate'.")
        for line in _aligned(
            [
                (item.applied_at, f"{item.app}.{item.name}", "" if item.known else "no file")
                for item in status.history
            ]
        ):
            self.stdout.write(line)


def _read(alias: str) -> Status:
    database_connection(alias)
    try:
        return read_status(load_migrations(alias), alias)
    except BROKEN_GRAPH as error:
        finding = broken_graph(error)
        raise CannotRunError(f"{finding.sentence} To mend it: {finding.remedy}.") from error


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))] if rows else []
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
