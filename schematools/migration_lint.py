"""Finds what is dangerous in a project's migrations, and not accepted where it stands.

Without a revision to start from, every migration is taken to be released by itself: what an
earlier one made has rows and readers by then. With one, all that is new since is one release, and
the tables made in it are nobody's yet.
"""

import inspect
import sys
import tokenize
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from django.apps import apps as installed
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader

from schematools.acceptance import SEVERITIES, flaws, read_acceptances
from schematools.config import load_config
from schematools.errors import CannotRunError
from schematools.hazards import RULES, WHOLE_RULES, Hazard, hazards_of
from schematools.history import BROKEN_GRAPH
from schematools.migration_steps import MigrationKey, ModelKey, new_models, steps_by_migration
from schematools.modules import is_project_app
from schematools.suggestions import did_you_mean
from schematools.working_tree import changed_since

HAZARDS = frozenset({*RULES, *WHOLE_RULES})
IDS = HAZARDS | SEVERITIES.keys()

Progress = Callable[[str], None]


def find_hazards(
    apps: Sequence[str] = (), since: str = "", *, progress: Progress = lambda _: None
) -> Sequence[Hazard]:
    """Return the hazards of the apps' migrations, in the order in which these are applied.

    By default all of the project's own apps are looked at, and all their migrations; ``since`` a
    git revision, only those added or changed. ``progress`` is told the migration that is read.
    Raise ``CannotRunError`` for an unknown app or revision, and for migrations that cannot be put
    in order.
    """
    labels = chosen_apps(apps)
    loader = load_graph()
    plan = _plan(loader)
    chosen = [migration for migration in plan if migration.app_label in labels]
    if since:
        chosen = _changed(chosen, since)
    wanted = {(migration.app_label, migration.name) for migration in chosen}
    models = new_models(chosen).values() if since else ()
    fresh = frozenset(key for keys in models for key in keys)
    found: list[Hazard] = []
    for migration, hazards in _judged(loader, plan, wanted):
        progress(str(migration))
        found += _not_accepted(migration, hazards, fresh)
    return found


def chosen_apps(labels: Sequence[str]) -> frozenset[str]:
    """Return the labels, or without any those of the project's own apps.

    Raise ``CannotRunError`` for one that no installed app has.
    """
    known = {config.label: config for config in installed.get_app_configs()}
    for label in labels:
        if label not in known:
            raise CannotRunError(
                f"No installed app has the label {label!r}. {did_you_mean(label, known)}"
            )
    own = (label for label, config in known.items() if is_project_app(config))
    return frozenset(labels or own)


def migration_path(migration: Migration) -> Path:
    """Return the file that the migration was read from."""
    module = sys.modules[type(migration).__module__]
    return Path(inspect.getsourcefile(module) or str(module.__file__))


def read_source(path: Path) -> str:
    """Return a Python file's text, in whatever encoding it says that it is."""
    with tokenize.open(path) as file:
        return file.read()


def load_graph() -> MigrationLoader:
    """Read the migration files alone; raise ``CannotRunError`` when they cannot be ordered."""
    try:
        return MigrationLoader(None)
    except BROKEN_GRAPH as error:
        raise CannotRunError(
            f"The migrations cannot be put in order: {str(error).rstrip('.')}. "
            "Run 'python manage.py check_drift'."
        ) from error


def _plan(loader: MigrationLoader) -> list[Migration]:
    order = dict.fromkeys(
        key
        for leaf in sorted(loader.graph.leaf_nodes())
        for key in loader.graph.forwards_plan(leaf)
    )
    return [loader.graph.nodes[key] for key in order]


def _changed(migrations: Sequence[Migration], since: str) -> list[Migration]:
    """Return the migrations that are new since a revision.

    One that replaces others is new when any of those is: else databases have had it in parts.
    """
    paths = {migration: migration_path(migration) for migration in migrations}
    changed = {path.resolve() for path in changed_since(since, load_config().base_dir)}
    return [
        migration
        for migration, path in paths.items()
        if path.resolve() in changed and not _is_old_squash(migration, path.parent, changed)
    ]


def _is_old_squash(migration: Migration, directory: Path, changed: set[Path]) -> bool:
    replaced = [(directory / f"{name}.py").resolve() for _, name in migration.replaces]
    there = [path for path in replaced if path.exists()]
    return bool(there) and not changed.intersection(there)


def _judged(
    loader: MigrationLoader, plan: Iterable[Migration], wanted: set[MigrationKey]
) -> Iterator[tuple[Migration, list[tuple[ModelKey | None, Hazard]]]]:
    state = loader.project_state([])
    state.real_apps = set(loader.unmigrated_apps)
    for migration, steps in steps_by_migration(plan, state, wanted=wanted):
        yield migration, list(hazards_of(steps))


def _not_accepted(
    migration: Migration,
    judged: Sequence[tuple[ModelKey | None, Hazard]],
    fresh: frozenset[ModelKey],
) -> Iterator[Hazard]:
    """Yield what is left of a migration's hazards, and what is wrong with its acceptances.

    An acceptance that only counts when the migration is released by itself is no flaw.
    """
    every = [hazard for _, hazard in judged]
    acceptances = read_acceptances(read_source(migration_path(migration)))
    for key, hazard in judged:
        if key not in fresh and not any(each.accepts(hazard) for each in acceptances):
            yield hazard
    yield from flaws(acceptances, every, migration=str(migration), ids=HAZARDS)
