"""Asks the project's own ``makemigrations`` what it would write, in a process that ends with it.

``python -m schematools.makemigrations_process ORDERS`` takes its orders as JSON and writes one
answer as JSON; whatever else is printed goes to the errors. The command runs as ``--check
--dry-run --no-input`` has it. It writes no file and to no database, and no question is asked:
what a migration would need an answer for is missing all the same.
"""

import json
import os
import sys
from argparse import ArgumentParser
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

import django
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand, CommandError
from django.core.management.commands import makemigrations
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.migrations import Migration
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.graph import MigrationGraph
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.questioner import (
    InteractiveMigrationQuestioner,
    MigrationQuestioner,
    NonInteractiveMigrationQuestioner,
)
from django.db.migrations.state import ProjectState

from schematools.missing_operations import described

Changes = Mapping[str, Sequence[Migration]]

NAME = "makemigrations"
SWITCHES = ("--check", "--dry-run", "--no-input")
CHANGES = 1  # the exit code of --check when something is missing
READ_ONLY = {
    "postgresql": "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
    "sqlite": "PRAGMA query_only = ON",
}


@dataclass(slots=True)
class _Heard:
    """What the command found, and what of that it went on to write, if it came to that."""

    found: dict[str, Sequence[Migration]] = field(default_factory=dict)
    written: dict[str, Sequence[Migration]] | None = None
    states: tuple[ProjectState, ...] = ()


def main() -> None:
    orders = json.loads(sys.argv[1])
    answer = _own_output()
    sys.argv = [orders["program"], NAME, *SWITCHES]  # before the settings, which may look at it
    connection_created.connect(_refuse_writing, weak=False)
    django.setup()
    heard = _listen(orders["never_migrated"])
    changes, problem = _conclusion(heard, _run())
    operations = [
        (each.app, each.object, each.description) for each in described(changes, *heard.states)
    ]
    with answer:
        json.dump({"operations": operations, "problem": problem}, answer)


def _own_output() -> IO[str]:
    """Return the output for the answer alone; from now on, what is printed goes to the errors."""
    own = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return own


def _refuse_writing(connection: BaseDatabaseWrapper, **_signal: Any) -> None:
    if statement := READ_ONLY.get(connection.vendor):
        with connection.cursor() as cursor:
            cursor.execute(statement)


def _listen(never_migrated: Collection[str]) -> _Heard:
    """Have Django's command and autodetector tell what goes through them, and write nothing."""
    heard = _Heard()
    detect = MigrationAutodetector.changes

    def changes(
        self: MigrationAutodetector,
        graph: MigrationGraph,
        trim_to_apps: set[str] | None = None,
        convert_apps: set[str] | None = None,
        migration_name: str | None = None,
    ) -> Changes:
        questioner = self.questioner
        questioner.specified_apps = {*questioner.specified_apps, *never_migrated}
        converted = {*(convert_apps or ()), *never_migrated}
        found = detect(self, graph, trim_to_apps, converted, migration_name)
        heard.found |= found
        heard.states = (self.to_state, self.from_state)
        return found

    def write(_command: makemigrations.Command, changes: Changes, *_paths: Any) -> None:
        heard.written = {**(heard.written or {}), **changes}

    replaced: list[tuple[type, str, Any]] = [
        (MigrationAutodetector, "changes", changes),
        (makemigrations.Command, "write_migration_files", write),
        (makemigrations.Command, "write_to_last_migration_files", write),
        # The history is looked at elsewhere, and here no database is needed.
        (MigrationLoader, "check_consistent_history", lambda *_: None),
    ]
    for asker in (InteractiveMigrationQuestioner, NonInteractiveMigrationQuestioner):
        replaced += [
            (asker, name, answer)
            for name, answer in vars(MigrationQuestioner).items()
            if name.startswith("ask_")
        ]
    for owner, name, function in replaced:
        setattr(owner, name, function)
    return heard


def _run() -> tuple[object, str]:
    """Run the command; return its exit code, or why it came to none."""
    try:
        app = get_commands()[NAME]
        command = app if isinstance(app, BaseCommand) else load_command_class(app, NAME)
        parser = command.create_parser(sys.argv[0], NAME)
        _need_nothing(parser)
        options = vars(parser.parse_args(list(SWITCHES)))
        arguments = options.pop("args", ())
        command.execute(*arguments, **{**options, "skip_checks": True})
    except SystemExit as end:
        return end.code or 0, ""
    except Exception as error:  # noqa: BLE001 (anybody's command, which may fail in any way)
        return None, _in_words(error)
    return 0, ""


def _need_nothing(parser: ArgumentParser) -> None:
    """Let arguments of the project's own be left out: they name files that nobody writes here."""
    for action in parser._actions:  # noqa: SLF001
        action.required = False
    for group in parser._mutually_exclusive_groups:  # noqa: SLF001
        group.required = False


def _in_words(error: Exception) -> str:
    text, *_ = str(error).strip().splitlines() or [""]
    if isinstance(error, CommandError) and text:
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _conclusion(heard: _Heard, end: tuple[object, str]) -> tuple[Changes, str]:
    """Return what is missing according to the command, or else why it does not say."""
    code, reason = end
    if heard.written is not None:
        return heard.written, ""
    if reason:
        return {}, reason
    if code == CHANGES and heard.found:
        return heard.found, ""  # it writes in a way of its own
    return {}, f"it ended with {code!r}" if code else ""


if __name__ == "__main__":
    main()
