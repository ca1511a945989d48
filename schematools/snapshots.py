"""Keeps what the migrations make, so that only the first check has to replay them.

A snapshot is found by a hash of all that it depends on: the migrations' files and those that they
import, what the database has applied, its server, and the settings that shape tables. It lies in a
directory of its user's own, outside the project.
"""

import hashlib
import json
import os
import re
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import django
from django.apps import apps
from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader

from schematools.drift import MigrationKey
from schematools.registry import options

VERSION = 1
KEPT = 32  # snapshots; the oldest go
DIRECTORY = "SCHEMATOOLS_CACHE_DIR"  # an environment variable
SHAPING = (
    *("AUTH_USER_MODEL", "DATABASE_ROUTERS", "DEFAULT_AUTO_FIELD", "DEFAULT_INDEX_TABLESPACE"),
    *("DEFAULT_TABLESPACE", "INSTALLED_APPS", "MIGRATION_MODULES", "SITE_ID", "USE_TZ"),
)
PLACE = """
SELECT current_setting('server_version'), current_setting('search_path'),
    (SELECT datcollate || ' ' || datctype FROM pg_database WHERE datname = current_database()),
    ARRAY(SELECT extname::text FROM pg_extension ORDER BY extname)
"""
_IMPORT = re.compile(
    rb"^[ \t]*(?:from\s+([\w.]+)\s+import\s+([^#\n]+)|import\s+([\w., ]+))", re.MULTILINE
)


def snapshot_key(
    connection: BaseDatabaseWrapper,
    loader: MigrationLoader,
    *,
    mode: str,
    recorded: Iterable[MigrationKey],
) -> str:
    """Return the hash of everything that a snapshot depends on."""
    digest = hashlib.sha256()
    recorded = sorted(recorded)
    facts = [
        VERSION,
        django.VERSION,
        sys.version_info[:2],
        mode,
        connection.vendor,
        connection.alias,
        _server(connection),
        recorded,
        [(name, repr(getattr(settings, name, None))) for name in SHAPING],
    ]
    digest.update(json.dumps(facts, default=str).encode())
    files = set(_migration_files(loader, recorded) if mode == "migrations" else ())
    synced = loader.unmigrated_apps if mode == "migrations" else set(apps.app_configs)
    files |= {
        _file(model.__module__) for model in apps.get_models() if options(model).app_label in synced
    }
    sources = {path: path.read_bytes() for path in files if path}
    imported = {path for source in sources.values() for path in _imported(source)} - sources.keys()
    sources |= {path: path.read_bytes() for path in imported}
    for part in sorted(hashlib.sha256(source).digest() for source in sources.values()):
        digest.update(part)  # wherever the project is
    return digest.hexdigest()


def _migration_files(
    loader: MigrationLoader, recorded: Iterable[MigrationKey]
) -> Iterator[Path | None]:
    """Yield the files that a replay runs; what is not applied yet may come and go."""
    graph = loader.graph
    applied = {key for key in (*recorded, *loader.applied_migrations) if key in graph.nodes}
    for key in {each for target in applied for each in graph.forwards_plan(target)}:
        yield _file(graph.nodes[key].__module__)


def _server(connection: BaseDatabaseWrapper) -> Any:
    if connection.vendor == "sqlite":
        return connection.Database.sqlite_version  # type: ignore[attr-defined]
    with connection.cursor() as cursor:
        cursor.execute(PLACE)
        return cursor.fetchone()


def _file(module: str) -> Path | None:
    """Return the source of a module that is loaded; Django's own is known by its version."""
    name = getattr(sys.modules.get(module), "__file__", None)
    is_django = module.startswith("django.") and not module.startswith("django.contrib.")
    if not name or is_django or not name.endswith(".py"):
        return None
    path = Path(name)
    return path if path.is_file() else None


def _imported(source: bytes) -> Iterator[Path]:
    """Yield the files of the modules that a file imports."""
    for match in _IMPORT.finditer(source):
        origin, names, plain = (part.decode() if part else "" for part in match.groups())
        listed = [
            name.split()[0] for name in (names or plain).strip("()\\ ").split(",") if name.split()
        ]
        modules = [origin, *(f"{origin}.{name}" for name in listed)] if origin else listed
        yield from filter(None, map(_file, modules))


# The directory


def read_snapshot(key: str) -> dict[str, Any] | None:
    """Return the snapshot of this key, if there is one that can be read and trusted."""
    directory = _directory()
    try:
        found = json.loads((directory / f"{key}.json").read_bytes()) if directory else None
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def write_snapshot(key: str, found: dict[str, Any]) -> None:
    """Keep a snapshot; where that is not possible, the next check replays again."""
    directory = _directory()
    if not directory:
        return
    try:
        with tempfile.NamedTemporaryFile(
            "w", dir=directory, suffix=".tmp", delete=False, encoding="utf-8"
        ) as file:
            json.dump(found, file, ensure_ascii=False)
        Path(file.name).replace(directory / f"{key}.json")
        _remove_oldest(sorted(directory.glob("*.json"), key=lambda path: path.stat().st_mtime))
    except OSError:
        return


def _remove_oldest(paths: Sequence[Path]) -> None:
    for path in paths[:-KEPT]:
        path.unlink(missing_ok=True)


def _directory() -> Path | None:
    """Return the first directory that is, or can be made, this user's alone."""
    return next(filter(_is_own, _candidates()), None)


def _candidates() -> Iterator[Path]:
    if chosen := os.environ.get(DIRECTORY):
        yield Path(chosen)
        return
    try:
        home = Path.home() / ".cache"
    except RuntimeError:  # there is none
        home = None
    if cache := os.environ.get("XDG_CACHE_HOME"):
        yield Path(cache) / "schematools"
    elif home:
        yield home / "schematools"
    user = os.getuid() if hasattr(os, "getuid") else "user"
    yield Path(tempfile.gettempdir()) / f"schematools-{user}"


def _is_own(directory: Path) -> bool:
    """Make the directory if need be; tell whether nobody else can put a file there."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = directory.lstat()
    except OSError:
        return False
    if not stat.S_ISDIR(status.st_mode) or not os.access(directory, os.W_OK):
        return False
    others = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return not hasattr(os, "geteuid") or (status.st_uid == os.geteuid() and not others)
