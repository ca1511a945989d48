"""Finds indexes that are missing, superfluous, unused or broken, and queries that none serves.

What a schema alone tells is read from the database, so that indexes made by hand count; what the
models know besides (keys that are not enforced, fields) is added to it. The ids are stable:

=============================  ========  ========================================================
``index-invalid``              error     PostgreSQL keeps it, if at all, but does not use it
``query-broken``               error     a declared query cannot be made
``duplicate-index``            warning   another index or constraint does all that this one does
``foreign-key-without-index``  warning   deleting a row over there reads this whole table
``generic-key-unindexed``      warning   the same for a generic foreign key
``index-unused``               warning   PostgreSQL has not used it for a long time
``query-scans``                warning   no index leads to the rows of a declared query
``index-bloated``              info      it takes much more room than it needs, by an estimate
``query-sorts``                info      a declared query sorts all rows to return the first
``statement-slow``             info      as pg_stat_statements has it
``table-scanned``              info      a large table is read whole again and again
=============================  ========  ========================================================

The first three warnings are those of ``lint``: what the settings leave out there is left out here
too, and as there, other people's apps are not looked at.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.apps import apps
from django.core.exceptions import EmptyResultSet
from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet
from django.utils.module_loading import import_string

from schematools import index_use_postgresql as postgresql
from schematools.catalog import read_database
from schematools.config import Config
from schematools.errors import CannotRunError
from schematools.findings import Finding, parse_ignores, without_ignored
from schematools.flaws import Flaw
from schematools.index_use_postgresql import DEFAULT_THRESHOLDS, Thresholds
from schematools.integrity_rules import quoted
from schematools.introspect import read_schema
from schematools.lint import RULES
from schematools.lint_tables import STORED
from schematools.model import Index, Schema, Table
from schematools.modules import build_modules
from schematools.progress import Progress, in_silence
from schematools.query_plans import Plan, Question, ask, explain
from schematools.read_only import DEFAULT_LIMITS, Limits, apart, is_over_limit, snapshot
from schematools.registry import options

IDS = (
    "duplicate-index",
    "foreign-key-without-index",
    "generic-key-unindexed",
    "index-bloated",
    "index-invalid",
    "index-unused",
    "query-broken",
    "query-scans",
    "query-sorts",
    "statement-slow",
    "table-scanned",
)
EXPECTED = {
    "duplicate-index": "one index for each purpose",
    "foreign-key-without-index": "an index to find rows by what they refer to",
    "generic-key-unindexed": "an index to find rows by the object they are about",
}
SHARED = tuple(EXPECTED)


@dataclass(slots=True)
class IndexReport:
    """What was found, how much was looked at, and what could not be judged."""

    findings: list[Finding] = field(default_factory=list)
    tables: int = 0
    indexes: int = 0
    queries: int = 0
    notes: list[str] = field(default_factory=list)


def find_index_problems(
    connection: BaseDatabaseWrapper,
    config: Config,
    *,
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
    limits: Limits = DEFAULT_LIMITS,
    progress: Progress = in_silence,
) -> IndexReport:
    """Return what is wrong with the indexes of the connection's database, reading only.

    Raise ``CannotRunError`` for a database without tables, and when a limit is over.
    """
    report = IndexReport()
    with snapshot(connection, limits):
        live = read_database(connection)
        tables = [table for table in live.tables if table.kind in STORED]
        if not tables:
            raise CannotRunError(
                f"The database {connection.alias!r} has no tables. Run 'python manage.py migrate'."
            )
        report.tables = len(tables)
        report.indexes = sum(len(table.indexes) for table in tables)
        report.indexes += sum(rule.kind != "check" for t in tables for rule in t.constraints)
        report.findings += _shape_findings(live, connection, config)
        if connection.vendor == "postgresql":
            _judge_statistics(report, connection, thresholds)
        report.queries = len(config.queries)
        for position, (name, path) in enumerate(sorted(config.queries.items())):
            progress(position, len(config.queries), name)
            report.findings += _query_findings(name, path, live, connection, report.notes)
    return report


# What the schema tells


def _shape_findings(
    live: Schema, connection: BaseDatabaseWrapper, config: Config
) -> Iterable[Finding]:
    """Return what the lint says of tables that the project can change, which are its own."""
    modules = build_modules(apps.get_app_configs(), config.modules)
    own = {label for module in modules if module.documented for label in module.apps}
    of_models = read_schema(apps.get_models(), connection=connection, modules=modules).table_by_name
    schema = replace(
        live,
        tables=tuple(
            _as_the_model_has_it(table, of_models.get(table.name)) for table in live.tables
        ),
    )
    ignores = parse_ignores(dict.fromkeys(config.lint_ignore, ""), ids=RULES)
    found = []
    for table in schema.tables:
        app_label = table.model.partition(".")[0]
        if table.kind not in STORED or (app_label and app_label not in own):
            continue
        made = {_unnamed(index): index.name for index in live.table_by_name[table.name].indexes}
        for name in SHARED:
            severity, rule = RULES[name]
            for flaw in rule(table, schema):
                sql = _shape_sql(name, flaw, table, made, connection)
                remedy = " or ".join(filter(None, [flaw.remedy, sql]))
                what = f"that {flaw.message[:1].lower()}{flaw.message[1:].rstrip('.')}"
                found.append(Finding(name, flaw.object, EXPECTED[name], what, remedy, severity))
    return without_ignored(found, ignores)


def _as_the_model_has_it(table: Table, of_model: Table | None) -> Table:
    """Return the live table with what only its model knows.

    An index that the model has without a name loses the one that Django made up, since it is
    changed at the field. One that a failed build left behind serves nothing.
    """
    table = replace(table, indexes=tuple(index for index in table.indexes if index.valid))
    if of_model is None:
        return table
    fields = {column.name: column.field for column in of_model.columns}
    columns = {column.name for column in table.columns}
    known = {key.columns for key in table.foreign_keys}
    unnamed = {_unnamed(index) for index in of_model.indexes if not index.name}
    return replace(
        table,
        model=of_model.model,
        managed=of_model.managed,
        automatic=of_model.automatic,
        columns=tuple(
            replace(column, field=fields.get(column.name, "")) for column in table.columns
        ),
        foreign_keys=(
            *table.foreign_keys,
            *(
                key
                for key in of_model.foreign_keys
                if key.columns not in known and columns.issuperset(key.columns)
            ),
        ),
        generic_keys=of_model.generic_keys,
        indexes=tuple(
            _unnamed(index) if _unnamed(index) in unnamed else index for index in table.indexes
        ),
    )


def _unnamed(index: Index) -> Index:
    return replace(index, name="")


def _shape_sql(
    name: str,
    flaw: Flaw,
    table: Table,
    made: Mapping[Index, str],
    connection: BaseDatabaseWrapper,
) -> str:
    """Return the SQL that does what the flaw's remedy says, where it is about an index."""
    # PostgreSQL does not do so with a partitioned table.
    can_wait = connection.vendor == "postgresql" and table.kind == "table"
    concurrently = " CONCURRENTLY" if can_wait else ""
    if name == "duplicate-index":
        for index in table.indexes:
            own = index.name or index.columns[0]
            if flaw.object == f"{table.name}.{own}" and (real := made.get(_unnamed(index))):
                return f"DROP INDEX{concurrently} {_quoted(real, connection)}"
        return ""
    columns = _columns_of(name, flaw, table)
    listed = ", ".join(_quoted(column, connection) for column in columns)
    new = _quoted("_".join([table.name, *columns, "idx"])[:63], connection)
    return f"CREATE INDEX{concurrently} {new} ON {_quoted(table.name, connection)} ({listed})"


def _columns_of(name: str, flaw: Flaw, table: Table) -> tuple[str, ...]:
    column = flaw.object.removeprefix(f"{table.name}.")
    if name == "generic-key-unindexed":
        for generic in table.generic_keys:
            if generic.id_column == column:
                return (generic.type_column, column)
    for key in table.foreign_keys:
        if flaw.object == table.name and len(key.columns) > 1:
            return key.columns
    return (column,)


def _quoted(name: str, connection: BaseDatabaseWrapper) -> str:
    return quoted(name, connection).replace("%%", "%")


# What PostgreSQL counts


def _judge_statistics(
    report: IndexReport, connection: BaseDatabaseWrapper, thresholds: Thresholds
) -> None:
    days = postgresql.read_age(connection)
    is_old = days >= thresholds.days
    if not is_old:
        report.notes.append(
            f"Unused indexes and scanned tables are not judged: statistics have been kept for "
            f"{days:.1f} days; --min-age says how many it takes, {thresholds.days:g} now."
        )
    for index in postgresql.read_indexes(connection):
        report.findings += postgresql.index_findings(index, connection, thresholds, is_old=is_old)
    for use in postgresql.read_tables(connection) if is_old else ():
        report.findings += postgresql.table_findings(use, thresholds)
    statements = postgresql.read_statements(connection, thresholds)
    if isinstance(statements, str):
        report.notes.append(f"Slow statements are not known: {statements}.")
    else:
        report.findings += postgresql.statement_findings(statements)


# What declared queries do


def _query_findings(
    name: str, path: str, live: Schema, connection: BaseDatabaseWrapper, notes: list[str]
) -> Iterator[Finding]:
    try:
        with apart(connection):
            rows = _declared(path, connection)
            question = ask(rows, (table for table in live.tables if table.kind in STORED))
            plan = explain(question, connection)
    except EmptyResultSet:
        notes.append(f"The query {name!r} asks for nothing as it was made: it was not explained.")
    except Exception as error:  # the function is the project's own
        if isinstance(error, DatabaseError) and is_over_limit(error):
            raise
        yield Finding(
            "query-broken",
            name,
            f"{path} to return a queryset",
            f"{type(error).__name__}: {error}".rstrip("."),
            f'correct the function, or SCHEMATOOLS["QUERIES"][{name!r}]',
        )
    else:
        yield from plan_findings(name, plan, question)


def _declared(path: str, connection: BaseDatabaseWrapper) -> "QuerySet[Any]":
    rows = import_string(path)()
    if not isinstance(rows, QuerySet):
        raise TypeError(f"it returned {type(rows).__name__}")
    rows = rows.using(connection.alias)
    rows.query.sql_with_params()  # raises EmptyResultSet
    return rows


def plan_findings(name: str, plan: Plan, question: Question) -> Iterator[Finding]:
    """Yield what a declared query's plan shows."""
    meta = options(question.rows.model)
    if plan.readings:
        columns = [*question.filtered(), *_ordering(question.rows)]
        whole = " and ".join(dict.fromkeys(map(str, plan.readings)))
        yield Finding(
            "query-scans",
            name,
            "an index that leads to its rows",
            f"that it reads {whole}",
            "add an index for what it filters and sorts by, such as "
            f"models.Index(fields={list(dict.fromkeys(columns))}) in Meta.indexes of {meta.label}",
            "warning",
        )
    if plan.sorts:
        yield Finding(
            "query-sorts",
            name,
            "an index in the order of its rows, since only the first are wanted",
            "that it sorts all of them",
            "let an index end in what it sorts by",
            "info",
        )


def _ordering(rows: "QuerySet[Any]") -> list[str]:
    query = rows.query
    by_default = options(rows.model).ordering if query.default_ordering else ()
    return [item for item in query.order_by or by_default if isinstance(item, str)]
