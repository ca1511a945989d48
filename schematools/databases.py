"""Finds the database that a command is told to look at, without making one."""

from pathlib import Path
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from schematools.errors import CannotRunError
from schematools.suggestions import did_you_mean


def database_connection(alias: str) -> BaseDatabaseWrapper:
    """Return the connection of this name, which may not be open yet.

    Raise ``CannotRunError`` when there is none, or when SQLite would make a new file.
    """
    if alias not in connections.settings:
        raise CannotRunError(
            f"There is no database {alias!r} in DATABASES. "
            f"{did_you_mean(alias, connections.settings)}"
        )
    connection = connections[alias]
    if connection.vendor == "sqlite" and _is_missing_file(connection.settings_dict["NAME"]):
        raise CannotRunError(
            f"The database {alias!r} does not exist yet: run 'python manage.py migrate'."
        )
    return connection


def _is_missing_file(name: Any) -> bool:
    text = str(name)
    return not text.startswith(("file:", ":memory:")) and not Path(text).exists()
