"""Importing items: how long, how much memory, and that a bad row leaves nothing behind.

A file with one bad row in a hundred is imported first: the report names each of them, and nothing
is written. Then the same number of good rows, which are exported again and imported as an upsert
that finds nothing to change. The peak of resident memory is that of the whole process, in which
SQLite keeps pages of its file: what it may take of them is allowed on top when rows are written.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from resource import RUSAGE_SELF, getrusage
from tempfile import TemporaryFile
from typing import BinaryIO, TypeVar

import measuring
from measuring import Fact, Result

from core.context import Via, acting
from core.models import AuditEvent
from items.models import Item
from items.services.exporting import export_items
from items.services.importing import Report, import_items
from users.models import User

T = TypeVar("T")

MOST_MEMORY = 200  # MB
PAGE_CACHE = 68  # MB that SQLite keeps of its file inside of the process, by the settings
BAD_EVERY = 100


def measure(options: argparse.Namespace) -> Iterator[Result | Fact]:
    measuring.migrate()
    actor = User.objects.create_user("ada", "ada@example.org")
    rows = options.rows
    with acting(via=Via.COMMAND, actor=actor), TemporaryFile() as bad, TemporaryFile() as good:
        _fill(bad, rows, bad_every=BAD_EVERY)
        report, seconds = _timed(lambda: _import(actor, bad))
        named = {error.line for error in report.errors}
        expected = {2 + n for n in range(0, rows, BAD_EVERY)}
        yield Fact(
            f"{rows:,} rows, {len(expected):,} of them bad: {seconds:.1f} s, "
            f"{len(named):,} named, {Item.objects.count():,} items, {_memory():.0f} MB",
            is_good=named == expected and not Item.objects.exists() and _memory() <= MOST_MEMORY,
        )
        _fill(good, rows, bad_every=0)
        report, seconds = _timed(lambda: _import(actor, good))
        events = AuditEvent.objects.filter(app="items", action="create").count()
        yield Fact(
            f"{rows:,} good rows: {seconds:.1f} s ({rows / seconds:,.0f} a second), "
            f"{report.created:,} items, {events:,} events, {_memory():.0f} MB",
            is_good=report.created == events == Item.objects.count() == rows,
        )
        with TemporaryFile() as exported:
            _none, seconds = _timed(lambda: _export(exported))
            yield Fact(f"exported again: {seconds:.1f} s, {_memory():.0f} MB", is_good=True)
            report, seconds = _timed(lambda: _import(actor, exported, mode="upsert"))
            yield Fact(
                f"an upsert of that: {seconds:.1f} s, {report.unchanged:,} unchanged",
                is_good=report.unchanged == rows,
            )
    most = MOST_MEMORY if measuring.is_postgres() else MOST_MEMORY + PAGE_CACHE
    peak = _memory()
    yield Fact(f"peak of memory {peak:.0f} MB, at most {most}", is_good=peak <= most)


def _fill(file: BinaryIO, rows: int, *, bad_every: int) -> None:
    file.write(b"name,description,kind,is_active,tags,data\r\n")
    for n in range(rows):
        kind = "ship" if bad_every and n % bad_every == 0 else "task"
        line = f'Item {n},"What it is about, in words",{kind},true,"[""q3""]","{{""n"": {n}}}"\r\n'
        file.write(line.encode())


def _import(actor: User, file: BinaryIO, *, mode: str = "create") -> Report:
    return import_items(actor=actor, file=file, file_format="csv", mode=mode)


def _export(file: BinaryIO) -> None:
    file.writelines(
        piece.encode() for piece in export_items(Item.objects.alive(), file_format="csv")
    )


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    started = time.perf_counter()
    done = work()
    return done, time.perf_counter() - started


def _memory() -> float:
    """The peak so far, in MB of 1,000,000 bytes; Linux tells it in KiB."""
    return getrusage(RUSAGE_SELF).ru_maxrss * 1024 / 1e6


if __name__ == "__main__":
    measuring.main(__doc__ or "", measure, rows=100_000)
