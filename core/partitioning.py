"""The migration operation that turns a table into one of partitions by month, on PostgreSQL."""

from __future__ import annotations

from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.utils import CursorWrapper
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.transaction import TransactionManagementError

INDEXES = """
    SELECT c.relname, pg_get_indexdef(i.indexrelid) FROM pg_index i
    JOIN pg_class c ON c.oid = i.indexrelid
    WHERE i.indrelid = to_regclass(%s) AND NOT i.indisprimary ORDER BY c.relname
"""


def default_partition_of(table: str) -> str:
    return f"{table}_default"


class PartitionByMonth(Operation):
    """Partition a model's table by the month of ``column``; elsewhere than on PostgreSQL, nothing.

    The rows become the default partition as they lie, and every index keeps its name. The
    primary key gains ``column``, because a key of a partitioned table has to hold it; the number
    still comes from one sequence. The table may have no unique constraint but its key, and no
    foreign key may refer to it. ``core.partitions`` makes the partitions of the months.

    Backwards copies the rows into a plain table again.
    """

    def __init__(self, model_name: str, column: str) -> None:
        self.model_name = model_name
        self.column = column

    def describe(self) -> str:
        return f"Partition {self.model_name} by the month of {self.column} (PostgreSQL only)"

    @property
    def migration_name_fragment(self) -> str:
        return f"partition_{self.model_name.lower()}"

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """The model looks the same to Django, whose key is the number alone."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        if table := self._table(app_label, schema_editor, from_state):
            with schema_editor.connection.cursor() as cursor:
                _partition(schema_editor, cursor, table, self.column)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        if table := self._table(app_label, schema_editor, from_state):
            with schema_editor.connection.cursor() as cursor:
                _make_plain(schema_editor, cursor, table)

    def _table(self, app_label: str, editor: BaseDatabaseSchemaEditor, state: ProjectState) -> str:
        """The table to work on; nothing where there is no work."""
        model = state.apps.get_model(app_label, self.model_name)
        alias = editor.connection.alias
        if editor.connection.vendor != "postgresql" or not self.allow_migrate_model(alias, model):
            return ""
        if not editor.connection.in_atomic_block:
            raise TransactionManagementError("A table is partitioned in one transaction.")
        return str(model._meta.db_table)


def _partition(editor: Any, cursor: CursorWrapper, table: str, column: str) -> None:
    rest, run, quote = default_partition_of(table), editor.execute, editor.quote_name
    indexes = _indexes(cursor, table)
    run(f"LOCK TABLE {quote(table)} IN ACCESS EXCLUSIVE MODE")
    run(f"ALTER TABLE {quote(table)} RENAME TO {quote(rest)}")
    for name, _definition in indexes:
        run(f"ALTER INDEX {quote(name)} RENAME TO {quote(name + '_default')}")
    run(f"ALTER TABLE {quote(rest)} DROP CONSTRAINT {quote(table + '_pkey')}")
    # PostgreSQL has identity columns on partitioned tables from 17 on: an owned sequence instead.
    run(f"ALTER TABLE {quote(rest)} ALTER COLUMN id DROP IDENTITY")
    run(
        f"CREATE TABLE {quote(table)} (LIKE {quote(rest)} INCLUDING DEFAULTS INCLUDING "
        f"CONSTRAINTS INCLUDING STORAGE INCLUDING COMMENTS) PARTITION BY RANGE ({quote(column)})"
    )
    run(
        f"ALTER TABLE {quote(table)} ADD CONSTRAINT {quote(table + '_pkey')} "
        f"PRIMARY KEY (id, {quote(column)})"
    )
    sequence = quote(f"{table}_id_seq")
    run(f"CREATE SEQUENCE {sequence} AS bigint OWNED BY {quote(table)}.id")
    run(f"ALTER TABLE {quote(table)} ALTER COLUMN id SET DEFAULT nextval('{sequence}')")
    _go_on_after_last_id(editor, table, rows_in=rest)
    for _name, definition in indexes:
        run(definition)
    # Without another partition no row is looked at, and indexes that are there are taken over.
    run(f"ALTER TABLE {quote(table)} ATTACH PARTITION {quote(rest)} DEFAULT")


def _make_plain(editor: Any, cursor: CursorWrapper, table: str) -> None:
    run, quote = editor.execute, editor.quote_name
    indexes = _indexes(cursor, table)
    plain = quote(f"{table}_plain")
    run(f"LOCK TABLE {quote(table)} IN ACCESS EXCLUSIVE MODE")
    run(
        f"CREATE TABLE {plain} (LIKE {quote(table)} "
        "INCLUDING CONSTRAINTS INCLUDING STORAGE INCLUDING COMMENTS)"
    )
    run(f"INSERT INTO {plain} SELECT * FROM {quote(table)}")  # noqa: S608
    run(f"DROP TABLE {quote(table)}")
    run(f"ALTER TABLE {plain} RENAME TO {quote(table)}")
    run(f"ALTER TABLE {quote(table)} ADD CONSTRAINT {quote(table + '_pkey')} PRIMARY KEY (id)")
    run(f"ALTER TABLE {quote(table)} ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY")
    _go_on_after_last_id(editor, table, rows_in=table)
    for _name, definition in indexes:
        run(definition.replace(" ON ONLY ", " ON ", 1))


def _indexes(cursor: CursorWrapper, table: str) -> list[tuple[str, str]]:
    """(name, CREATE INDEX) of each index but that of the primary key."""
    cursor.execute(INDEXES, [table])
    return list(cursor.fetchall())


def _go_on_after_last_id(editor: Any, table: str, *, rows_in: str) -> None:
    editor.execute(
        f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), "  # noqa: S608
        f"greatest(max(id), 1), max(id) IS NOT NULL) FROM {editor.quote_name(rows_in)}"
    )
