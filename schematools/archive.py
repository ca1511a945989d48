"""Decides what is to change for migrations to go that a squashed one replaces.

Nothing is written here. What must not be touched is refused in a sentence.
"""

import io
import sys
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from django.apps import apps
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader

from schematools.errors import CannotRunError
from schematools.migration_lint import chosen_apps, load_graph, migration_path
from schematools.migration_steps import MigrationKey
from schematools.modules import is_project_app
from schematools.source_edit import LISTS, SourceEditError, with_dependencies, without_replaces
from schematools.working_tree import unsaved

DIRECTORY = "archive"


@dataclass(frozen=True, slots=True)
class Rewriting:
    """A migration's file as it is and as it is to be; ``encoding`` is what it says it is in."""

    module: str
    path: Path
    before: str
    after: str
    encoding: str


@dataclass(frozen=True, slots=True)
class Archive:
    """All that is to change: files that move and files that are rewritten.

    ``squashes`` are the squashed migrations with what each replaces; ``moved`` says for the files
    of the replaced ones where they go, ``moved_modules`` what they are called in Python.
    """

    squashes: Mapping[MigrationKey, tuple[MigrationKey, ...]] = field(default_factory=dict)
    moved: Mapping[Path, Path] = field(default_factory=dict)
    moved_modules: tuple[str, ...] = ()
    others: tuple[Rewriting, ...] = ()
    squashed: tuple[Rewriting, ...] = ()

    @property
    def rewritten(self) -> tuple[Rewriting, ...]:
        return (*self.others, *self.squashed)

    @property
    def replaced(self) -> frozenset[MigrationKey]:
        return frozenset(key for keys in self.squashes.values() for key in keys)

    @property
    def is_complete(self) -> bool:
        """Whether every replaced migration is still there, so that they can be run."""
        return len(self.moved) == len(self.replaced)


def plan_archive(labels: Sequence[str], directory: Path | None = None) -> Archive:
    """Return what is to change for the squashed migrations of the apps to stand alone.

    The replaced files go to ``directory``, or beside the others into one that is not loaded.
    Raise ``CannotRunError`` for what cannot be done without harm.
    """
    chosen = _own_apps(labels)
    loader = load_graph()
    migrations: Mapping[MigrationKey, Migration] = loader.disk_migrations
    squashes = {
        key: tuple(migration.replaces)
        for key, migration in sorted(migrations.items())
        if migration.replaces and key[0] in chosen
    }
    _refuse_tangles(squashes, migrations)
    new_names = {old: new for new, replaced in squashes.items() for old in replaced}
    moving = {key: migrations[key] for key in new_names if key in migrations}
    _refuse_foreign_references(new_names, migrations)
    archive = Archive(
        squashes=squashes,
        moved=_destinations(moving, directory, loader),
        moved_modules=tuple(sorted(type(each).__module__ for each in moving.values())),
        others=tuple(
            _rewriting(migration, new_names)
            for key, migration in sorted(migrations.items())
            if key not in moving and key not in squashes and any(_names_any(migration, new_names))
        ),
        squashed=tuple(_rewriting(migrations[key], new_names) for key in squashes),
    )
    _refuse_unsaved(archive)
    return archive


def _own_apps(labels: Sequence[str]) -> frozenset[str]:
    chosen = chosen_apps(labels)
    for label in sorted(chosen):
        if not is_project_app(apps.get_app_config(label)):
            raise CannotRunError(
                f"The app {label!r} is installed and not the project's own: its migrations are "
                "for its authors to change."
            )
    return chosen


def _refuse_tangles(
    squashes: Mapping[MigrationKey, Sequence[MigrationKey]],
    migrations: Mapping[MigrationKey, Migration],
) -> None:
    owners: dict[MigrationKey, MigrationKey] = {}
    for key, replaced in squashes.items():
        for old in replaced:
            if old[0] != key[0]:
                raise CannotRunError(
                    f"{_name(key)} replaces {_name(old)}, of another app: archive it by hand."
                )
            if old in migrations and migrations[old].replaces:
                raise CannotRunError(
                    f"{_name(key)} replaces {_name(old)}, which replaces others itself. Take the "
                    f"'replaces' out of {_name(old)} first, or archive them by hand."
                )
            other = owners.setdefault(old, key)
            if other != key:
                raise CannotRunError(
                    f"{_name(old)} is replaced by {_name(other)} and by {_name(key)}: remove one."
                )


def _refuse_foreign_references(
    new_names: Mapping[MigrationKey, MigrationKey], migrations: Mapping[MigrationKey, Migration]
) -> None:
    for key, migration in sorted(migrations.items()):
        named = next(_names_any(migration, new_names), None)
        if named and not is_project_app(apps.get_app_config(key[0])):
            raise CannotRunError(
                f"{_name(key)} depends on {_name(named)}, and its app is not the project's own: "
                "the replaced migration has to stay."
            )


def _names_any(
    migration: Migration, new_names: Mapping[MigrationKey, MigrationKey]
) -> Iterator[MigrationKey]:
    for name in LISTS:
        for entry in getattr(type(migration), name):
            if tuple(entry) in new_names:
                yield entry[0], entry[1]


def _destinations(
    moving: Mapping[MigrationKey, Migration], directory: Path | None, loader: MigrationLoader
) -> dict[Path, Path]:
    loaded = {migration_path(each).parent.resolve() for each in loader.disk_migrations.values()}
    found = {}
    for (app, _), migration in sorted(moving.items()):
        path = migration_path(migration)
        target = directory.absolute() / app if directory else path.parent / DIRECTORY
        if target.resolve() in loaded:
            raise CannotRunError(
                f"Django loads migrations from {target}: name another directory with --archive."
            )
        if (target / path.name).exists():
            raise CannotRunError(
                f"{target / path.name} is there already: move it, or name another directory with "
                "--archive."
            )
        found[path] = target / path.name
    return found


def _rewriting(migration: Migration, new_names: Mapping[MigrationKey, MigrationKey]) -> Rewriting:
    path = migration_path(migration)
    raw = path.read_bytes()
    encoding, _ = tokenize.detect_encoding(io.BytesIO(raw).readline)
    before = raw.decode(encoding)
    try:
        after = without_replaces(before) if migration.replaces else before
        after = with_dependencies(after, new_names)
    except SourceEditError as error:
        raise CannotRunError(f"{path} cannot be changed: {error}. Change it by hand.") from error
    module = type(migration).__module__
    _refuse_what_is_computed(migration, after, path, new_names)
    return Rewriting(module=module, path=path, before=before, after=after, encoding=encoding)


def _refuse_what_is_computed(
    migration: Migration,
    after: str,
    path: Path,
    new_names: Mapping[MigrationKey, MigrationKey],
) -> None:
    """Refuse unless the changed source says what it should: run, since nothing else is certain."""
    new: Any = _run(after, path, type(migration).__module__).Migration
    if new.replaces:
        raise CannotRunError(f"{path} gets its 'replaces' from elsewhere: change it by hand.")
    for name in LISTS:
        wanted = {new_names.get(tuple(entry), tuple(entry)) for entry in getattr(migration, name)}
        if {tuple(entry) for entry in getattr(new, name)} != wanted:
            raise CannotRunError(
                f"{path} computes its '{name}', which name a replaced migration: write them out "
                "as pairs of strings."
            )


def _run(source: str, path: Path, name: str) -> ModuleType:
    module = ModuleType(name)
    vars(module).update(__file__=str(path), __package__=name.rpartition(".")[0])
    sys_module = sys.modules.get(name)
    vars(module)["__spec__"] = getattr(sys_module, "__spec__", None)
    exec(compile(source, str(path), "exec"), vars(module))  # noqa: S102 (a migration, as Django does)
    return module


def _refuse_unsaved(archive: Archive) -> None:
    paths = unsaved([*archive.moved, *(each.path for each in archive.rewritten)])
    if paths:
        raise CannotRunError(
            f"{paths[0]} has changes that git has not got: commit them, so that what this command "
            "does can be seen, and undone."
        )


def _name(key: MigrationKey) -> str:
    return ".".join(key)
