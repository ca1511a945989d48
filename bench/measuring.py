"""What the benchmarks share: scratch databases on both engines, medians, ratios, a verdict.

Import it before any model: it sets Django up. A benchmark calls ``main()``, which runs the script
again in one process for each engine, with ``DATABASE_URL`` naming a new database.
"""

from __future__ import annotations

import argparse
import gc
import getpass
import os
import secrets
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median
from typing import Any
from uuid import UUID

import django
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.db import connection, connections

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "truledgr.settings")
django.setup()

from truledgr.tests.engines import (  # noqa: E402 (needs the path above)
    ask_server,
    choose,
    connect,
    drop_databases,
    local_candidates,
    place_of,
    with_name,
)
from truledgr.tests.postgres import ServerError, temporary_server  # noqa: E402

SOCKETS = ("/var/run/postgresql", "/run/postgresql", "/tmp")  # noqa: S108
CHILD = "TRULEDGR_BENCH_DATABASE"


@dataclass(frozen=True, slots=True)
class Result:
    """A ratio of two medians, and what it may be at most; no limit where it is for contrast."""

    what: str
    seconds: float
    compared_with: float
    at_most: float | None = None

    @property
    def ratio(self) -> float:
        return self.seconds / self.compared_with

    @property
    def is_good(self) -> bool:
        return self.at_most is None or self.ratio <= self.at_most

    def __str__(self) -> str:
        limit = "" if self.at_most is None else f"  at most {self.at_most:g}"
        verdict = "" if self.at_most is None else "  ok" if self.is_good else "  MISSED"
        return (
            f"  {self.what:<58} {_milliseconds(self.seconds)} : "
            f"{_milliseconds(self.compared_with)} = {self.ratio:7.2f}{limit}{verdict}"
        )


@dataclass(frozen=True, slots=True)
class Fact:
    """Something counted that has to be so."""

    what: str
    is_good: bool

    def __str__(self) -> str:
        return f"  {self.what}  {'ok' if self.is_good else 'MISSED'}"


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:9.3f} ms"


# --- Measuring ------------------------------------------------------------------------------


def medians(
    contestants: Mapping[str, Callable[[], object]],
    *,
    rounds: int,
    warm_up: int = 5,
    after_each: Callable[[], object] = lambda: None,
) -> dict[str, float]:
    """Median seconds of each contestant: every round runs all of them, in another order.

    ``after_each`` runs after each of them, untimed. Interleaving makes a slow moment of the
    machine slow for all of them.
    """
    order = list(contestants)
    shuffle = Random(1).shuffle
    times: dict[str, list[float]] = {name: [] for name in order}
    for number in range(-warm_up, rounds):
        shuffle(order)
        for name in order:
            gc.collect(0)
            started = time.perf_counter()
            contestants[name]()
            elapsed = time.perf_counter() - started
            if number >= 0:
                times[name].append(elapsed)
            after_each()
    return {name: median(values) for name, values in times.items()}


@contextmanager
def counted_queries() -> Iterator[list[str]]:
    """The statements that are sent meanwhile, those of transactions left out."""
    seen: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001
        seen.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield seen


# --- Databases ------------------------------------------------------------------------------


def is_postgres() -> bool:
    return connection.vendor == "postgresql"


def adapted_key(key: UUID) -> UUID | str:
    """A key as ``load()`` has to be given it."""
    return key if is_postgres() else key.hex


def migrate() -> None:
    call_command("migrate", verbosity=0)


def copy_database(alias: str) -> None:
    """Make the database ``alias``: what is in the default one now."""
    config = dict(connections.databases["default"])
    if is_postgres():
        name = f"{config['NAME']}_{alias}"
        _close(connection)
        with connect(with_name(os.environ[CHILD], "postgres"), autocommit=True) as server:
            server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{config["NAME"]}"')
    else:
        name = f"{config['NAME']}.{alias}"
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copyfile(config["NAME"], name)
    connections.databases[alias] = {**config, "NAME": name}


def _close(one: Any) -> None:
    """Close a connection and its pool: PostgreSQL copies no database that somebody is using."""
    one.close()
    if one.vendor == "postgresql":
        one.close_pool()


def load(alias: str, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert many rows: by COPY, or by one prepared statement."""
    names = ", ".join(columns)
    with connections[alias].cursor() as cursor:
        if is_postgres():
            with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            return
        cursor.execute("BEGIN")
        marks = ", ".join(["?"] * len(columns))
        raw: sqlite3.Connection = connections[alias].connection
        raw.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)
        cursor.execute("COMMIT")


def analyze(*aliases: str) -> None:
    for alias in aliases:
        with connections[alias].cursor() as cursor:
            cursor.execute("VACUUM ANALYZE" if is_postgres() else "ANALYZE")


# --- Running --------------------------------------------------------------------------------


def main(
    description: str,
    measure: Callable[[argparse.Namespace], Iterable[Result | Fact]],
    **numbers: int,
) -> None:
    """Run ``measure`` on both engines; exit with 1 when a result is over its limit.

    ``numbers`` are options with their defaults, such as ``rows=1_000_000``.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, default in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=default, help=f"default: {default:,}")
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), help="default: both")
    parser.add_argument(
        "--database",
        metavar="URL",
        help="a PostgreSQL server to make scratch databases on; default: DATABASE_URL, else a "
        "local server, else a temporary one",
    )
    options = parser.parse_args()
    if CHILD in os.environ:
        sys.exit(_measure(measure, options))
    codes = []
    if options.engine != "postgresql":
        codes.append(_on_sqlite())
    if options.engine != "sqlite":
        try:
            codes.append(_on_postgres(options.database))
        except ServerError as error:
            parser.exit(2, f"PostgreSQL: {error}\n")
    sys.exit(max(codes))


def _measure(
    measure: Callable[[argparse.Namespace], Iterable[Result | Fact]], options: argparse.Namespace
) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT sqlite_version()" if not is_postgres() else "SHOW server_version")
        version = str(cursor.fetchone()[0]).split()[0]
    print(f"\n{connection.display_name} {version}, load {os.getloadavg()[0]:.1f}", flush=True)
    is_good = True
    for result in measure(options):
        print(result, flush=True)
        is_good = is_good and result.is_good
    for one in connections.all(initialized_only=True):
        _close(one)
    return 0 if is_good else 1


def _on_sqlite() -> int:
    with tempfile.TemporaryDirectory(prefix="truledgr-bench-") as directory:
        return _run_again(f"sqlite:///{directory}/bench.sqlite3")


def _on_postgres(given: str | None) -> int:
    url = given or os.environ.get("DATABASE_URL", "")
    choice = choose(
        environ={"TEST_DATABASE_URL": url} if url.startswith("postgres") else {},
        candidates=local_candidates(user=getpass.getuser(), socket_directories=SOCKETS),
        ask=ask_server,
    )
    mark = f"bench_{secrets.token_hex(4)}"
    if not choice.url:
        with temporary_server() as server:
            return _run_on_server(server.url, mark)
    print(f"PostgreSQL at {place_of(choice.url)}")
    return _run_on_server(choice.url, mark)


def _run_on_server(url: str, mark: str) -> int:
    scratch = with_name(url, mark)
    with connect(with_name(url, "postgres"), autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{mark}"')
    try:
        return _run_again(scratch)
    finally:
        drop_databases(url, mark=mark)


def _run_again(url: str) -> int:
    """This script, in production settings, on the database that ``url`` names."""
    environ = {
        **os.environ,
        CHILD: url,
        "DATABASE_URL": url,
        "DEBUG": "0",
        "ALLOWED_HOSTS": "localhost",
        "SECRET_KEY": secrets.token_urlsafe(64),
        "FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
    }
    return subprocess.run([sys.executable, *sys.argv], env=environ, check=False).returncode  # noqa: S603
