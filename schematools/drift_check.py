"""Finds drift: the one function behind ``check_drift`` and everything else that asks for it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.db import DatabaseError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from schematools.catalog import read_database
from schematools.config import Config
from schematools.databases import database_connection
from schematools.documentation import in_silence, page_changes
from schematools.drift import (
    MigrationHistory,
    history_findings,
    missing_operations,
    page_findings,
)
from schematools.errors import CannotRunError, NothingToDocumentError
from schematools.expected import read_expectation
from schematools.findings import Finding
from schematools.hashes import edited_migrations
from schematools.history import (
    BROKEN_GRAPH,
    broken_graph,
    load_migrations,
    read_history,
)
from schematools.live_drift import Scope, live_findings
from schematools.missing_operations import apps_never_migrated, find_missing_operations
from schematools.model import Schema
from schematools.project import read_project
from schematools.sequences import sequences_behind
from schematools.terminal import short_path

# A check waits for other sessions' locks, and for answers, only so long.
LOCK_TIMEOUT, LOCK_SECONDS = "5s", 5
STATEMENT_TIMEOUT = "60s"
LIMITS = """
SELECT set_config('lock_timeout', %s, true), set_config('statement_timeout', %s, true),
    set_config('transaction_read_only', 'on', true)
"""


@dataclass(frozen=True, slots=True)
class DriftResult:
    """What was found, and sentences about what could not be compared."""

    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Database:
    """What is read from the database that is checked, in one go."""

    findings: list[Finding] = field(default_factory=list)
    loader: MigrationLoader | None = None
    history: MigrationHistory | None = None
    schema: Schema | None = None


def find_drift(
    config: Config,
    *,
    alias: str,
    live: bool = True,
    replay: bool = True,
    docs: bool = True,
    progress: Callable[[str], object] = in_silence,
) -> DriftResult:
    """Compare models, migrations, the database ``alias``, its records, and the ERD pages.

    ``live`` compares the database itself with what the migrations make, and ``replay`` has them
    replayed to know that, where no earlier check did. Nothing is written to the database.
    ``progress`` is told how far a replay is. Raise ``CannotRunError`` or ``DatabaseError``.
    """
    connection = database_connection(alias)
    found = _read(connection, live=live)
    findings = list(found.findings)
    notes: list[str] = []
    loader, history = found.loader, found.history
    if loader and history and not history.conflicts:
        # Until conflicts are merged, the migrations have no one final state.
        missing = find_missing_operations(loader)
        findings += missing_operations(missing.operations)
        notes += missing.notes
    if live and loader and history and found.schema:
        expectation = read_expectation(
            connection,
            loader,
            recorded=history.recorded & history.explained,
            wants_replay=replay,
            progress=progress,
        )
        notes += expectation.notes
        scope = Scope(config.hide, frozenset(apps_never_migrated(loader)))
        findings += live_findings(expectation, found.schema, history, scope)
        with _said_in_words(alias):
            findings += sequences_behind(
                connection, lock_timeout=LOCK_TIMEOUT, statement_timeout=STATEMENT_TIMEOUT
            )
    elif live:
        notes.append("The database itself was not compared: the migrations cannot be ordered.")
    if docs:
        findings += _page_findings(config)
    return DriftResult(tuple(findings), tuple(notes))


def _read(connection: BaseDatabaseWrapper, *, live: bool) -> _Database:
    found = _Database()
    with _said_in_words(connection.alias), _bounded(connection):
        if not MigrationRecorder(connection).has_table():
            raise CannotRunError(
                f"The database {connection.alias!r} has no table django_migrations, so nobody "
                "knows what was applied: run 'python manage.py migrate'."
            )
        try:
            found.loader = load_migrations(connection.alias)
        except BROKEN_GRAPH as error:
            found.findings.append(broken_graph(error))
            return found
        found.history = read_history(found.loader, connection.alias)
        found.findings += history_findings(found.history)
        found.findings += edited_migrations(connection, found.history.recorded)
        if live:
            found.schema = read_database(connection)
    return found


@contextmanager
def _bounded(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Meanwhile, PostgreSQL refuses to write, and to wait for longer than a check may take.

    SQLite waits as long as the project's ``timeout`` says.
    """
    if connection.vendor != "postgresql":
        yield
        return
    with transaction.atomic(using=connection.alias):
        with connection.cursor() as cursor:
            cursor.execute(LIMITS, [LOCK_TIMEOUT, STATEMENT_TIMEOUT])
        yield
        transaction.set_rollback(True, using=connection.alias)  # the limits end here


@contextmanager
def _said_in_words(alias: str) -> Iterator[None]:
    """Raise ``CannotRunError`` when another session is in the way."""
    try:
        yield
    except DatabaseError as error:
        reason = str(error).lower()
        if "lock timeout" in reason or "is locked" in reason:
            raise CannotRunError(
                f"Another session has locked a table of the database {alias!r} for longer than a "
                "check waits: try again when it has ended."
            ) from error
        if "statement timeout" in reason:
            raise CannotRunError(
                f"The database {alias!r} took longer than {STATEMENT_TIMEOUT} over one question: "
                "try again when it is less busy."
            ) from error
        raise


# Pages


def _page_findings(config: Config) -> Iterator[Finding]:
    try:
        schema = read_project(config)
    except NothingToDocumentError:
        return
    changes = page_changes(config, schema, output=config.output, progress=in_silence)
    yield from page_findings(
        [(change.kind, short_path(change.path, config.base_dir)) for change in changes]
    )
