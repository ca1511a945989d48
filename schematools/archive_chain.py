"""Orders migrations as if there were no squashed ones, to see what the replaced ones make."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader

from schematools.migration_steps import MigrationKey


@contextmanager
def replaced_in_place_of(squashes: Collection[MigrationKey]) -> Iterator[None]:
    """Meanwhile, every loader takes what these migrations replace, in place of them."""
    build = MigrationLoader.build_graph

    def build_chain(loader: MigrationLoader) -> None:
        loader.replace_migrations = False  # type: ignore[attr-defined]
        build(loader)
        for key, migration in loader.replacements.items():
            if key in squashes:
                loader.graph.remove_replacement_node(key, migration.replaces)
            else:
                loader.graph.remove_replaced_nodes(key, migration.replaces)

    MigrationLoader.build_graph = build_chain  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        MigrationLoader.build_graph = build  # type: ignore[method-assign]


def differences(squashes: Collection[MigrationKey]) -> list[str]:
    """Say how the models that the squashed migrations leave differ from those of the replaced."""
    loader = MigrationLoader(None)
    with replaced_in_place_of(squashes):
        before = MigrationLoader(None).project_state()
    changes = MigrationAutodetector(before, loader.project_state()).changes(graph=loader.graph)
    labels = {app for app, _ in squashes}
    return [
        operation.describe()
        for app, migrations in sorted(changes.items())
        if app in labels
        for migration in migrations
        for operation in migration.operations
    ]
