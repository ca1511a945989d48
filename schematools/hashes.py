"""Tells whether a migration's file was edited after the migration was applied.

What counts is what the migration does: blanks, comments, docstrings, quotes, the order of imports
and what it depends on or replaces may change. Hashes are kept in a table of the toolkit's own,
written after every ``migrate``; the first one adopts the files as they are.
"""

import ast
import hashlib
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

from django.db import connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from schematools.drift import MigrationKey
from schematools.findings import Finding
from schematools.models import MigrationHash

# Says nothing about what the code does, or only in some versions of Python.
_IRRELEVANT = frozenset({"ctx", "kind", "type_comment", "type_ignores"})


_PLACE = frozenset({"dependencies", "replaces", "run_before"})


def source_hash(source: bytes) -> str:
    return hashlib.sha256(source).hexdigest()


def content_hash(source: bytes) -> str:
    """Return a hash of what the code means; the same in all versions of Python.

    Raise ``SyntaxError`` for what is no code.
    """
    return hashlib.sha256(_meaning(ast.parse(source)).encode()).hexdigest()


def _meaning(node: Any) -> str:
    if isinstance(node, ast.AST):
        parts = [
            f"{name}={_meaning(value)}"
            for name, value in _fields(node)
            if name not in _IRRELEVANT and value not in (None, [])
        ]
        return f"{type(node).__name__}({', '.join(parts)})"
    if isinstance(node, list):
        return f"[{', '.join(_sorted_imports(node))}]"
    return repr(node)


def _fields(node: ast.AST) -> Iterator[tuple[str, Any]]:
    for name, value in ast.iter_fields(node):
        is_body = name == "body" and isinstance(value, list) and value
        kept = value[1:] if is_body and _is_docstring(node, value[0]) else value
        if is_body and isinstance(node, ast.ClassDef):
            kept = [statement for statement in kept if not _is_place(statement)]
        yield name, kept


def _is_place(statement: ast.stmt) -> bool:
    """Tell whether it says where a migration stands, which an archived squash changes."""
    targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
    return isinstance(statement, (ast.Assign, ast.AnnAssign)) and all(
        isinstance(target, ast.Name) and target.id in _PLACE for target in targets
    )


def _is_docstring(node: ast.AST, first: Any) -> bool:
    return (
        isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    )


def _sorted_imports(nodes: Iterable[Any]) -> Iterator[str]:
    """Yield what the nodes mean; imports that follow each other come one by one, in order."""
    imports: list[str] = []
    for node in nodes:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            start = f"{getattr(node, 'level', '')} {getattr(node, 'module', '')}"
            imports += [f"import {start} {name.name} {name.asname}" for name in node.names]
            continue
        yield from sorted(imports)
        imports.clear()
        yield _meaning(node)
    yield from sorted(imports)


# Files


def migration_path(key: MigrationKey) -> Path | None:
    """Return where a migration's file is; nothing where there is none to read."""
    app, name = key
    try:
        module = import_module(MigrationLoader.migrations_module(app)[0] or "")
    except (ImportError, LookupError, ValueError):
        return None
    for directory in getattr(module, "__path__", ()):
        path = Path(directory) / f"{name}.py"
        if path.is_file():
            return path
    return None


@lru_cache(maxsize=4096)
def _hashes(path: Path, *state: int) -> tuple[str, str]:
    """Return both hashes; ``state`` is different when the file is."""
    del state
    source = path.read_bytes()
    return source_hash(source), content_hash(source)


def _hashes_of(path: Path) -> tuple[str, str]:
    status = path.stat()
    return _hashes(path, status.st_mtime_ns, status.st_size)


# The table


def has_table(connection: BaseDatabaseWrapper) -> bool:
    """Tell whether the table is there; a router may keep it out, or nobody has migrated yet."""
    if not router.allow_migrate_model(connection.alias, MigrationHash):
        return False
    with connection.cursor() as cursor:
        names = connection.introspection.table_names(cursor)
    return MigrationHash._meta.db_table in names


def record_hashes(
    *, using: str, plan: Iterable[tuple[Migration, bool]] = (), **_signal: Any
) -> None:
    """Keep the hashes of what was applied just now and of what is not known yet."""
    connection = connections[using]
    recorder = MigrationRecorder(connection)
    if not has_table(connection):
        return
    rows = MigrationHash.rows.using(using)
    known = {(row.app, row.name): row for row in rows.all()}
    applied = recorder.applied_migrations()
    fresh = {(each.app_label, each.name) for each, backwards in plan if not backwards}
    found = []
    for key in applied:
        path = migration_path(key) if key in fresh or key not in known else None
        if path:
            app, name = key
            source, content = _hashes_of(path)
            found.append(
                MigrationHash(app=app, name=name, source_hash=source, content_hash=content)
            )
    gone = [row.pk for key, row in known.items() if key not in applied]
    gone += [known[row.app, row.name].pk for row in found if (row.app, row.name) in known]
    with transaction.atomic(using=using):
        if gone:
            rows.filter(pk__in=gone).delete()
        if found:
            rows.bulk_create(found)


def edited_migrations(
    connection: BaseDatabaseWrapper, applied: Collection[MigrationKey]
) -> Iterator[Finding]:
    """Yield a finding for each applied migration whose file means something else by now."""
    if not has_table(connection):
        return
    rows = MigrationHash.rows.using(connection.alias).order_by("app", "name")
    for row in rows:
        key = (row.app, row.name)
        path = migration_path(key) if key in applied else None
        if path and _is_edited(path, row):
            yield _edited(key, path)


def _is_edited(path: Path, row: MigrationHash) -> bool:
    source = path.read_bytes()
    if source_hash(source) == row.source_hash:
        return False
    return content_hash(source) != row.content_hash


def _edited(key: MigrationKey, path: Path) -> Finding:
    app, name = key
    table = MigrationHash._meta.db_table
    forget = f"DELETE FROM {table} WHERE app = '{app}' AND name = '{name}'"  # noqa: S608
    return Finding(
        id="migration-edited",
        object=f"{app}.{name}",
        expected="the file that was applied",
        found="one that was edited since",
        remedy=(
            f"git log -p -- {_short(path)}; bring back what was applied, and put the change into "
            "a migration of its own; if the database already is what the file says: "
            f"{forget}; python manage.py migrate"
        ),
    )


def _short(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path.name)
