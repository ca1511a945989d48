"""Reads migrations, from their files and from the database's record of them."""

from collections.abc import Collection, Iterator

from django.db import connections
from django.db.migrations.exceptions import (
    BadMigrationError,
    CircularDependencyError,
    NodeNotFoundError,
)
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from schematools.databases import database_connection
from schematools.drift import MigrationHistory, MigrationKey
from schematools.findings import Finding

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
