"""Migrates other people's projects and checks them for drift, of which there can be none.

Each project is migrated by its own migrations in a new database, and checked twice: by replaying
the migrations, and by what that left behind. Nothing may be found about the database or its record
of migrations. Models may differ from migrations where the project's own ``makemigrations --check``
says so, in as many operations as it says.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from foreign_catalogue import PROJECTS
from foreign_runs import CannotRunError, Run, add_arguments, for_each, tail

PATIENCE = 3600  # seconds to migrate; some have hundreds of migrations
CHECKS = 2
SHOWN = 10
MIGRATE = ("migrate", "--skip-checks", "--verbosity", "0")
MAKE = ("makemigrations", "--check", "--dry-run", "--no-input", "--skip-checks")
CHECK = ("check_drift", "--no-docs", "--format", "json")
OPERATION = re.compile(r"^    [-+~?ps] \S", re.MULTILINE)  # as makemigrations lists them


@dataclass(slots=True)
class Outcome:
    """What was found, and how many seconds each command took."""

    live: int = 0
    records: int = 0
    models: int = 0
    predicted: int = 0  # by the project's own command
    migrated: float = 0
    checked: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def look_at(arguments: argparse.Namespace, cache: Path, name: str, engine: str) -> Outcome:
    outcome = Outcome()
    try:
        run = Run.made(name, engine, arguments=arguments, cache=cache, with_migrations=True)
        with database(run, engine, arguments.postgres):
            migrate(run, outcome)
            predict(run, outcome)
            compare(run, outcome)
    except (CannotRunError, psycopg.Error) as error:
        outcome.problems.append(str(error))
    return outcome


@contextmanager
def database(run: Run, engine: str, url: str) -> Iterator[None]:
    """Make the run's database and drop it; SQLite makes a file by itself."""
    if engine == "sqlite":
        yield
        return
    name = run.database["NAME"]
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
        try:
            with psycopg.connect(url, dbname=name, autocommit=True) as inside:
                for extension in run.project.extensions:
                    inside.execute(f'CREATE EXTENSION "{extension}"')
            yield
        finally:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def migrate(run: Run, outcome: Outcome) -> None:
    started = time.perf_counter()
    done = run.inside("-m", "django", *MIGRATE, patience=PATIENCE)
    outcome.migrated = time.perf_counter() - started
    if done.returncode:
        raise CannotRunError(f"migrate: exit {done.returncode}: {tail(done)}")


def predict(run: Run, outcome: Outcome) -> None:
    """Count what the project's own command would write."""
    done = run.inside("-m", "django", *MAKE, patience=PATIENCE)
    outcome.predicted = len(OPERATION.findall(done.stdout))
    if bool(outcome.predicted) != bool(done.returncode):
        raise CannotRunError(f"makemigrations: exit {done.returncode}: {tail(done)}")


def compare(run: Run, outcome: Outcome) -> None:
    """Check twice; note what is found that should not be."""
    found: list[list[dict[str, str]]] = []
    for _ in range(CHECKS):
        started = time.perf_counter()
        done = run.inside("-m", "django", *CHECK, patience=PATIENCE)
        outcome.checked.append(time.perf_counter() - started)
        if done.returncode not in {0, 1} or "Traceback" in done.stderr:
            raise CannotRunError(f"check_drift: exit {done.returncode}: {tail(done)}")
        report = json.loads(done.stdout)
        found.append(report["findings"])
        outcome.problems += [f"note: {note}" for note in report["notes"]]
    first, second = found
    if first != second:
        outcome.problems.append("the second check finds something else")
    models = [each for each in first if each["id"] == "model-not-migrated"]
    records = [each for each in first if each["id"].startswith("migration-")]
    live = [each for each in first if each not in models and each not in records]
    outcome.models, outcome.records, outcome.live = len(models), len(records), len(live)
    outcome.problems += map(in_words, [*live, *records])
    if outcome.models != outcome.predicted:
        outcome.problems += map(in_words, models)


def in_words(finding: dict[str, str]) -> str:
    return (
        f"{finding['id']} {finding['object']}: expected {finding['expected']}, "
        f"found {finding['found']}"
    )


def lines(name: str, engine: str, outcome: Outcome, *, limit: int | None) -> Sequence[str]:
    problems = outcome.problems
    is_good = not problems and outcome.models == outcome.predicted
    checked = ", ".join(f"{seconds:.1f} s" for seconds in outcome.checked)
    more = len(problems) - limit if limit is not None else 0
    return [
        f"{name:16} {engine:10} database {outcome.live} records {outcome.records} "
        f"models {outcome.models} (makemigrations says {outcome.predicted})  "
        f"migrated in {outcome.migrated:.1f} s, checked in {checked}  "
        + ("ok" if is_good else "NOT CLEAN"),
        *(f"    {problem}" for problem in problems[:limit]),
        *([f"    … and {more} more: --all shows them"] if more > 0 else []),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser)
    arguments = parser.parse_args()

    def look(cache: Path, name: str, engine: str) -> bool:
        if not PROJECTS[name].has_migrations:
            print(f"{name:16} {engine:10} left out: its app has no migrations", flush=True)
            return True
        outcome = look_at(arguments, cache, name, engine)
        limit = None if arguments.all else SHOWN
        print(*lines(name, engine, outcome, limit=limit), sep="\n", flush=True)
        return not outcome.problems and outcome.models == outcome.predicted

    return for_each(parser, arguments, look)


if __name__ == "__main__":
    sys.exit(main())
