"""Makes a place where migrations can be replayed, next to a database and never in it."""

import json
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper

from schematools.mending_postgresql import quoted

PREFIX = "schematools_scratch_"
ABANDONED = 3600  # seconds after which a scratch database without sessions is somebody's leftover

DATABASE = """
SELECT pg_encoding_to_char(encoding), datcollate, datctype, to_jsonb(d)::text
FROM pg_database d WHERE datname = current_database()
"""
SESSION = "SELECT current_schemas(false), current_setting('search_path')"
EXTENSIONS = """
SELECT e.extname::text, n.nspname::text
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname <> 'plpgsql' ORDER BY e.extname
"""
LEFTOVERS = f"""
SELECT d.datname FROM pg_database d
WHERE left(d.datname, {len(PREFIX)}) = '{PREFIX}'
  AND pg_has_role(d.datdba, 'USAGE')
  AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datname = d.datname)
"""  # noqa: S608
COORDINATES = ("HOST", "PORT", "USER", "PASSWORD")


class NoScratchPlaceError(Exception):
    """There can be no scratch place; the message says why."""


@contextmanager
def scratch_place(connection: BaseDatabaseWrapper, directory: Path) -> Iterator[Mapping[str, Any]]:
    """Make an empty database like the connection's; yield what leads there in ``DATABASES``.

    It is gone at the end, however that comes. Raise ``NoScratchPlaceError`` when it cannot be made.
    ``directory`` is the caller's own, for an engine whose databases are files.
    """
    if connection.vendor == "sqlite":
        path = directory / "scratch.sqlite3"
        path.unlink(missing_ok=True)
        yield {"NAME": str(path)}
        return
    with _scratch_database(connection) as name:
        settings = connection.settings_dict
        yield {
            "NAME": name,
            **{key: str(settings[key]) for key in COORDINATES if settings.get(key)},
        }


@contextmanager
def _scratch_database(connection: BaseDatabaseWrapper) -> Iterator[str]:
    name = f"{PREFIX}{int(time.time())}_{secrets.token_hex(4)}"
    try:
        create, after = _statements(connection, name)
        with _server(connection) as cursor:
            _drop_leftovers(cursor)
            cursor.execute(create)
    except DatabaseError as error:
        raise NoScratchPlaceError(_first_line(error)) from error
    try:
        try:
            _prepare(connection, name, after)
        except DatabaseError as error:
            raise NoScratchPlaceError(_first_line(error)) from error
        yield name
    finally:
        with _server(connection) as cursor:
            _drop(cursor, name)


def _server(connection: BaseDatabaseWrapper) -> Any:
    """Return a cursor outside the database, which does not commit what the caller has begun."""
    return connection._nodb_cursor()  # noqa: SLF001


def _statements(connection: BaseDatabaseWrapper, name: str) -> tuple[str, list[str]]:
    """Return what makes a database of the same locale, and what gives it the same surroundings."""
    with connection.cursor() as cursor:
        cursor.execute(DATABASE)
        encoding, collate, ctype, facts = cursor.fetchone()
        cursor.execute(SESSION)
        schemas, search_path = cursor.fetchone()
        cursor.execute(EXTENSIONS)
        extensions = cursor.fetchall()
    create = (
        f"CREATE DATABASE {quoted(name)} TEMPLATE template0 ENCODING {_text(encoding)} "
        f"LC_COLLATE {_text(collate)} LC_CTYPE {_text(ctype)}{_provider(facts)}"
    )
    after = [f"ALTER DATABASE {quoted(name)} SET search_path TO {search_path}"]
    wanted = dict.fromkeys([*schemas, *(schema for _, schema in extensions)])
    after += [
        f"CREATE SCHEMA IF NOT EXISTS {quoted(schema)}"
        for schema in wanted
        if schema != "pg_catalog"
    ]
    # Those that an administrator made; migrations may count on them.
    after += [
        f"CREATE EXTENSION IF NOT EXISTS {quoted(extension)} SCHEMA {quoted(schema)} CASCADE"
        for extension, schema in extensions
        if schema != "pg_catalog"
    ]
    return create, after


def _provider(facts: str) -> str:
    row = json.loads(facts)  # whose columns depend on the server's version
    provider = row.get("datlocprovider", "c")
    locale = row.get("datlocale") or row.get("daticulocale")
    if provider == "i" and locale:
        return f" LOCALE_PROVIDER icu ICU_LOCALE {_text(locale)}"
    if provider == "b" and locale:
        return f" LOCALE_PROVIDER builtin BUILTIN_LOCALE {_text(locale)}"
    return ""


def _prepare(connection: BaseDatabaseWrapper, name: str, statements: list[str]) -> None:
    options = {**connection.settings_dict.get("OPTIONS", {})}
    options.pop("pool", None)
    inside = connection.__class__(
        {**connection.settings_dict, "NAME": name, "OPTIONS": options}, alias=connection.alias
    )
    try:
        for statement in statements:
            try:
                with inside.cursor() as cursor:
                    cursor.execute(statement)
            except DatabaseError:
                # Migrations that need it will say so, and better.
                if "EXTENSION" not in statement:
                    raise
    finally:
        inside.close()


def _drop_leftovers(cursor: Any) -> None:
    """Remove what a killed process left behind."""
    cursor.execute(LEFTOVERS)
    for (name,) in cursor.fetchall():
        made_at = name.removeprefix(PREFIX).partition("_")[0]
        if made_at.isdigit() and int(made_at) < time.time() - ABANDONED:
            _drop(cursor, name)


def _drop(cursor: Any, name: str) -> None:
    cursor.execute(f"DROP DATABASE IF EXISTS {quoted(name)} WITH (FORCE)")


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _first_line(error: Exception) -> str:
    first, *_ = str(error).splitlines() or [type(error).__name__]
    return first
