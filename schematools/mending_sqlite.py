"""The SQL that makes a table on SQLite what it should be.

SQLite alters hardly anything of a table: the way is a new table with the rows of the old one, as
its documentation and Django have it.
"""

from collections.abc import Iterable

from schematools.model import Column, Constraint, ForeignKey, Index, Table, Trigger
from schematools.sqlite_ddl import with_name

Key = Index | Constraint
IF_RENAMED = "  -- if it is the same column by another name"
LOOK_FIRST = "  -- first make sure that nothing needs it"
# Names in other tables and in views must go on meaning the table of this name.
BEFORE = ("PRAGMA foreign_keys=OFF", "PRAGMA legacy_alter_table=ON", "BEGIN")
AFTER = ("COMMIT", "PRAGMA legacy_alter_table=OFF", "PRAGMA foreign_keys=ON")


class SqliteMender:
    """Takes tables, indexes and triggers as they were created."""

    def create_table(self, wanted: Table) -> str:
        return _joined([wanted.definition, *_around(wanted)])

    def drop_table(self, actual: Table) -> str:
        return f"DROP {_sort(actual)} {quoted(actual.name)};{LOOK_FIRST}"

    def replace_table(self, wanted: Table, actual: Table) -> str:
        return _joined(
            [
                f"DROP {_sort(actual)} {quoted(actual.name)}",
                self.create_view(wanted) if wanted.kind == "view" else self.create_table(wanted),
            ]
        )

    def create_view(self, wanted: Table) -> str:
        return _joined([wanted.definition, *_around(wanted)])

    def set_options(self, wanted: Table, actual: Table) -> str:
        return rebuilt(wanted, actual)

    # Columns

    def add_column(self, wanted: Table, actual: Table, column: Column) -> str:
        return rebuilt(wanted, actual)

    def drop_column(self, wanted: Table, actual: Table, column: Column) -> str:
        return f"{rebuilt(wanted, actual)}{LOOK_FIRST}"

    def rename_column(self, wanted: Table, before: Column, after: Column) -> str:
        names = f"{quoted(before.name)} TO {quoted(after.name)}"
        return f"ALTER TABLE {quoted(wanted.name)} RENAME COLUMN {names};{IF_RENAMED}"

    def set_type(self, wanted: Table, actual: Table, column: Column) -> str:
        return rebuilt(wanted, actual)

    def set_generated(self, wanted: Table, actual: Table, column: Column) -> str:
        return rebuilt(wanted, actual)

    def set_null(self, wanted: Table, actual: Table, column: Column) -> str:
        return rebuilt(wanted, actual)

    def set_default(self, wanted: Table, actual: Table, column: Column, there: Column) -> str:
        return rebuilt(wanted, actual)

    # Indexes and constraints

    def add_key(self, wanted: Table, actual: Table, key: Key) -> str:
        return _joined([key.definition]) if key.definition else rebuilt(wanted, actual)

    def drop_key(self, wanted: Table, actual: Table, key: Key) -> str:
        if key.definition:
            return _joined([f"DROP INDEX {quoted(key.name)}"])
        return rebuilt(wanted, actual)

    def replace_key(self, wanted: Table, actual: Table, before: Key, after: Key) -> str:
        if before.definition and after.definition:
            return _joined([f"DROP INDEX {quoted(after.name)}", before.definition])
        gone = [f"DROP INDEX {quoted(after.name)}"] if after.definition else []
        return _joined([*gone, rebuilt(wanted, actual)])

    def rename_key(self, wanted: Table, actual: Table, before: Key, after: Key) -> str:
        return self.replace_key(wanted, actual, before, after)

    def reindex(self, table: Table, key: Key) -> str:
        return _joined([f"REINDEX {quoted(key.name)}"])

    def drop_invalid(self, table: Table, key: Key) -> str:
        return _joined([f"DROP INDEX {quoted(key.name)}"])

    def validate(self, table: Table, constraint: str) -> str:
        return _joined([f"PRAGMA foreign_key_check({quoted(table.name)})"])

    # Foreign keys

    def add_reference(self, wanted: Table, actual: Table, key: ForeignKey) -> str:
        return rebuilt(wanted, actual)

    def drop_reference(self, wanted: Table, actual: Table, key: ForeignKey) -> str:
        return rebuilt(wanted, actual)

    def replace_reference(
        self, wanted: Table, actual: Table, before: ForeignKey, after: ForeignKey
    ) -> str:
        return rebuilt(wanted, actual)

    # Triggers

    def create_trigger(self, table: Table, trigger: Trigger) -> str:
        return _joined([trigger.definition])

    def drop_trigger(self, table: Table, trigger: Trigger) -> str:
        return _joined([f"DROP TRIGGER {quoted(trigger.name)}"])

    def replace_trigger(self, table: Table, trigger: Trigger) -> str:
        return _joined([f"DROP TRIGGER {quoted(trigger.name)}", trigger.definition])

    def enable_trigger(self, table: Table, trigger: Trigger) -> str:
        return self.replace_trigger(table, trigger)

    def enable_all_triggers(self, table: Table) -> str:
        return _joined([_line(trigger.definition) for trigger in table.triggers])


def rebuilt(wanted: Table, actual: Table) -> str:
    """Return what makes the table anew and moves the rows; the columns of both are kept."""
    if not wanted.definition:  # nobody made it, not even in a scratch place
        return ""
    there = {column.name for column in actual.columns if not column.generated}
    kept = ", ".join(
        quoted(column.name)
        for column in wanted.columns
        if column.name in there and not column.generated
    )
    name, new = quoted(wanted.name), quoted(f"new__{wanted.name}")
    return _joined(
        [
            *BEFORE,
            with_name(wanted.definition, new),
            f"INSERT INTO {new} ({kept}) SELECT {kept} FROM {name}" if kept else "",  # noqa: S608
            f"DROP TABLE {name}",
            f"ALTER TABLE {new} RENAME TO {name}",
            *_around(wanted),
            *AFTER,
        ]
    )


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _around(table: Table) -> list[str]:
    return [
        *(rule.definition for rule in table.constraints),
        *(index.definition for index in table.indexes),
        *(trigger.definition for trigger in table.triggers),
    ]


def _sort(table: Table) -> str:
    return "VIEW" if table.kind == "view" else "TABLE"


def _joined(statements: Iterable[str]) -> str:
    return " ".join(f"{_line(each).removesuffix(';')};" for each in statements if each)


def _line(sql: str) -> str:
    """Return the statement on one line, unless a comment needs its line's end."""
    return sql.strip() if "--" in sql or "'" in sql else " ".join(sql.split())
