"""Proves that archiving changes no schema: builds it from nothing before and after, and compares.

Nothing real is migrated and no file is written: the files as they are to be are only so for the
process that builds.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connections

from schematools.archive import Archive
from schematools.archive_chain import differences
from schematools.diff import Rules, compare
from schematools.errors import CannotRunError
from schematools.json_document import from_document
from schematools.migration_steps import MigrationKey
from schematools.processes import last_line, project_environment
from schematools.scratch import NoScratchPlaceError, scratch_place

Built = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Files:
    """Which migration files to take: as on disk, but for these changes."""

    gone: Sequence[str] = ()
    changed: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    chain: Sequence[MigrationKey] = ()


ON_DISK = Files()


def proposed(archive: Archive) -> Files:
    """Return the files as they would be."""
    return Files(
        gone=archive.moved_modules,
        changed={each.module: (str(each.path), each.after) for each in archive.rewritten},
    )


def refuse_edited(archive: Archive) -> None:
    """Raise ``CannotRunError`` where squashed migrations leave other models than the replaced."""
    if archive.is_complete and (found := differences(archive.squashes)):
        raise CannotRunError(
            f"{_squashes(archive)} does not leave the models as what it replaces does "
            f"({found[0]}): one of the files was edited. Bring back what was applied."
        )


def prove(archive: Archive, alias: str) -> Built:
    """Return the schema of today, which the files as they would be make as well.

    Raise ``CannotRunError`` when they do not, or what is replaced makes another one.
    """
    today = build(alias, ON_DISK)
    if archive.is_complete:
        chain = build(alias, Files(chain=list(archive.squashes)))
        rules = Rules(declared=frozenset(today["declared"]))
        before, after = (from_document(built["schema"]) for built in (chain, today))
        if found := next(compare(before, after, rules), None):
            raise CannotRunError(
                f"{_squashes(archive)} does not make what it replaces makes: {found.object}: "
                f"{found.sentence} Correct the squashed migration first."
            )
    refuse_unless_same(today, alias, proposed(archive))
    return today


def refuse_unless_same(today: Built, alias: str, files: Files) -> None:
    if build(alias, files) != today:
        raise CannotRunError(
            f"Without the replaced migrations, another schema would be made on {alias!r}: "
            "nothing was changed. Archive them by hand."
        )


def build(alias: str, files: Files) -> Built:
    """Migrate a scratch place from nothing and return what is there then."""
    if not getattr(settings, "SETTINGS_MODULE", ""):
        raise CannotRunError("The settings are no module, which another process could load.")
    with tempfile.TemporaryDirectory(prefix="schematools-") as name:
        try:
            with scratch_place(connections[alias], Path(name)) as scratch:
                return _run(alias, files, scratch, Path(name) / "result.json")
        except NoScratchPlaceError as error:
            raise CannotRunError(
                f"There is no place beside {alias!r} to prove it in: {error}."
            ) from error


def _run(alias: str, files: Files, scratch: Mapping[str, Any], result: Path) -> Built:
    orders = {
        "alias": alias,
        "chain": list(files.chain),
        "changed": dict(files.changed),
        "gone": list(files.gone),
        "program": sys.argv[0],
        "result": str(result),
        "scratch": dict(scratch),
    }
    done = subprocess.run(
        [sys.executable, "-m", "schematools.archive_process"],
        env=project_environment(),
        input=json.dumps(orders),
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise CannotRunError(
            f"Migrating a scratch place for {alias!r} failed: {last_line(done.stderr)}"
        )
    found: Built = json.loads(result.read_text(encoding="utf-8"))
    return found


def _squashes(archive: Archive) -> str:
    return ", ".join(".".join(key) for key in archive.squashes)
