from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from core.management.base import HelpFormatter
from items.management.holders import group_called, user_called
from items.models import Item, ItemQuerySet
from items.services.exporting import export_items
from items.services.import_rows import CSV, FORMATS

INTERRUPTED = 130


class Command(BaseCommand):
    help = """Export live items, the oldest first, in a form that import_items takes as it is.

The file goes to standard output unless --output names one, which appears when it is whole.

Exit status: 0 when all are exported; 1 when nothing could be tried, such as for an unknown user,
or the file cannot be written; 2 for wrong options; 130 when it is interrupted.

  manage.py export_items --owner anna > items.csv
  manage.py export_items --group sales --format jsonl --output sales.jsonl
  manage.py export_items --all --format jsonl | gzip > items.jsonl.gz
"""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return super().create_parser(prog_name, subcommand, formatter_class=HelpFormatter, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument("--owner", metavar="USER", help="whose personal items")
        whose.add_argument("--group", metavar="SLUG", help="the group whose items")
        whose.add_argument("--all", action="store_true", help="everybody's")
        parser.add_argument("--format", choices=FORMATS, default=CSV)
        parser.add_argument("--output", metavar="FILE", help="by default, standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        rows = _chosen(options)
        try:
            # disable=None: a bar on a terminal only.
            with tqdm(desc="Items", unit=" items", disable=None) as bar:
                pieces = export_items(rows, file_format=options["format"], advance=bar.update)
                if options["output"]:
                    _write_file(Path(options["output"]), pieces)
                else:
                    for piece in pieces:
                        self.stdout.write(piece, ending="")
                    self.stdout.flush()
        except BrokenPipeError:
            # Whoever reads has seen enough; Python would complain while it closes the pipe.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except OSError as error:
            raise CommandError(f"{options['output']}: {error.strerror or error}") from None
        except KeyboardInterrupt:
            raise CommandError("Stopped. The file is not whole.", returncode=INTERRUPTED) from None


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
