"""Reads a database as it is at one moment, changing nothing and waiting only so long."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from django.db import DEFAULT_DB_ALIAS, OperationalError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from schematools.catalog import READERS
from schematools.databases import database_connection
from schematools.errors import CannotRunError

LOCK_NOT_AVAILABLE = "55P03"
QUERY_CANCELED = "57014"
STEPS_BETWEEN_LOOKS = 100_000  # of SQLite's virtual machine; the clock is looked at so often

SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
READ_ONLY = "SET TRANSACTION READ ONLY"
LIMITS = "SELECT set_config('lock_timeout', %s, true), set_config('statement_timeout', %s, true)"


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds to wait for a lock, and for one query; 0 is for ever.

    SQLite knows no wait of its own for a lock: that is ``timeout`` in the connection's options.
    """

    lock: float = 5.0
    query: float = 0.0


DEFAULT_LIMITS = Limits()


def chosen_connection(alias: str = DEFAULT_DB_ALIAS) -> BaseDatabaseWrapper:
    """Return the connection as ``database_connection`` does, of an engine that can be read."""
    connection = database_connection(alias)
    if connection.vendor not in READERS:
        raise CannotRunError(
            f"Only PostgreSQL and SQLite databases can be read; this one is {connection.vendor}."
        )
    return connection


@contextmanager
def snapshot(connection: BaseDatabaseWrapper, limits: Limits = DEFAULT_LIMITS) -> Iterator[None]:
    """Let what is inside see one moment of the database, and refuse every write.

    Inside a transaction it is that transaction's moment. Raise ``CannotRunError`` when a limit is
    over, or another session holds a lock.
    """
    connection.ensure_connection()
    reading = {"postgresql": _postgresql, "sqlite": _sqlite}[connection.vendor]
    try:
        with reading(connection, limits):
            yield
    except OperationalError as error:
        if reason := _limit_in_words(error, limits):
            raise CannotRunError(reason) from error
        raise


def apart(connection: BaseDatabaseWrapper) -> AbstractContextManager[None]:
    """Let a query inside a snapshot fail without spoiling those after it."""
    if connection.vendor == "postgresql":
        return transaction.atomic(using=connection.alias)
    return nullcontext()


def is_over_limit(error: BaseException) -> bool:
    """Tell whether it is an answer to waiting too long, which nothing after it will change."""
    return bool(_limit_in_words(error, DEFAULT_LIMITS))


@contextmanager
def _postgresql(connection: BaseDatabaseWrapper, limits: Limits) -> Iterator[None]:
    is_outermost = not connection.in_atomic_block
    with transaction.atomic(using=connection.alias):
        with connection.cursor() as cursor:
            cursor.execute(SNAPSHOT if is_outermost else READ_ONLY)
            cursor.execute(LIMITS, [_milliseconds(limits.lock), _milliseconds(limits.query)])
        yield
        transaction.set_rollback(True, using=connection.alias)  # the limits end here


@contextmanager
def _sqlite(connection: BaseDatabaseWrapper, limits: Limits) -> Iterator[None]:
    is_outermost = not connection.in_atomic_block
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA query_only")
        (was_read_only,) = cursor.fetchone()
        cursor.execute("PRAGMA query_only = ON")
        if is_outermost:
            # Django would begin as DATABASES says, which may be with the lock of a writer.
            cursor.execute("BEGIN DEFERRED")
        try:
            with _each_within(connection, limits.query):
                yield
        finally:
            if is_outermost:
                cursor.execute("ROLLBACK")
            cursor.execute(f"PRAGMA query_only = {was_read_only:d}")


@contextmanager
def _each_within(connection: BaseDatabaseWrapper, seconds: float) -> Iterator[None]:
    """Interrupt each query on SQLite that takes longer; 0 is no limit."""
    if not seconds:
        yield
        return
    started = time.monotonic()

    def timed(execute: Any, *arguments: Any) -> Any:
        nonlocal started
        started = time.monotonic()
        return execute(*arguments)

    def is_late() -> bool:
        return time.monotonic() - started > seconds

    connection.connection.set_progress_handler(is_late, STEPS_BETWEEN_LOOKS)
    try:
        with connection.execute_wrapper(timed):
            yield
    finally:
        connection.connection.set_progress_handler(None, 0)


def _limit_in_words(error: BaseException, limits: Limits) -> str:
    cause = error.__cause__
    state = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    text = str(error)
    if state == LOCK_NOT_AVAILABLE or "database is locked" in text or "table is locked" in text:
        return (
            f"Another session holds a lock, for longer than {limits.lock:g} s. Try again when it "
            "has ended, or wait longer with --lock-timeout."
        )
    if state == QUERY_CANCELED or text == "interrupted":
        limit = f"{limits.query:g} s" if limits.query else "the server's statement_timeout"
        return f"A query took longer than {limit}. Allow more with --timeout, or read less."
    return ""


def _milliseconds(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms"
