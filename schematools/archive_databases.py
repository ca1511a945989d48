"""Asks databases whether squashed migrations, and what they replace, are applied there."""

from collections.abc import Mapping, Sequence

from django.db import DatabaseError, connections
from django.db.migrations.recorder import MigrationRecorder

from schematools.databases import database_connection
from schematools.errors import CannotRunError
from schematools.hashes import edited_migrations
from schematools.migration_steps import MigrationKey


def chosen_databases(aliases: Sequence[str]) -> list[str]:
    """Return the aliases, or without any all that the settings have."""
    return list(dict.fromkeys(aliases)) or list(connections.settings)


def refuse_unless_applied(
    aliases: Sequence[str], squashes: Mapping[MigrationKey, Sequence[MigrationKey]]
) -> None:
    """Raise ``CannotRunError`` unless each database has all of them on record, and as they are."""
    for alias in aliases:
        connection = database_connection(alias)
        try:
            applied = MigrationRecorder(connection).applied_migrations()
            replaced = {key for keys in squashes.values() for key in keys}
            edited = next(iter(edited_migrations(connection, replaced)), None)
        except DatabaseError as error:
            reason, *_ = str(error).splitlines() or [type(error).__name__]
            raise CannotRunError(
                f"The database {alias!r} cannot be asked: {reason}. Start it, or name the others "
                "with --database."
            ) from error
        for key, keys in squashes.items():
            for each in (key, *keys):
                if each not in applied:
                    raise CannotRunError(
                        f"{'.'.join(each)} is not recorded as applied on the database {alias!r}: "
                        f"run 'python manage.py migrate {each[0]} --database {alias}' first."
                    )
        if edited:
            raise CannotRunError(
                f"{edited.object} was edited after it was applied on the database {alias!r}: "
                "bring back what was applied first."
            )
