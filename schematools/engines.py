"""The kinds of database that the documentation speaks of, without connecting to any.

A project is documented for PostgreSQL and SQLite whichever of the two it is configured on, so that
the pages are the same on a laptop and in production. A project on anything else is documented for
that alone.
"""

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
    engine = settings.DATABASES.get(DEFAULT_DB_ALIAS, {}).get("ENGINE", "")
    configured = _connection(engine) if engine else None
    if configured and configured.vendor not in (*DOCUMENTED, "unknown"):
        return (configured,)
    found = []
    for vendor, stock_engine in DOCUMENTED.items():
        if configured and configured.vendor == vendor:
            found.append(configured)
        elif connection := _connection(stock_engine):
            found.append(connection)
    return tuple(found)


def title(vendor: str) -> str:
    """Return the name that people use for the database, such as "PostgreSQL"."""
    return TITLES.get(vendor, vendor)


def _connection(engine: str) -> BaseDatabaseWrapper | None:
    """Return an unopened connection, or nothing where the engine's driver is not installed."""
    handler = ConnectionHandler({DEFAULT_DB_ALIAS: {"ENGINE": engine, "NAME": ":memory:"}})
    try:
        connection = handler[DEFAULT_DB_ALIAS]
    except ImproperlyConfigured:
        return None
    if connection.vendor == "postgresql":
        vars(connection)["pg_version"] = ASSUMED_PG_VERSION
    return connection
