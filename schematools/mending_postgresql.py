"""The SQL that makes a table on PostgreSQL what it should be."""

from collections.abc import Iterable

from schematools.model import Column, Constraint, ForeignKey, Index, Table, Trigger

Key = Index | Constraint
IDENTITY = "identity"
PARTITIONED = "partitioned table"
IF_RENAMED = "  -- if it is the same column by another name"
LOOK_FIRST = "  -- first make sure that nothing needs it"


class PostgresqlMender:
    """Takes keys, constraints and triggers as the catalog itself writes them."""

    def create_table(self, wanted: Table) -> str:
        parts = [_column(column) for column in wanted.columns]
        if wanted.kind == PARTITIONED:  # identities of those are new in PostgreSQL 17
            parts = [_without_identity(column) for column in wanted.columns]
        parts += [
            f"CONSTRAINT {quoted(rule.name)} {rule.definition}"
            for rule in wanted.constraints
            if rule.definition and not rule.is_index
        ]
        unlogged = "UNLOGGED " if "UNLOGGED" in wanted.options else ""
        partition = [option for option in wanted.options if option.startswith("PARTITION")]
        body = f"CREATE {unlogged}TABLE {table_name(wanted)} ({', '.join(parts)})"
        return _joined(
            [
                " ".join([body, *partition]),
                *(key.definition for key in _indexes(wanted)),
                *(_reference(wanted, key) for key in wanted.foreign_keys),
                *(self.create_trigger(wanted, trigger) for trigger in wanted.triggers),
            ]
        )

    def drop_table(self, actual: Table) -> str:
        return f"DROP {_sort(actual)} {table_name(actual)};{LOOK_FIRST}"

    def replace_table(self, wanted: Table, actual: Table) -> str:
        is_view = "view" in wanted.kind
        made = self.create_view(wanted) if is_view else self.create_table(wanted)
        return _joined([f"DROP {_sort(actual)} {table_name(actual)}", made])

    def create_view(self, wanted: Table) -> str:
        query = wanted.query.strip().removesuffix(";")
        options = f" WITH ({', '.join(wanted.options)})" if wanted.options else ""
        body = f"CREATE {_sort(wanted)} {table_name(wanted)}{options} AS {' '.join(query.split())}"
        return _joined(
            [
                body,
                *(key.definition for key in _indexes(wanted)),
                *(self.create_trigger(wanted, trigger) for trigger in wanted.triggers),
            ]
        )

    def set_options(self, wanted: Table, actual: Table) -> str:
        partition = [o for o in {*wanted.options} ^ {*actual.options} if o.startswith("PARTITION")]
        if partition:
            return self.replace_table(wanted, actual)
        start = f"ALTER TABLE {table_name(wanted)}"
        statements = []
        if ("UNLOGGED" in wanted.options) != ("UNLOGGED" in actual.options):
            statements.append(
                f"{start} SET {'UNLOGGED' if 'UNLOGGED' in wanted.options else 'LOGGED'}"
            )
        security = "ROW LEVEL SECURITY"
        if (security in wanted.options) != (security in actual.options):
            verb = "ENABLE" if security in wanted.options else "DISABLE"
            statements.append(f"{start} {verb} {security}")
        return _joined(statements)

    # Columns

    def add_column(self, wanted: Table, actual: Table, column: Column) -> str:
        return _joined([f"ALTER TABLE {table_name(wanted)} ADD COLUMN {_column(column)}"])

    def drop_column(self, wanted: Table, actual: Table, column: Column) -> str:
        statement = f"ALTER TABLE {table_name(wanted)} DROP COLUMN {quoted(column.name)};"
        return f"{statement}{LOOK_FIRST}"

    def rename_column(self, wanted: Table, before: Column, after: Column) -> str:
        names = f"{quoted(before.name)} TO {quoted(after.name)}"
        return f"ALTER TABLE {table_name(wanted)} RENAME COLUMN {names};{IF_RENAMED}"

    def set_type(self, wanted: Table, actual: Table, column: Column) -> str:
        name = quoted(column.name)
        using = "" if column.generated else f" USING {name}::{column.type}"
        return self._alter(wanted, column, f"TYPE {column.type}{_collation(column)}{using}")

    def set_generated(self, wanted: Table, actual: Table, column: Column) -> str:
        if not column.generated:
            return self._alter(wanted, column, "DROP EXPRESSION")
        start = f"ALTER TABLE {table_name(wanted)}"
        statements = [
            f"{start} DROP COLUMN {quoted(column.name)}",
            f"{start} ADD COLUMN {_column(column)}",
        ]
        # What spoke of the column went with it.
        keys: list[Key] = [*wanted.constraints, *wanted.indexes]
        statements += [
            self.add_key(wanted, actual, key) for key in keys if column.name in key.columns
        ]
        return _joined(statements)

    def set_null(self, wanted: Table, actual: Table, column: Column) -> str:
        return self._alter(wanted, column, f"{'DROP' if column.null else 'SET'} NOT NULL")

    def set_default(self, wanted: Table, actual: Table, column: Column, there: Column) -> str:
        gone = ["DROP IDENTITY IF EXISTS"] if there.db_default == IDENTITY else []
        gone += ["DROP DEFAULT"] if there.db_default else []
        if column.db_default == IDENTITY:
            steps = [*gone, "ADD GENERATED BY DEFAULT AS IDENTITY"]
            name = quoted(column.name)
            table = table_name(wanted)
            sequence = f"pg_get_serial_sequence({_text(table)}, {_text(column.name)})"
            after = [f"SELECT setval({sequence}, coalesce(max({name}), 0) + 1, false) FROM {table}"]  # noqa: S608
            return _joined([*self._steps(wanted, column, steps), *after])
        made = [f"SET DEFAULT {column.db_default}"] if column.db_default else []
        if there.db_default != IDENTITY:
            gone = [] if made else ["DROP DEFAULT"]
        return _joined(self._steps(wanted, column, [*gone, *made]))

    def _alter(self, table: Table, column: Column, step: str) -> str:
        return _joined(self._steps(table, column, [step]))

    def _steps(self, table: Table, column: Column, steps: Iterable[str]) -> list[str]:
        start = f"ALTER TABLE {table_name(table)} ALTER COLUMN {quoted(column.name)}"
        return [f"{start} {step}" for step in steps]

    # Indexes and constraints

    def add_key(self, wanted: Table, actual: Table, key: Key) -> str:
        if isinstance(key, Index) or key.is_index:
            return _joined([key.definition])
        return _joined([_rule(wanted, key)])

    def drop_key(self, wanted: Table, actual: Table, key: Key) -> str:
        return _joined([_drop(wanted, key)])

    def replace_key(self, wanted: Table, actual: Table, before: Key, after: Key) -> str:
        made = self.add_key(wanted, actual, before)
        return _joined(["BEGIN", _drop(wanted, after), made, "COMMIT"])

    def rename_key(self, wanted: Table, actual: Table, before: Key, after: Key) -> str:
        if isinstance(after, Index) or after.is_index:
            index = in_schema_of(wanted, after.name)
            return _joined([f"ALTER INDEX {index} RENAME TO {quoted(before.name)}"])
        names = f"{quoted(after.name)} TO {quoted(before.name)}"
        return _joined([f"ALTER TABLE {table_name(wanted)} RENAME CONSTRAINT {names}"])

    def reindex(self, table: Table, key: Key) -> str:
        if table.kind == PARTITIONED:  # a partition lacks its part
            return _joined([_drop(table, key), self.add_key(table, table, key)])
        return _joined([f"REINDEX INDEX CONCURRENTLY {in_schema_of(table, key.name)}"])

    def drop_invalid(self, table: Table, key: Key) -> str:
        how = "" if table.kind == PARTITIONED else " CONCURRENTLY"
        return _joined([f"DROP INDEX{how} {in_schema_of(table, key.name)}"])

    def validate(self, table: Table, constraint: str) -> str:
        return _joined(
            [f"ALTER TABLE {table_name(table)} VALIDATE CONSTRAINT {quoted(constraint)}"]
        )

    # Foreign keys

    def add_reference(self, wanted: Table, actual: Table, key: ForeignKey) -> str:
        return _joined([_reference(wanted, key)])

    def drop_reference(self, wanted: Table, actual: Table, key: ForeignKey) -> str:
        start = f"ALTER TABLE {table_name(wanted)}"
        return _joined([f"{start} DROP CONSTRAINT {quoted(key.constraint)}"])

    def replace_reference(
        self, wanted: Table, actual: Table, before: ForeignKey, after: ForeignKey
    ) -> str:
        gone = self.drop_reference(wanted, actual, after)
        return _joined(["BEGIN", gone, _reference(wanted, before), "COMMIT"])

    # Triggers

    def create_trigger(self, table: Table, trigger: Trigger) -> str:
        firing = [self.enable_trigger(table, trigger)] if trigger.firing else []
        return _joined([trigger.definition, *firing])

    def drop_trigger(self, table: Table, trigger: Trigger) -> str:
        return _joined([f"DROP TRIGGER {quoted(trigger.name)} ON {table_name(table)}"])

    def replace_trigger(self, table: Table, trigger: Trigger) -> str:
        return _joined([self.drop_trigger(table, trigger), self.create_trigger(table, trigger)])

    def enable_trigger(self, table: Table, trigger: Trigger) -> str:
        verbs = {"": "ENABLE", "disabled": "DISABLE", "replica": "ENABLE REPLICA"}
        verb = verbs.get(trigger.firing, "ENABLE ALWAYS")
        return _joined([f"ALTER TABLE {table_name(table)} {verb} TRIGGER {quoted(trigger.name)}"])

    def enable_all_triggers(self, table: Table) -> str:
        fitting = [
            self.enable_trigger(table, trigger) for trigger in table.triggers if trigger.firing
        ]
        return _joined([f"ALTER TABLE {table_name(table)} ENABLE TRIGGER ALL", *fitting])


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def table_name(table: Table) -> str:
    """Return the name in quotes; one that the reader gave a schema has a point in it."""
    schema, point, name = table.name.partition(".")
    return f"{quoted(schema)}.{quoted(name)}" if point else quoted(table.name)


def in_schema_of(table: Table, name: str) -> str:
    schema, point, _ = table.name.partition(".")
    return f"{quoted(schema)}.{quoted(name)}" if point else quoted(name)


def _joined(statements: Iterable[str]) -> str:
    return " ".join(f"{each.strip().removesuffix(';')};" for each in statements if each)


def _sort(table: Table) -> str:
    return {
        "view": "VIEW",
        "materialized view": "MATERIALIZED VIEW",
        "foreign table": "FOREIGN TABLE",
    }.get(table.kind, "TABLE")


def _column(column: Column) -> str:
    parts = [quoted(column.name), column.type + _collation(column)]
    if column.generated:
        parts.append(f"GENERATED ALWAYS AS ({column.generated}) STORED")
    elif column.db_default == IDENTITY:
        parts.append("GENERATED BY DEFAULT AS IDENTITY")
    elif column.db_default:
        parts.append(f"DEFAULT {column.db_default}")
    return " ".join([*parts, *([] if column.null else ["NOT NULL"])])


def _without_identity(column: Column) -> str:
    if column.db_default != IDENTITY:
        return _column(column)
    serial = {"smallint": "smallserial", "integer": "serial"}.get(column.type, "bigserial")
    return f"{quoted(column.name)} {serial} NOT NULL"


def _collation(column: Column) -> str:
    return (
        f" COLLATE {'.'.join(map(quoted, column.collation.split('.')))}" if column.collation else ""
    )


def _indexes(table: Table) -> list[Key]:
    return [*(rule for rule in table.constraints if rule.is_index), *table.indexes]


def _rule(table: Table, rule: Constraint) -> str:
    start = f"ALTER TABLE {table_name(table)} ADD CONSTRAINT {quoted(rule.name)}"
    return f"{start} {rule.definition}" if rule.definition else ""


def _drop(table: Table, key: Key) -> str:
    if isinstance(key, Index) or key.is_index:
        return f"DROP INDEX {in_schema_of(table, key.name)}"
    return f"ALTER TABLE {table_name(table)} DROP CONSTRAINT {quoted(key.name)}"


def _reference(table: Table, key: ForeignKey) -> str:
    start = f"ALTER TABLE {table_name(table)} ADD CONSTRAINT {quoted(key.constraint)}"
    return f"{start} {key.definition}" if key.definition else ""


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
