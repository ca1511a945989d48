"""What takes seconds to tell: whether models, database, documents and packages agree."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from io import StringIO
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import CommandError, call_command, get_commands

from truledgr.checkup.findings import Finding, Status, area

FOUND = 1  # what our commands exit with when they have findings
MOST_NAMED = 3
LONGEST_REMEDY = 300
# Each says with --check whether its files are up to date, and writes nothing.
GENERATORS = ("generate_erd", "generate_access_table", "generate_reference")
STATUSES = {"error": Status.FAILED}  # by the severity of the toolkit; everything else is a warning


@area("drift", asks_database=False)
def check_drift() -> Iterator[Finding]:
    """Ask ``manage.py check_drift``, which limits its own queries."""
    out = StringIO()
    try:
        call_command(
            "check_drift",
            docs=False,
            file_format="json",
            stdout=out,
            stderr=StringIO(),
        )
    except CommandError as error:
        if error.returncode != FOUND:
            raise
    found: list[dict[str, Any]] = json.loads(out.getvalue())["findings"]
    for each in found[:MOST_NAMED]:
        yield Finding(
            f"drift.{each['id']}",
            STATUSES.get(each["severity"], Status.WARNING),
            f"{each['object']}: expected {each['expected']}; found {each['found']}.",
            _in_short(each["remedy"]),
        )
    if len(found) > MOST_NAMED:
        more = f"{len(found) - MOST_NAMED} more differences."
        yield Finding("drift.more", Status.WARNING, more, "manage.py check_drift")
    if not found:
        yield Finding("drift.none", Status.OK, "Models, migrations and the database agree.")


def _in_short(remedy: str) -> str:
    """SQLite makes a table anew to change a column of it: that is nothing to read here."""
    return remedy if len(remedy) <= LONGEST_REMEDY else "manage.py check_drift says what to run"


@area("documentation", asks_database=False)
def check_documentation() -> Iterator[Finding]:
    if not Path(settings.BASE_DIR, "docs").is_dir():
        yield Finding("documentation.none", Status.OK, "The documentation is not installed here.")
        return
    stale = [name for name in GENERATORS if name in get_commands() and not _is_fresh(name)]
    for name in stale:
        yield Finding(
            f"documentation.{name.replace('_', '-')}",
            Status.WARNING,
            f"What {name} writes is not up to date.",
            f"manage.py {name}",
        )
    if not stale:
        yield Finding("documentation.fresh", Status.OK, "The generated documents are up to date.")


def _is_fresh(command: str) -> bool:
    try:
        call_command(command, "--check", stdout=StringIO(), stderr=StringIO())
    except CommandError as error:
        if error.returncode != FOUND:
            raise
        return False
    return True


@area("packages", asks_database=False)
def check_packages() -> Iterator[Finding]:
    """Compare what is installed with requirements.txt, where that is there to be compared with."""
    path = Path(settings.BASE_DIR, "requirements.txt")
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    # Lines with a ; are for other systems or versions of Python.
    pinned = [line.split()[0].split("==") for line in lines if "==" in line and ";" not in line]
    other = sorted(name for name, wanted in pinned if _installed(name) != wanted)
    if other:
        named = ", ".join(other[:MOST_NAMED]) + (" and more" if len(other) > MOST_NAMED else "")
        yield Finding(
            "packages.other",
            Status.WARNING,
            f"Not installed in the version of requirements.txt: {named}.",
            "pip install --require-hashes -r requirements.txt",
        )
    else:
        yield Finding("packages.pinned", Status.OK, "The packages are those of requirements.txt.")


def _installed(name: str) -> str:
    try:
        return version(name.partition("[")[0])
    except PackageNotFoundError:
        return ""
