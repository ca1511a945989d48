"""Reads migrations, from their files and from the database's record of them."""

from collections.abc import Collection, Iterator

from django.apps import apps
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand
from django.db import connections
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.exceptions import (
    BadMigrationError,
    CircularDependencyError,
    NodeNotFoundError,
)
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.questioner import MigrationQuestioner
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ProjectState
from django.utils import translation

from schematools.databases import database_connection
from schematools.drift import MigrationHistory, MigrationKey, MissingOperation
from schematools.findings import Finding
from schematools.modules import is_project_app

# What Django raises for migration files that cannot be put in order.
BROKEN_GRAPH = (BadMigrationError, CircularDependencyError, NodeNotFoundError)


def load_migrations(alias: str) -> MigrationLoader:
    """Read the migration files and the database's record, creating nothing."""
    return MigrationLoader(database_connection(alias))


def broken_graph(error: Exception) -> Finding:
    """Return the finding for one of ``BROKEN_GRAPH``."""
    return Finding(
        id="migration-graph-broken",
        object="migrations",
        expected="files of which each one's dependencies exist and lead in no circle",
        found=str(error).rstrip("."),
        remedy="correct the file's dependencies, then: python manage.py showmigrations --plan",
    )


def read_history(loader: MigrationLoader, alias: str) -> MigrationHistory:
    """Return the migrations that ``loader`` found, and what the database says of them."""
    graph = loader.graph
    leaves = sorted(graph.leaf_nodes())
    order = dict.fromkeys(key for leaf in leaves for key in graph.forwards_plan(leaf))
    replaced = {key for migration in loader.disk_migrations.values() for key in migration.replaces}
    by_app: dict[str, list[str]] = {app: [] for app in loader.migrated_apps}
    for app, name in leaves:
        by_app[app].append(name)
    recorded = frozenset(MigrationRecorder(connections[alias]).applied_migrations())
    return MigrationHistory(
        parents={
            key: tuple(sorted(parent.key for parent in graph.node_map[key].parents))
            for key in order
        },
        applied=frozenset(loader.applied_migrations),
        recorded=recorded,
        explained=frozenset({*loader.disk_migrations, *replaced}),
        leaves=by_app,
        half_replaced=dict(_half_replaced(loader, recorded)),
    )


def _half_replaced(
    loader: MigrationLoader, recorded: Collection[MigrationKey]
) -> Iterator[tuple[MigrationKey, tuple[list[MigrationKey], list[MigrationKey]]]]:
    for key, migration in loader.replacements.items():
        applied = [each for each in migration.replaces if each in recorded]
        missing = [each for each in migration.replaces if each not in recorded]
        if applied and missing and key not in recorded:
            yield key, (applied, missing)


@translation.override(None)  # as makemigrations does: texts are compared as they were written
def read_missing_operations(loader: MigrationLoader) -> tuple[MissingOperation, ...]:
    """Return what ``makemigrations`` would write, with the project's own autodetector if any."""
    autodetector = _autodetector()  # first: loading the command may change what models say
    before, after = loader.project_state(), ProjectState.from_apps(apps)
    never_migrated = apps_never_migrated(loader)
    questioner = MigrationQuestioner(specified_apps=never_migrated, dry_run=True)
    detector = autodetector(before, after, questioner)
    changes = detector.changes(graph=loader.graph, convert_apps=never_migrated)
    return tuple(
        MissingOperation(
            app=app,
            object=_object_name(app, operation, after, before),
            description=operation.describe(),
        )
        for app, migrations in sorted(changes.items())
        for migration in migrations
        for operation in migration.operations
    )


def apps_never_migrated(loader: MigrationLoader) -> set[str]:
    """Return the project's own apps for which nobody has made migrations, or switched them off."""
    return {
        label
        for label in loader.unmigrated_apps
        if loader.migrations_module(label)[0] and is_project_app(apps.get_app_config(label))
    }


def _autodetector() -> type[MigrationAutodetector]:
    """Return the autodetector of the project's ``makemigrations``, which it may have replaced."""
    app = get_commands()["makemigrations"]
    command = app if isinstance(app, BaseCommand) else load_command_class(app, "makemigrations")
    detector: type[MigrationAutodetector] = getattr(command, "autodetector", MigrationAutodetector)
    return detector


def _object_name(app: str, operation: Operation, *states: ProjectState) -> str:
    """Return the full name of the model that an operation changes, spelt as its class."""
    name = getattr(operation, "model_name", None) or getattr(operation, "name", None)
    if not name:
        return app
    return next(_spellings(app, name, states), f"{app}.{name}")


def _spellings(app: str, name: str, states: tuple[ProjectState, ...]) -> Iterator[str]:
    for state in states:
        if (app, name.lower()) in state.models:
            yield f"{app}.{state.models[app, name.lower()].name}"
