"""Migrations that are recorded in the transaction that applies them.

Django records a migration with deferred SQL, such as one that adds an index, in a transaction of
its own: a process killed between the two leaves tables that the next ``migrate`` fails on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor


class AtomicMigrationExecutor(MigrationExecutor):
    def apply_migration(
        self,
        state: Any,
        migration: Migration,
        fake: bool = False,  # noqa: FBT001, FBT002 (as Django has it)
        fake_initial: bool = False,  # noqa: FBT001, FBT002
    ) -> Any:
        # With nothing deferred any more, Django records inside the transaction.
        with _finishing(migration, "apply", lambda: None):
            return super().apply_migration(state, migration, fake, fake_initial)

    def unapply_migration(
        self,
        state: Any,
        migration: Migration,
        fake: bool = False,  # noqa: FBT001, FBT002
    ) -> Any:
        def forget() -> None:
            for app_label, name in [*migration.replaces, (migration.app_label, migration.name)]:
                self.recorder.record_unapplied(app_label, name)

        with _finishing(migration, "unapply", forget):
            return super().unapply_migration(state, migration, fake)


@contextmanager
def _finishing(migration: Migration, name: str, then: Any) -> Iterator[None]:
    """Meanwhile, ``migration.name()`` runs its deferred SQL too, and ``then``."""
    method = getattr(migration, name)

    def finish(state: Any, schema_editor: Any, *args: Any, **kwargs: Any) -> Any:
        state = method(state, schema_editor, *args, **kwargs)
        while schema_editor.deferred_sql:
            schema_editor.execute(schema_editor.deferred_sql.pop(0), None)
        then()
        return state

    setattr(migration, name, finish)
    try:
        yield
    finally:
        delattr(migration, name)
