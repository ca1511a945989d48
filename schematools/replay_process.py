"""Replays the migrations in a scratch place, in a process that knows no other.

``python -m schematools.replay_process`` reads its orders as a line of JSON and writes the schema
that results. Before the project's code is loaded, every database of its settings is made to lead to
the scratch place, e-mails go nowhere and caches are the process's own: a migration that writes by
the default manager, by another alias or in a ``post_migrate`` handler reaches nothing that is real.
"""

import json
import os
import sys
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import django
from django.apps import apps
from django.conf import settings
from django.core.management.commands import migrate
from django.core.management.sql import emit_post_migrate_signal, emit_pre_migrate_signal
from django.db import connections, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ModelState, ProjectState

from schematools.catalog import read_database
from schematools.drift import MigrationKey
from schematools.json_document import document
from schematools.registry import options

MARK = "\x1e"  # begins the lines that are progress and not something that a migration prints
IN_MEMORY = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
NOWHERE = "django.core.mail.backends.dummy.EmailBackend"
UNSAFE = "PRAGMA synchronous=OFF; PRAGMA journal_mode=MEMORY"


def main() -> None:
    orders = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_the_other_process, daemon=True).start()
    sys.argv = [orders["program"], "migrate"]
    lead_away(settings, alias=orders["alias"], scratch=orders["scratch"])
    django.setup()
    connection = connections[orders["alias"]]
    refuse_another_place(connection, orders["scratch"]["NAME"])
    notes: list[str] = []
    if orders["mode"] == "models":
        state = make_models(connection)
    else:
        recorded = {(app, name) for app, name in orders["recorded"]}
        state = _replay(connection, recorded, notes)
    result = {
        "schema": document(read_database(connection), title="expected"),
        "declared": sorted(_declared(state)),
        "notes": notes,
    }
    connection.close()
    Path(orders["result"]).write_text(json.dumps(result, ensure_ascii=False), encoding="utf-8")


def _end_with_the_other_process() -> None:
    """End when nobody waits for the result any more."""
    sys.stdin.read()
    os._exit(1)


def lead_away(project: Any, *, alias: str, scratch: Mapping[str, Any]) -> None:
    """Make all databases, caches and e-mails of the settings lead to places of no importance."""
    chosen = _elsewhere(project.DATABASES[alias], scratch)
    for name, own in project.DATABASES.items():
        if own.get("ENGINE") == chosen["ENGINE"]:
            project.DATABASES[name] = chosen
        elif str(own.get("ENGINE", "")).endswith("sqlite3"):
            project.DATABASES[name] = {**own, "NAME": ":memory:"}
        else:
            project.DATABASES[name] = {"ENGINE": "django.db.backends.dummy"}
    project.CACHES = dict.fromkeys(project.CACHES, IN_MEMORY)
    project.EMAIL_BACKEND = NOWHERE


def _elsewhere(own: Mapping[str, Any], scratch: Mapping[str, Any]) -> dict[str, Any]:
    options = {key: value for key, value in own.get("OPTIONS", {}).items() if key != "pool"}
    if own["ENGINE"].endswith("sqlite3"):
        options["init_command"] = f"{options.get('init_command', '')};{UNSAFE}"
    return {**own, **scratch, "OPTIONS": options}


def refuse_another_place(connection: BaseDatabaseWrapper, name: str) -> None:
    """Fail unless this is the scratch place; a driver's option may lead somewhere else."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA database_list")
            place = next(path for _, schema, path in cursor.fetchall() if schema == "main")
            is_right = Path(place).resolve() == Path(name).resolve()
        else:
            cursor.execute("SELECT current_database()")
            is_right = cursor.fetchone() == (name,)
    if not is_right:
        raise SystemExit("The settings lead to a database other than the scratch place.")


# The models alone


def make_models(connection: BaseDatabaseWrapper) -> ProjectState:
    """Make the tables of the models, as if no app had migrations; none of their code runs."""
    settings.MIGRATION_MODULES = {config.label: None for config in apps.get_app_configs()}
    MigrationRecorder(connection).ensure_schema()
    made: set[str] = set()
    # In one transaction a thousand tables take more locks than PostgreSQL has room for.
    with connection.schema_editor(atomic=connection.vendor == "sqlite") as editor:
        for config in apps.get_app_configs():
            for model in router.get_migratable_models(config, connection.alias):
                meta = options(model)
                if meta.can_migrate(connection) and meta.db_table not in made:
                    made.add(meta.db_table)
                    editor.create_model(model)
    return ProjectState.from_apps(apps)


def _sync(connection: BaseDatabaseWrapper, labels: Collection[str]) -> None:
    command = migrate.Command()
    command.verbosity = 0
    command.sync_apps(connection, labels)


# The migrations


def _replay(
    connection: BaseDatabaseWrapper, recorded: Collection[MigrationKey], notes: list[str]
) -> ProjectState:
    """Apply what the other database has applied, as ``migrate`` does, signals included."""
    connection.prepare_database()
    executor = MigrationExecutor(connection, _progress)  # type: ignore[arg-type]
    plan = _plan(executor, recorded)
    before = executor._create_project_state(with_applied_migrations=True)  # type: ignore[attr-defined]  # noqa: SLF001
    emit_pre_migrate_signal(0, False, connection.alias, apps=before.apps, plan=plan)  # noqa: FBT003
    if executor.loader.unmigrated_apps:
        _sync(connection, executor.loader.unmigrated_apps)
    _tell(f"{len(plan)}")
    after = executor.migrate([], plan=plan, state=before.clone())
    try:
        _announce(connection, after, plan)
    except Exception as error:  # noqa: BLE001 (anybody's handler, which may fail in any way)
        notes.append(
            f"A post_migrate handler failed while the migrations were replayed ({error!r}), so "
            "what it makes may be reported as extra."
        )
    return after


def _plan(
    executor: MigrationExecutor, recorded: Collection[MigrationKey]
) -> list[tuple[Migration, bool]]:
    """Return what is recorded, with all it depends on, in an order in which it can be applied."""
    loader = executor.loader
    with _pretending(recorded):
        loader.build_graph()
    applied = [key for key in loader.applied_migrations if key in loader.graph.nodes]
    wanted = {key for target in applied for key in loader.graph.forwards_plan(target)}
    loader.applied_migrations = {}
    full = executor.migration_plan(loader.graph.leaf_nodes(), clean_start=True)
    return [
        (migration, backwards)
        for migration, backwards in full
        if (migration.app_label, migration.name) in wanted
    ]


@contextmanager
def _pretending(recorded: Collection[MigrationKey]) -> Iterator[None]:
    """Meanwhile, these migrations are on record; which squashed ones count depends on that."""
    real = MigrationRecorder.applied_migrations
    MigrationRecorder.applied_migrations = lambda _: dict.fromkeys(recorded)  # type: ignore[method-assign,assignment,return-value]
    try:
        yield
    finally:
        MigrationRecorder.applied_migrations = real  # type: ignore[method-assign]


def _announce(
    connection: BaseDatabaseWrapper, after: ProjectState, plan: list[tuple[Migration, bool]]
) -> None:
    """Send ``post_migrate``, with the models of apps without migrations in their real form."""
    after.clear_delayed_apps_cache()
    historical = after.apps
    with historical.bulk_update():
        keys = []
        for model in historical.real_models:
            key = model.app_label, model.name_lower
            keys.append(key)
            historical.unregister_model(*key)
    historical.render_multiple([ModelState.from_model(apps.get_model(*key)) for key in keys])
    emit_post_migrate_signal(0, False, connection.alias, apps=historical, plan=plan)  # noqa: FBT003


def _progress(action: str, migration: Any = None, *_fake: bool) -> None:
    if action == "apply_start":
        _tell(str(migration))


def _tell(text: str) -> None:
    sys.stdout.write(f"\n{MARK}{text}\n")
    sys.stdout.flush()


def _declared(state: ProjectState) -> Iterator[str]:
    """Yield the names of indexes and constraints that models declare."""
    for model in state.models.values():
        for kind in ("indexes", "constraints"):
            for item in model.options.get(kind, ()):
                yield item.name


if __name__ == "__main__":
    main()
