"""Tells how far a database's migrations are: what is applied, since when, and what comes next."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from schematools.drift import MigrationKey
from schematools.errors import CannotRunError
from schematools.suggestions import did_you_mean


@dataclass(frozen=True, slots=True)
class AppStatus:
    """One app: its latest applied migration, empty without any, and what is pending, in order.

    ``applied_at`` is a moment in ISO 8601, as the database has it; empty where nobody noted it.
    """

    app: str
    current: str
    applied_at: str
    applied: int
    pending: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Applied:
    """One record of the database; ``known`` is false when no file explains it."""

    app: str
    name: str
    applied_at: str
    known: bool


@dataclass(frozen=True, slots=True)
class Status:
    """A database's migrations; ``plan`` is what ``migrate`` would apply, in its order."""

    database: str
    apps: tuple[AppStatus, ...]
    plan: tuple[str, ...]
    history: tuple[Applied, ...]

    @property
    def is_current(self) -> bool:
        return not self.plan


def read_status(loader: MigrationLoader, alias: str) -> Status:
    """Return how far the database is, given what ``history.load_migrations`` returned for it.

    Raise one of ``history.BROKEN_GRAPH`` for migrations that cannot be put in order.
    """
    graph = loader.graph
    order = list(
        dict.fromkeys(
            key for leaf in sorted(graph.leaf_nodes()) for key in graph.forwards_plan(leaf)
        )
    )
    moments = _moments(alias)
    done = loader.applied_migrations.keys()
    by_app: dict[str, list[MigrationKey]] = {app: [] for app in sorted(loader.migrated_apps)}
    for key in order:
        by_app[key[0]].append(key)
    return Status(
        database=alias,
        apps=tuple(
            _app_status(app, keys, done, _with_replaced(loader, moments))
            for app, keys in by_app.items()
            if keys
        ),
        plan=tuple(".".join(key) for key in order if key not in done),
        history=_history(loader, moments),
    )


def only(status: Status, apps: Sequence[str]) -> Status:
    """Return the status of these apps alone; raise ``CannotRunError`` for an unknown one."""
    known = {item.app for item in status.apps}
    for app in apps:
        if app not in known:
            raise CannotRunError(f"No app {app!r} has migrations. {did_you_mean(app, known)}")
    return Status(
        database=status.database,
        apps=tuple(item for item in status.apps if item.app in apps),
        plan=tuple(name for name in status.plan if name.partition(".")[0] in apps),
        history=tuple(item for item in status.history if item.app in apps),
    )


def _moments(alias: str) -> dict[MigrationKey, datetime]:
    recorder = MigrationRecorder(connections[alias])
    if not recorder.has_table():
        return {}
    rows = recorder.migration_qs.order_by("applied", "pk").values_list("app", "name", "applied")
    return {(app, name): applied for app, name, applied in rows}


def _with_replaced(
    loader: MigrationLoader, moments: Mapping[MigrationKey, datetime]
) -> dict[MigrationKey, datetime]:
    """Add squashed migrations that count as applied: since the last that they replace was."""
    found = dict(moments)
    for key, migration in loader.disk_migrations.items():
        replaced = [moments[each] for each in migration.replaces if each in moments]
        if key not in found and replaced:
            found[key] = max(replaced)
    return found


def _app_status(
    app: str,
    keys: Sequence[MigrationKey],
    done: Collection[MigrationKey],
    moments: Mapping[MigrationKey, datetime],
) -> AppStatus:
    applied = [key for key in keys if key in done]
    current = applied[-1] if applied else None
    moment = moments.get(current) if current else None
    return AppStatus(
        app=app,
        current=current[1] if current else "",
        applied_at=_iso(moment) if moment else "",
        applied=len(applied),
        pending=tuple(name for _, name in keys if (app, name) not in done),
    )


def _history(
    loader: MigrationLoader, moments: Mapping[MigrationKey, datetime]
) -> tuple[Applied, ...]:
    replaced = {key for migration in loader.disk_migrations.values() for key in migration.replaces}
    explained = {*loader.disk_migrations, *replaced}
    return tuple(
        Applied(app=app, name=name, applied_at=_iso(moment), known=(app, name) in explained)
        for (app, name), moment in moments.items()
    )


def _iso(moment: datetime) -> str:
    return moment.isoformat(sep=" ", timespec="seconds")
