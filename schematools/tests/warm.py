"""Runs ``python -m django`` in forks of a process that has done the imports already.

Each command still has a process, settings and an end of its own: the process that it is forked
from has imported Django and schematools, which takes longer than most commands, and nothing else.
"""

import atexit
import gc
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
from importlib import import_module, invalidate_caches
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
# What Python reads before any of our code runs cannot be given to a fork.
READ_AT_THE_START = ("PYTHON", "LC_", "LANG", "TZ")
# What needs no settings to be imported; it imports the rest of both.
IMPORTED = (
    "django.contrib.messages.storage.fallback",
    "django.core.management.commands.check",
    "django.core.management.commands.makemigrations",
    "django.core.management.commands.migrate",
    "django.db.backends.postgresql.base",
    "django.db.backends.sqlite3.base",
    "django.template.backends.django",
    "schematools.acceptance",
    "schematools.archive_proof",
    "schematools.expected",
    "schematools.management.commands.analyze_indexes",
    "schematools.management.commands.check_integrity",
    "schematools.management.commands.generate_erd",
    "schematools.management.commands.lint_migrations",
    "schematools.management.commands.migration_status",
    "schematools.mending_postgresql",
    "schematools.mending_sqlite",
    "schematools.snapshots",
)


def is_for_a_fork(environment):
    """Tell whether a fork heeds these variables as a new process would."""
    return not any(
        name.startswith(READ_AT_THE_START) and name != "PYTHONPATH" for name in environment
    )


class Stem:
    """The process that forks, started with the first command and ended with this one."""

    def __init__(self):
        ours, theirs = socket.socketpair()
        self.socket = ours
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-W", "error", "-m", __name__, str(theirs.fileno())],
                env=inherited() | {"PYTHONPATH": str(REPOSITORY)},
                pass_fds=[theirs.fileno()],
            )
        atexit.register(self.end)

    def end(self):
        self.socket.close()
        self.process.wait()

    def run(self, arguments, environment, *, timeout):
        """Return what ``subprocess.run`` would of such a command."""
        given = {"arguments": arguments, "environment": environment, "at": str(Path.cwd())}
        new = tempfile.TemporaryFile
        with new() as orders, new() as out, new() as errors:
            orders.write(json.dumps(given).encode())
            orders.seek(0)
            files = [orders.fileno(), out.fileno(), errors.fileno()]
            socket.send_fds(self.socket, [b"."], files)
            pid = int(self._line(None))
            try:
                code = int(self._line(timeout))
            except TimeoutError:
                os.kill(pid, signal.SIGKILL)
                self._line(None)
                raise subprocess.TimeoutExpired(arguments, timeout) from None
            texts = [_text(out), _text(errors)]
        return subprocess.CompletedProcess(arguments, code, *texts)

    def _line(self, timeout):
        self.socket.settimeout(timeout)
        line = b""
        while not line.endswith(b"\n"):
            piece = self.socket.recv(1)
            if not piece:
                raise RuntimeError("the process that forks has ended")
            line += piece
        return line


def _text(file):
    file.seek(0)
    return file.read().decode()


def inherited():
    """Return the variables of this process that a command gets, whatever is given."""
    left_out = ("DJANGO_", "PROJECT_", "PYTHON", "COVERAGE_", "COV_")
    return {name: value for name, value in os.environ.items() if not name.startswith(left_out)}


def main(number):
    for name in IMPORTED:
        import_module(name)
    gc.freeze()  # a fork need not look through what it was forked with
    # The parent's end of it closes when the tests end, however they do.
    with socket.socket(fileno=number) as parent:
        while True:
            mark, files, _flags, _address = socket.recv_fds(parent, 1, 3)
            if not mark:
                return
            pid = os.fork()
            if not pid:
                break
            for file in files:
                os.close(file)
            parent.sendall(f"{pid}\n".encode())
            _pid, status = os.waitpid(pid, 0)
            parent.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    become(*files)


def become(orders, out, errors):
    """Be the command that the orders are for; this ends as it does."""
    with os.fdopen(orders, encoding="utf-8") as file:
        given = json.load(file)
    for file, standard in ((out, 1), (errors, 2)):
        os.dup2(file, standard)
        os.close(file)
    os.environ.clear()
    os.environ.update(given["environment"])
    os.chdir(given["at"])
    tempfile.tempdir = None
    invalidate_caches()
    path = given["environment"]["PYTHONPATH"].split(os.pathsep)
    sys.path[:2] = [given["at"], *path]
    sys.argv = ["-m", *given["arguments"]]
    runpy.run_module("django", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
