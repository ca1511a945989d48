"""Finds out what a database should hold, as exactly as it can be known."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from django.apps import apps
from django.db import DatabaseError, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader

from schematools.drift import MigrationKey
from schematools.errors import CannotRunError
from schematools.introspect import read_schema
from schematools.model import Schema
from schematools.registry import options
from schematools.replay import Expected, Mode, ReplayError, expected_from, replay
from schematools.scratch import NoScratchPlaceError
from schematools.snapshots import read_snapshot, snapshot_key, write_snapshot

NOT_REPLAYED = (
    "The migrations were not replayed: the database was compared with the models, so that what "
    "RunSQL and RunPython make is not known, and nothing is said to be extra."
)


@dataclass(frozen=True, slots=True)
class Expectation:
    """What to compare a database with, and how far it can be relied on.

    Without ``spelt_alike`` the expressions of the two sides cannot be compared.
    """

    schema: Schema
    declared: frozenset[str]
    exact: bool
    spelt_alike: bool
    notes: tuple[str, ...] = ()


def read_expectation(
    connection: BaseDatabaseWrapper,
    loader: MigrationLoader,
    *,
    recorded: frozenset[MigrationKey],
    wants_replay: bool,
    progress: Callable[[str], object],
) -> Expectation:
    """Return what the recorded migrations make, else what the models make, else an outline."""
    notes: list[str] = []
    modes: list[Mode] = ["migrations", "models"] if wants_replay else ["models"]
    for mode in modes:
        try:
            found = _built(connection, loader, mode=mode, recorded=recorded, progress=progress)
        except NoScratchPlaceError as error:
            notes.append(f"There is no place to replay the migrations in: {_sentence(error)}")
            break
        except (ReplayError, DatabaseError, OSError) as error:
            what = "migrations" if mode == "migrations" else "models"
            notes.append(f"The {what} could not be put into a scratch place: {_sentence(error)}")
            continue
        is_exact = mode == "migrations"
        if not is_exact:
            notes.append(NOT_REPLAYED)
        return Expectation(
            schema=found.schema,
            declared=found.declared,
            exact=is_exact,
            spelt_alike=True,
            notes=(*notes, *found.notes),
        )
    notes.append(
        f"{NOT_REPLAYED} Defaults, checks, conditions and everything else that takes an "
        "expression were not compared either."
    )
    return Expectation(
        schema=_from_registry(connection),
        declared=frozenset(),
        exact=False,
        spelt_alike=False,
        notes=tuple(notes),
    )


def _built(
    connection: BaseDatabaseWrapper,
    loader: MigrationLoader,
    *,
    mode: Mode,
    recorded: frozenset[MigrationKey],
    progress: Callable[[str], object],
) -> Expected:
    key = snapshot_key(connection, loader, mode=mode, recorded=recorded)
    if kept := read_snapshot(key):
        try:
            return expected_from(kept)
        except (CannotRunError, KeyError, TypeError):
            pass  # of another version, or damaged
    found = replay(connection, mode=mode, recorded=sorted(recorded), progress=progress)
    write_snapshot(key, found)
    return expected_from(found)


def _from_registry(connection: BaseDatabaseWrapper) -> Schema:
    models = [
        model
        for model in apps.get_models()
        if options(model).managed and router.allow_migrate_model(connection.alias, model)
    ]
    schema = read_schema(models, connection=connection, modules=())
    return replace(schema, tables=tuple(table for table in schema.tables if table.managed))


def _sentence(error: Exception) -> str:
    return f"{str(error).strip().rstrip('.') or type(error).__name__}."
