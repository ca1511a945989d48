"""Has the migrations replayed in a scratch place, and returns what they make."""

import json
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from django.conf import settings
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from schematools.drift import MigrationKey
from schematools.json_document import from_document
from schematools.model import Schema
from schematools.processes import last_line, project_environment
from schematools.replay_process import MARK
from schematools.scratch import scratch_place

Mode = Literal["migrations", "models"]
Progress = Callable[[str], object]


class ReplayError(Exception):
    """The replay failed; the message is the last thing that it said."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a database should hold, and the names of indexes and constraints that models declare."""

    schema: Schema
    declared: frozenset[str]
    notes: tuple[str, ...] = ()


def replay(
    connection: BaseDatabaseWrapper,
    *,
    mode: Mode,
    recorded: Sequence[MigrationKey],
    progress: Progress,
) -> dict[str, Any]:
    """Build what the recorded migrations make, or the models alone, and return it as JSON values.

    ``expected_from`` reads them. Raise ``NoScratchPlaceError`` or ``ReplayError``.
    """
    connection = connections[connection.alias]  # in case it is the proxy of the default one
    if not getattr(settings, "SETTINGS_MODULE", ""):
        raise ReplayError("the settings are no module, which another process could load")
    with (
        _ended_by_signals(),
        tempfile.TemporaryDirectory(prefix="schematools-") as name,
        scratch_place(connection, Path(name)) as scratch,
    ):
        result = Path(name) / "result.json"
        orders = {
            "alias": connection.alias,
            "mode": mode,
            "program": sys.argv[0],
            "recorded": sorted(recorded),
            "result": str(result),
            "scratch": dict(scratch),
        }
        _run(orders, Path(name) / "errors.txt", progress)
        found: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
        return found


def expected_from(found: dict[str, Any]) -> Expected:
    """Return what ``replay`` returned; raise ``CannotRunError`` for what is of another format."""
    return Expected(
        schema=from_document(found["schema"]),
        declared=frozenset(found["declared"]),
        notes=tuple(found["notes"]),
    )


def _run(orders: dict[str, Any], errors: Path, progress: Progress) -> None:
    with errors.open("w", encoding="utf-8") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "schematools.replay_process"],
            env=project_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            encoding="utf-8",
            errors="replace",
        )
    stdin: IO[str] = process.stdin  # type: ignore[assignment]
    stdout: IO[str] = process.stdout  # type: ignore[assignment]
    try:
        # When it fails at once, it says why in its errors.
        with suppress(BrokenPipeError):
            stdin.write(json.dumps(orders) + "\n")
            stdin.flush()
        _follow(stdout, progress)
        code = process.wait()
    finally:
        process.kill()
        process.wait()
        stdout.close()
        with suppress(BrokenPipeError):
            stdin.close()
    if code:
        raise ReplayError(last_line(errors.read_text(encoding="utf-8", errors="replace")))


def _follow(lines: Any, progress: Progress) -> None:
    total, done = 0, 0
    for line in lines:
        if not line.startswith(MARK):
            continue
        text = line[1:].strip()
        if text.isdigit():
            total = int(text)
        else:
            done += 1
            progress(f"Replaying {done} of {total}: {text}")


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Meanwhile, SIGTERM and SIGHUP end the process the way Ctrl-C does: everything is tidied."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    names = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in names}
    for number, handler in before.items():
        if handler is signal.SIG_DFL:
            signal.signal(number, _end)
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is signal.SIG_DFL:
                signal.signal(number, handler)


def _end(number: int, _frame: Any) -> None:
    raise SystemExit(128 + number)
