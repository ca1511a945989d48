"""Checks a database of many tables for drift, against what Django takes to compare models alone.

Every contestant is a process of its own, as people run it. django-extensions' ``sqldiff``, which
asks about table after table, is measured beside.

Django takes minutes to migrate a thousand models. So the tables are made as if there were no
migrations, these are recorded with ``--fake``, and the snapshot that a replay would leave is made
in the same way. ``--replay`` does it all as people do, and times the first check.
"""

from __future__ import annotations

import argparse
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import psycopg
from document_schema import MODEL, MODELS_IN_AN_APP, PROJECT
from document_schema import SETTINGS as PROJECT_SETTINGS

MAKE = ("makemigrations",)
PREDICT = ("makemigrations", "--check", "--dry-run")
CHECK = ("check_drift", "--no-docs")
PEER = ("sqldiff", "--all-applications", "--dense-output")
AT_MOST = 2.0

SETTINGS = """
import os
DATABASES["default"] = {
    "ENGINE": "django.db.backends." + os.environ["BENCH_ENGINE"],
    **{k: os.environ["BENCH_" + k] for k in ("NAME", "HOST", "PORT", "USER", "PASSWORD")},
}
"""
MAKE_TABLES = """
from django.db import connections
from schematools.replay_process import make_models
make_models(connections["default"])
"""
PRIME = """
from django.db import connections
from schematools.documentation import in_silence
from schematools.history import load_migrations, read_history
from schematools.replay import replay
from schematools.snapshots import snapshot_key, write_snapshot
loader = load_migrations("default")
recorded = read_history(loader, "default").recorded
found = replay(connections["default"], mode="models", recorded=[], progress=in_silence)
key = snapshot_key(connections["default"], loader, mode="migrations", recorded=recorded)
write_snapshot(key, found)
"""
COUNT = """
from django.db import connection
from django.test.utils import CaptureQueriesContext
from schematools.config import load_config
from schematools.drift_check import find_drift
with CaptureQueriesContext(connection) as seen:
    found = find_drift(load_config(), alias="default", docs=False)
print("QUERIES", len(seen), "FINDINGS", len(found.findings), found.findings[:3])
"""


class Bench:
    """A project in a directory, and a database for it."""

    def __init__(self, directory: Path, place: dict[str, str]) -> None:
        self.directory = directory
        self.environment = {
            **os.environ,
            **{f"BENCH_{key}": value for key, value in place.items()},
            "DJANGO_SETTINGS_MODULE": "settings",
            "PYTHONPATH": os.pathsep.join([str(directory), str(PROJECT)]),
            "SCHEMATOOLS_CACHE_DIR": str(directory / "cache"),
        }

    def run(self, arguments: Sequence[str]) -> tuple[float, str]:
        """Return how long a command took, and what it printed; fail when it does."""
        started = time.perf_counter()
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "django", *arguments],
            cwd=self.directory,
            env=self.environment,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        elapsed = time.perf_counter() - started
        if done.returncode and arguments != PEER:  # which takes what it does not know for drift
            said = done.stdout[-2000:] + done.stderr[-2000:]
            raise SystemExit(f"{' '.join(arguments)} failed: {said}")
        return elapsed, "crashed" if "Traceback" in done.stderr else done.stdout

    def prepare(self, *, replay: bool) -> str:
        """Make the tables and the snapshot; return what there is to say about it."""
        if replay:
            migrated, _ = self.run(("migrate",))
            first, _ = self.run(CHECK)
            return f"migrate {migrated:.1f} s; the first check {first:.1f} s"
        self.run(("shell", "--no-imports", "-c", MAKE_TABLES))
        self.run(("migrate", "--fake"))
        self.run(("shell", "--no-imports", "-c", PRIME))
        return "the first check is timed with --replay"

    def measure(self, rounds: int) -> dict[Sequence[str], float]:
        times: dict[Sequence[str], list[float]] = {PREDICT: [], CHECK: []}
        for _ in range(rounds):
            for command, found in times.items():
                found.append(self.run(command)[0])
        return {command: median(found) for command, found in times.items()}


def make_project(directory: Path, *, models: int) -> None:
    """Write a project of so many models, each with 12 columns and two foreign keys.

    They lead to earlier models of the same app: Django's migrations take the square of the number
    of models that hang together, and ``migrate`` would take hours.
    """
    apps = range((models + MODELS_IN_AN_APP - 1) // MODELS_IN_AN_APP)
    names = ", ".join(f'"app{app}"' for app in apps)
    settings = PROJECT_SETTINGS.format(apps=names) + SETTINGS
    (directory / "settings.py").write_text(settings, encoding="utf-8")
    for app in apps:
        (directory / f"app{app}" / "migrations").mkdir(parents=True)
        (directory / f"app{app}" / "__init__.py").touch()
        (directory / f"app{app}" / "migrations" / "__init__.py").touch()
        first = app * MODELS_IN_AN_APP
        numbers = range(first, min(models, first + MODELS_IN_AN_APP))
        texts = (
            MODEL.format(
                number=number,
                name=f"model{number}",
                parent=f"app{app}.Model{first}",
                other=f"app{app}.Model{max(first, number - 1)}",
            )
            for number in numbers
        )
        text = "from django.db import models\n" + "".join(texts)
        (directory / f"app{app}" / "models.py").write_text(text, encoding="utf-8")


@contextmanager
def place_of(engine: str, url: str, directory: Path) -> Iterator[dict[str, str]]:
    if engine == "sqlite3":
        nothing = dict.fromkeys(("HOST", "PORT", "USER", "PASSWORD"), "")
        yield {"ENGINE": engine, "NAME": str(directory / "bench.sqlite3"), **nothing}
        return
    parts = urlsplit(url)
    name = f"bench_drift_{secrets.token_hex(4)}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
        try:
            yield {
                "ENGINE": engine,
                "NAME": name,
                "HOST": parts.hostname or "",
                "PORT": str(parts.port or ""),
                "USER": parts.username or "",
                "PASSWORD": parts.password or "",
            }
        finally:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def run_engine(engine: str, options: argparse.Namespace) -> bool:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        with place_of(engine, options.postgresql, directory) as place:
            make_project(directory, models=options.models)
            bench = Bench(directory, place)
            bench.run(MAKE)
            prepared = bench.prepare(replay=options.replay)
            times = bench.measure(options.rounds)
            _, counted = bench.run(("shell", "--no-imports", "-c", COUNT))
            peer = bench.run(PEER) if options.peer else None
    ratio = times[CHECK] / times[PREDICT]
    print(f"{engine}: {options.models:,} models", flush=True)
    print(
        f"  check_drift : makemigrations --check   {times[CHECK]:6.2f} s : {times[PREDICT]:6.2f} s"
        f" = {ratio:5.2f}  at most {AT_MOST:g}  {'ok' if ratio <= AT_MOST else 'MISSED'}"
    )
    if peer:
        seconds, said = peer
        remark = "  (it crashed)" if said == "crashed" else ""
        against = f"{seconds:6.2f} s{remark}"
        print(f"  check_drift : sqldiff                  {times[CHECK]:6.2f} s : {against}")
    print(f"  {prepared}; {counted.strip()}", flush=True)
    return ratio <= AT_MOST


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--replay", action="store_true", help="migrate and replay, for minutes")
    parser.add_argument("--no-peer", action="store_false", dest="peer")
    parser.add_argument("--engine", choices=("sqlite3", "postgresql"))
    parser.add_argument(
        "--postgresql",
        metavar="URL",
        default=os.environ.get("DATABASE_URL", ""),
        help="a server to make a scratch database on; default: DATABASE_URL",
    )
    options = parser.parse_args()
    engines = [options.engine] if options.engine else ["sqlite3", "postgresql"]
    return 0 if min([run_engine(engine, options) for engine in engines]) else 1


if __name__ == "__main__":
    sys.exit(main())
