from collections.abc import Sequence
from difflib import unified_diff
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from schematools.archive import Archive, plan_archive
from schematools.archive_databases import chosen_databases, refuse_unless_applied
from schematools.archive_files import apply
from schematools.archive_proof import ON_DISK, Built, prove, refuse_edited, refuse_unless_same
from schematools.config import load_config
from schematools.markup import number
from schematools.terminal import add_examples, failures_in_words, short_path

EXAMPLES = """\
  show what would change:           manage.py archive_migrations
  for one app:                      manage.py archive_migrations users
  do it:                            manage.py archive_migrations users --apply
  keep the files somewhere else:    manage.py archive_migrations --archive old_migrations --apply
  ask these databases alone:        manage.py archive_migrations --database default --database eu"""


class Command(BaseCommand):
    help = "Put away the migrations that a squashed one replaces, once that is applied everywhere."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        add_examples(parser, EXAMPLES)
        parser.add_argument(
            "apps", nargs="*", metavar="app", help="labels of apps; by default the project's own"
        )
        parser.add_argument(
            "--database",
            action="append",
            default=[],
            metavar="ALIAS",
            dest="databases",
            help="a database that must have applied it; may be repeated; by default all",
        )
        parser.add_argument(
            "--archive",
            type=Path,
            metavar="DIR",
            help="where the files go, by app; by default 'archive' beside the migrations, "
            "which Django does not load",
        )
        parser.add_argument(
            "--apply", "--write", action="store_true", help="do it; without, it is only shown"
        )

    def handle(
        self,
        *,
        apps: Sequence[str],
        databases: Sequence[str],
        archive: Path | None,
        apply: bool,
        **_: Any,
    ) -> None:
        with failures_in_words():
            found = plan_archive(apps, archive)
            if not found.squashes:
                self.stdout.write("There is nothing to archive: no migration replaces others.")
                return
            aliases = chosen_databases(databases)
            refuse_unless_applied(aliases, found.squashes)
            refuse_edited(found)
            built = {alias: self._prove(found, alias) for alias in aliases}
            self._show(found, load_config().base_dir)
            if apply:
                self._apply(found, built)
        if apply:
            self._advise_pruning(found, aliases)
        else:
            self.stdout.write("Nothing was written: add --apply to do it.")

    def _prove(self, archive: Archive, alias: str) -> Built:
        self._progress(f"Building the schema of {alias!r} before and after …")
        return prove(archive, alias)

    def _apply(self, archive: Archive, built: dict[str, Built]) -> None:
        def verify() -> None:
            for alias, today in built.items():
                self._progress(f"Building the schema of {alias!r} once more …")
                refuse_unless_same(today, alias, ON_DISK)

        apply(archive, verify=verify)
        self.stdout.write("Done.", self.style.SUCCESS)

    def _show(self, archive: Archive, base_dir: Path) -> None:
        for path, destination in archive.moved.items():
            self.stdout.write(
                f"move {short_path(path, base_dir)} to {short_path(destination, base_dir)}"
            )
        for each in archive.rewritten:
            self.stdout.write(f"rewrite {short_path(each.path, base_dir)}")
            _, _, *lines = unified_diff(
                each.before.splitlines(), each.after.splitlines(), lineterm="", n=0
            )
            for line in lines:
                if not line.startswith("@@"):
                    self.stdout.write(f"    {line}")
        self.stdout.write("The schema is the same before and after, built from nothing.")

    def _advise_pruning(self, archive: Archive, aliases: Sequence[str]) -> None:
        amount = number(len(archive.replaced), "replaced migration")
        self.stdout.write(
            f"The records of {amount} stay in the databases, and check_drift names them. Once "
            "these files are released, this removes them:"
        )
        for alias in aliases:
            for app in sorted({app for app, _ in archive.squashes}):
                self.stdout.write(f"    python manage.py migrate {app} --prune --database {alias}")

    def _progress(self, sentence: str) -> None:
        if self.stderr.isatty():
            self.stderr.write(sentence, self.style.NOTICE)
