"""The kinds of database that the documentation speaks of, without connecting to any.

A project is documented for PostgreSQL and SQLite whichever of the two it is configured on, so that
the pages are the same on a laptop and in production. A project on anything else is documented for
that alone.
"""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler

DOCUMENTED = {
    "postgresql": "django.db.backends.postgresql",
    "sqlite": "django.db.backends.sqlite3",
}
TITLES = {"postgresql": "PostgreSQL", "sqlite": "SQLite", "mysql": "MySQL", "oracle": "Oracle"}

# Some of Django's SQL depends on the server's version; this is the oldest that TruLedgr supports,
# set so that asking for it does not connect.
ASSUMED_PG_VERSION = 150000


def documented_connections() -> tuple[BaseDatabaseWrapper, ...]:
    """Return a connection, never opened, for each kind of database; the leading one first."""
    default = settings.DATABASES.get(DEFAULT_DB_ALIAS, {})
    configured = _connection(default) if default.get("ENGINE") else None
    if configured and configured.vendor not in (*DOCUMENTED, "unknown"):
        return (configured,)
    found = []
    for vendor, stock_engine in DOCUMENTED.items():
        if configured and configured.vendor == vendor:
            found.append(configured)
        elif connection := _connection({"ENGINE": stock_engine, "NAME": ":memory:"}):
            found.append(connection)
    return tuple(found)


def title(vendor: str) -> str:
    """Return the name that people use for the database, such as "PostgreSQL"."""
    return TITLES.get(vendor, vendor)


def _connection(database: Mapping[str, Any]) -> BaseDatabaseWrapper | None:
    """Return an unopened connection, or nothing where the engine's driver is not installed."""
    handler = ConnectionHandler({DEFAULT_DB_ALIAS: deepcopy(dict(database))})  # it changes them
    try:
        connection = handler[DEFAULT_DB_ALIAS]
    except ImproperlyConfigured:
        return None
    if connection.vendor == "postgresql":
        vars(connection)["pg_version"] = ASSUMED_PG_VERSION
    return connection
