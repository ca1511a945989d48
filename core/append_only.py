"""Database triggers that refuse every change to rows of a table once they are written."""

from __future__ import annotations

from django.db.backends.base.schema import BaseDatabaseSchemaEditor

SQLITE = {
    "no_update": "BEFORE UPDATE ON {table}",
    "no_delete": "BEFORE DELETE ON {table}",
    # INSERT OR REPLACE deletes without telling the trigger above, unless the connection has
    # recursive_triggers on, and a foreign client need not.
    "no_replace": "BEFORE INSERT ON {table} WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id)",
}


def install(schema_editor: BaseDatabaseSchemaEditor, table: str) -> None:
    message = f"{table} is append-only"
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            f"CREATE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{message}' USING ERRCODE = 'restrict_violation'; END $$",
            params=None,
        )
        schema_editor.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_refuse()",
            params=None,
        )
        # ALWAYS: also for a session that sets session_replication_role to replica.
        schema_editor.execute(
            f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_append_only", params=None
        )
        return
    for name, event in SQLITE.items():
        schema_editor.execute(
            f"CREATE TRIGGER {table}_{name} {event.format(table=table)} "
            f"BEGIN SELECT RAISE(ABORT, '{message}'); END",
            params=None,
        )


def remove(schema_editor: BaseDatabaseSchemaEditor, table: str) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"DROP TRIGGER {table}_append_only ON {table}", params=None)
        schema_editor.execute(f"DROP FUNCTION {table}_refuse()", params=None)
        return
    for name in SQLITE:
        schema_editor.execute(f"DROP TRIGGER {table}_{name}", params=None)
