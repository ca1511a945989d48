from __future__ import annotations

import shutil
import sys
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, BinaryIO, cast

from django.core.management.base import CommandError, CommandParser

from core.context import Via, acting
from core.errors import DomainError
from core.management.base import Command as BaseCommand
from core.management.base import FindingsError
from core.security_events import note_refusal
from items.management.holders import group_called, user_called
from items.services.import_rows import CSV, FORMATS, JSON_LINES
from items.services.importing import CREATE, MODES, Report, import_items


class Command(BaseCommand):
    help = """Import items from a file, or from standard input where FILE is -: all rows or none.

Every row is checked before anything is written; each bad one is named on standard error. The items
are made by --actor, who needs the right to; without it, by their owner, or by the owner of the
group."""
    examples = (
        (
            "python manage.py import_items items.csv --owner anna --dry-run",
            "would every row go in? nothing is written",
        ),
        (
            "python manage.py import_items items.csv --group sales --actor anna",
            "anna adds them to a group",
        ),
        (
            "python manage.py import_items items.jsonl --owner anna --mode upsert",
            "change the items whose ids are given, make the others",
        ),
        (
            (
                "python manage.py export_items --owner anna | "
                "python manage.py import_items - --format csv --owner bob"
            ),
            "give bob a copy of each",
        ),
    )
    exit_codes = {
        0: "all rows are imported, or with --dry-run could be",
        1: "a row is bad, and is named; nothing was imported",
        2: "could not run, such as for an unknown user; nothing was imported",
    }
    page = "docs/developer/import-export.md"
    format_option = "--report"  # --format is that of the file
    when_stopped = "Nothing was imported."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="what to import; -: standard input")
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument("--owner", metavar="USER", help="whose new items they shall be")
        whose.add_argument("--group", metavar="SLUG", help="the group whose they shall be")
        parser.add_argument("--actor", metavar="USER", help="who imports them")
        parser.add_argument(
            "--format", choices=FORMATS, help="the file's; by default what FILE's name says"
        )
        parser.add_argument(
            "--mode",
            choices=MODES,
            default=CREATE,
            help="create: an item of each row; upsert: change the items whose ids are given",
        )
        parser.add_argument("--dry-run", action="store_true", help="check, and write nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        owner = user_called(options["owner"]) if options["owner"] else None
        group = group_called(options["group"]) if options["group"] else None
        actor = owner or (group.owner if group else None)
        if options["actor"]:
            actor = user_called(options["actor"])
        if actor is None:  # which the parser lets nobody come to
            raise CommandError("Give --owner or --group.")
        try:
            with (
                ExitStack() as closing,
                acting(via=Via.COMMAND, actor=actor),
                self.progress("Reading", unit="rows") as bar,
            ):
                report = import_items(
                    actor=actor,
                    file=_copied(options["file"], closing),
                    file_format=options["format"] or _format_of(options["file"]),
                    mode=options["mode"],
                    dry_run=options["dry_run"],
                    owner=owner,
                    group=group,
                    advance=bar.update,
                )
        except DomainError as error:
            with acting(via=Via.COMMAND, actor=actor):
                note_refusal(error)
            raise CommandError(f"Nothing was imported. {error.message}") from None
        except OSError as error:
            raise CommandError(f"{options['file']}: {error.strerror or error}") from None
        self._tell(report)

    def _tell(self, report: Report) -> None:
        if self.is_json:
            self.write_json(asdict(report))
        else:
            for error in report.errors:
                self.stderr.write(
                    f"line {error.line}: {error.field}: {error.detail} ({error.code})"
                )
        if not report.is_good:
            cut = " These are the first errors; there are more." if report.is_cut else ""
            raise FindingsError(
                f"{report.bad_rows:,} bad of {_rows(report.rows)}. Nothing was imported.{cut}"
            )
        if not self.is_json:
            would = "would be " if report.dry_run else ""
            self.stdout.write(
                f"{_rows(report.rows)}: {report.created:,} {would}made, {report.updated:,} "
                f"{would}changed, {report.unchanged:,} as they were."
            )


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _copied(name: str, closing: ExitStack) -> BinaryIO:
    """A copy of the file, which is read twice and must be the same both times."""
    copy = closing.enter_context(TemporaryFile())  # noqa: SIM115 (the stack is one)
    source: IO[bytes] = sys.stdin.buffer
    if name != "-":
        source = closing.enter_context(Path(name).open("rb"))  # noqa: SIM115 (as above)
    shutil.copyfileobj(source, copy)
    return cast("BinaryIO", copy)


def _format_of(name: str) -> str:
    return JSON_LINES if name.lower().endswith((".jsonl", ".ndjson")) else CSV
