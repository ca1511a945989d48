import json
from collections.abc import Sequence
from difflib import unified_diff
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from schematools.archive import Archive, plan_archive
from schematools.archive_databases import chosen_databases, refuse_unless_applied
from schematools.archive_files import apply
from schematools.archive_proof import ON_DISK, Built, prove, refuse_edited, refuse_unless_same
from schematools.config import load_config
from schematools.management.base import Command as BaseCommand
from schematools.markup import number
from schematools.report import add_format_argument
from schematools.terminal import failures_in_words, short_path

JSON_VERSION = 1


class Command(BaseCommand):
    help = """Put away the migrations that a squashed one replaces, once that is applied everywhere.

It first proves, in scratch databases, that the schema stays the same."""
    exit_codes = {
        0: "archived, shown, or nothing to archive",
        2: "could not run: not applied everywhere, or the schema would differ",
        130: BaseCommand.exit_codes[130],
    }
    examples = (
        ("python manage.py archive_migrations", "show what would change"),
        ("python manage.py archive_migrations users", "for one app"),
        ("python manage.py archive_migrations users --apply", "do it"),
        (
            "python manage.py archive_migrations --archive old_migrations --apply",
            "keep the files somewhere else",
        ),
        (
            "python manage.py archive_migrations --database default --database eu",
            "ask these databases alone",
        ),
    )
    when_stopped = "The files are as they were."

    def add_arguments(self, parser: CommandParser) -> None:
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
        add_format_argument(parser)

    def handle(
        self,
        *,
        apps: Sequence[str],
        databases: Sequence[str],
        archive: Path | None,
        apply: bool,
        **options: Any,
    ) -> None:
        with failures_in_words():
            found = plan_archive(apps, archive)
            aliases = chosen_databases(databases)
            if found.squashes:
                refuse_unless_applied(aliases, found.squashes)
                refuse_edited(found)
                built = {alias: self._prove(found, alias) for alias in aliases}
                if not self.is_json:
                    self._show(found, load_config().base_dir)
                if apply:
                    self._apply(found, built)
        is_applied = apply and bool(found.squashes)
        if self.is_json:
            self.stdout.write(_as_json(found, aliases, is_applied=is_applied))
        elif not found.squashes:
            self.stdout.write("There is nothing to archive: no migration replaces others.")
        elif is_applied:
            self.stdout.write("Done.", self.style.SUCCESS)
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
        for command in _prunings(archive, aliases):
            self.stdout.write(f"    {command}")

    def _progress(self, sentence: str) -> None:
        if self.is_watched:
            self.stderr.write(sentence, self.style.NOTICE)


def _prunings(archive: Archive, aliases: Sequence[str]) -> list[str]:
    """Return what removes the records of the archived migrations, once these files are released."""
    apps = sorted({app for app, _ in archive.squashes})
    return [
        f"python manage.py migrate {app} --prune --database {alias}"
        for alias in aliases
        for app in apps
    ]


def _as_json(archive: Archive, aliases: Sequence[str], *, is_applied: bool) -> str:
    base_dir = load_config().base_dir
    document = {
        "version": JSON_VERSION,
        "applied": is_applied,
        "moved": [
            {"from": short_path(path, base_dir), "to": short_path(to, base_dir)}
            for path, to in archive.moved.items()
        ],
        "rewritten": [short_path(each.path, base_dir) for each in archive.rewritten],
        "then": _prunings(archive, aliases),
    }
    return json.dumps(document, indent=2, ensure_ascii=False)
