"""Finds what ``makemigrations`` would write: the changes of models that no migration makes.

A project may have a ``makemigrations`` of its own, which leaves out what takes no migration there,
often by changing Django itself while it runs. What that one finds is what counts, so it is asked,
in a process of its own, where what it changes reaches nothing else.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.apps import apps
from django.conf import settings
from django.core.management import get_commands
from django.core.management.commands import makemigrations
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.questioner import MigrationQuestioner
from django.db.migrations.state import ProjectState
from django.utils import translation

from schematools.drift import MissingOperation
from schematools.modules import is_project_app
from schematools.processes import last_line, project_environment

PATIENCE = 600  # seconds for a command that nobody can answer
NOT_ASKED = (
    "The project's own makemigrations could not be asked ({reason}), so models and migrations were "
    "compared as Django's does. What it says itself: python manage.py makemigrations --check"
)


class _NotAskedError(Exception):
    """The project's own command gave no answer; the message says why."""


@dataclass(frozen=True, slots=True)
class Missing:
    """The operations that no migration makes yet, and sentences about how they were found."""

    operations: tuple[MissingOperation, ...] = ()
    notes: tuple[str, ...] = ()


def find_missing_operations(loader: MigrationLoader) -> Missing:
    """Return what the project's ``makemigrations`` would write, or Django's if that cannot tell."""
    if _is_djangos_own():
        return Missing(_compared(loader))
    try:
        return Missing(_asked(sorted(apps_never_migrated(loader))))
    except _NotAskedError as error:
        return Missing(_compared(loader), (NOT_ASKED.format(reason=error),))


def apps_never_migrated(loader: MigrationLoader) -> set[str]:
    """Return the project's own apps for which nobody has made migrations, or switched them off."""
    return {
        label
        for label in loader.unmigrated_apps
        if loader.migrations_module(label)[0] and is_project_app(apps.get_app_config(label))
    }


def described(
    changes: Mapping[str, Sequence[Migration]], *states: ProjectState
) -> Iterator[MissingOperation]:
    """Yield each operation of the migrations, with its model as one of the states spells it."""
    for app, migrations in sorted(changes.items()):
        for migration in migrations:
            for operation in migration.operations:
                yield MissingOperation(
                    app=app,
                    object=_object_name(app, operation, states),
                    description=operation.describe(),
                )


def _is_djangos_own() -> bool:
    """Tell whether no app brings a command of that name, nor has put its own code into Django's."""
    command = makemigrations.Command
    sources = {command.__module__, command.handle.__module__}
    return get_commands()["makemigrations"] == "django.core" and sources == {
        makemigrations.__name__
    }


@translation.override(None)  # as makemigrations does: texts are compared as they were written
def _compared(loader: MigrationLoader) -> tuple[MissingOperation, ...]:
    """Return what Django's command would write, with the autodetector that an app gave it."""
    before, after = loader.project_state(), ProjectState.from_apps(apps)
    never_migrated = apps_never_migrated(loader)
    questioner = MigrationQuestioner(specified_apps=never_migrated, dry_run=True)
    detector = makemigrations.Command.autodetector(before, after, questioner)
    changes = detector.changes(graph=loader.graph, convert_apps=never_migrated)
    return tuple(described(changes, after, before))


def _asked(never_migrated: Sequence[str]) -> tuple[MissingOperation, ...]:
    """Return what the project's own command would write."""
    if not getattr(settings, "SETTINGS_MODULE", ""):
        raise _NotAskedError("the settings are no module, which another process could load")
    orders = json.dumps({"program": sys.argv[0], "never_migrated": never_migrated})
    try:
        done = subprocess.run(  # noqa: S603 - this Python, with orders that are JSON
            [sys.executable, "-m", "schematools.makemigrations_process", orders],
            env=project_environment(),
            stdin=subprocess.DEVNULL,  # a question is an error, and nobody waits
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired as error:
        raise _NotAskedError(f"it took longer than {PATIENCE} seconds") from error
    if not done.stdout:
        raise _NotAskedError(last_line(done.stderr).rstrip("."))
    answer = json.loads(done.stdout)
    if answer["problem"]:
        raise _NotAskedError(answer["problem"].rstrip("."))
    return tuple(MissingOperation(*operation) for operation in answer["operations"])


def _object_name(app: str, operation: Operation, states: Sequence[ProjectState]) -> str:
    """Return the full name of the model that an operation changes, spelt as its class."""
    name = getattr(operation, "model_name", None) or getattr(operation, "name", None)
    if not name:
        return app
    return next(_spellings(app, name, states), f"{app}.{name}")


def _spellings(app: str, name: str, states: Sequence[ProjectState]) -> Iterator[str]:
    for state in states:
        if (app, name.lower()) in state.models:
            yield f"{app}.{state.models[app, name.lower()].name}"
