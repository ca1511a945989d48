from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from core.management.base import Command as BaseCommand
from items.management.holders import group_called, user_called
from items.models import Item, ItemQuerySet
from items.services.exporting import export_items
from items.services.import_rows import CSV, FORMATS


class Command(BaseCommand):
    help = """Export live items, the oldest first, in a form that import_items takes as it is.

The file goes to standard output unless --output names one, which appears when it is whole."""
    examples = (
        ("python manage.py export_items --owner anna > items.csv", "anna's own items"),
        (
            "python manage.py export_items --group sales --format jsonl --output sales.jsonl",
            "those of a group, a JSON object a line",
        ),
        (
            "python manage.py export_items --all --format jsonl | gzip > items.jsonl.gz",
            "everybody's, compressed",
        ),
    )
    exit_codes = {
        0: "all are exported",
        2: "could not run: an unknown user or group, or the file cannot be written",
    }
    page = "docs/developer/import-export.md"
    formats = ()
    why_no_json = "what it writes is the file itself: CSV, or JSON Lines"
    when_stopped = (
        "The file is not whole; with --output there is none. Run it again from the start."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument("--owner", metavar="USER", help="whose personal items")
        whose.add_argument("--group", metavar="SLUG", help="the group whose items")
        whose.add_argument("--all", action="store_true", help="everybody's")
        parser.add_argument(
            "--format",
            choices=FORMATS,
            default=CSV,
            help="csv with a heading (the default), or jsonl: a JSON object a line",
        )
        parser.add_argument(
            "--output", metavar="FILE", help="where it goes; standard output when left out"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        rows = _chosen(options)
        with self.progress("Exporting", unit="items", total=rows.count()) as bar:
            pieces = export_items(rows, file_format=options["format"], advance=bar.update)
            if not options["output"]:
                for piece in pieces:
                    self.stdout.write(piece, ending="")
                return
            try:
                _write_file(Path(options["output"]), pieces)
            except OSError as error:
                raise CommandError(f"{options['output']}: {error.strerror or error}") from None
            self.note(f"{options['output']} is written.")


def _chosen(options: dict[str, Any]) -> ItemQuerySet:
    rows: ItemQuerySet = Item.objects.alive()
    if options["owner"]:
        return rows.filter(owner=user_called(options["owner"]))
    if options["group"]:
        return rows.filter(group=group_called(options["group"]))
    return rows


def _write_file(name: Path, pieces: Any) -> None:
    """Write beside it and rename, so that a file of that name is whole."""
    part = name.with_name(f"{name.name}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as out:
            out.writelines(pieces)
        part.replace(name)
    finally:
        with suppress(OSError):
            part.unlink()
