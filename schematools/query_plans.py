"""Asks a database how it would run a query, and tells whether it reads all of a table.

On a small table, reading all of it is the best plan. So the question is whether an index *could*
lead to the rows: PostgreSQL is asked with its other ways switched off, one set after the other, and
a plan that needs none of them is enough. SQLite, without statistics, takes an index where it can.

An index is read whole where nothing is looked up in it. That is as good as a search when only the
first rows are wanted, or when it is a partial one that holds just the rows that are; and as bad as
a scan when rows are read from it to be filtered.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet
from django.db.models.expressions import Col
from django.db.models.lookups import Exact
from django.db.models.sql.where import AND, WhereNode

from schematools.model import Constraint, Index, Table
from schematools.registry import options

_SCAN = re.compile(
    r"SCAN (?:TABLE )?(?P<name>.+?)(?: AS (?P<alias>.+?))?"
    r"(?: USING (?:COVERING )?INDEX (?P<index>.+?)| VIRTUAL TABLE .*)?$"
)
_AUTOMATIC = re.compile(r"SEARCH (?:TABLE )?(?P<name>.+?) USING AUTOMATIC .*")
_ALIAS = re.compile(r'"((?:[^"]|"")+)" (?:AS )?"?([UVWXYZT]\d+)"?')
_WORD = re.compile(r"\w+")
_PART = re.compile(r"_\d+$")  # what PostgreSQL adds to the name in the query, for each partition

# What PostgreSQL is asked to do without, one set after the other.
_READING, _SORTING = ("seqscan",), ("sort", "incremental_sort")
_JOINING = ("hashjoin", "mergejoin", "material", "memoize")
_INDEXED = ("indexscan", "indexonlyscan")
WITHOUT = (
    (*_READING, *_SORTING),
    _READING,
    (*_READING, *_JOINING, *_SORTING),
    (*_READING, *_JOINING, *_INDEXED),
)
WAYS = (*_READING, *_SORTING, *_JOINING, *_INDEXED)


@dataclass(frozen=True, slots=True)
class Reading:
    """A table of which all is read, whole or through an index."""

    table: str
    index: str = ""

    def __str__(self) -> str:
        return f"all of {self.table}" + (f" by {self.index}" if self.index else "")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a query reads whole, and whether it sorts many rows of which it wants the first."""

    readings: tuple[Reading, ...] = ()
    sorts: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """A query, and the tables of the database that it is asked of."""

    rows: "QuerySet[Any]"
    tables: Mapping[str, Table]
    indexes: Mapping[str, Index | Constraint]

    @property
    def wants_few(self) -> bool:
        """Tell whether only the first of possibly many rows are asked for."""
        return self.rows.query.high_mark is not None and not self.finds_one

    @property
    def finds_one(self) -> bool:
        """Tell whether the query says all values of a key, so that it has one row at the most."""
        table = self.tables.get(self.leading)
        if table is None:
            return False
        names = {column.name for column in table.columns}
        given = set(self._columns(_equalities(self.rows.query.where), self.leading))
        return any(
            (said := names & _words(*rule.columns)) and said <= given for rule in table.constraints
        )

    @property
    def leading(self) -> str:
        return str(options(self.rows.model).db_table)

    def filtered(self, alias: str = "") -> list[str]:
        """Return the columns that rows are chosen by, of one alias or of the leading table."""
        leaves = self.rows.query.where.leaves()
        return list(dict.fromkeys(self._columns(leaves, alias or self.leading)))

    def _columns(self, lookups: Iterable[Any], alias: str) -> Iterator[str]:
        for lookup in lookups:
            for part in lookup.flatten():
                if isinstance(part, Col) and part.alias == alias:
                    yield str(part.target.column)


def _equalities(where: WhereNode) -> Iterator[Any]:
    """Yield the lookups of one value that every row has to meet."""
    if where.negated or where.connector != AND:
        return
    for child in where.children:
        if isinstance(child, WhereNode):
            yield from _equalities(child)
        elif isinstance(child, Exact) and not hasattr(child.rhs, "query"):
            yield child


def ask(rows: "QuerySet[Any]", tables: Iterable[Table]) -> Question:
    """Return the question about the rows where these are the tables."""
    known = {table.name: table for table in tables}
    indexes: dict[str, Index | Constraint] = {}
    for table in known.values():
        indexes.update((index.name, index) for index in table.indexes)
        indexes.update((rule.name, rule) for rule in table.constraints if rule.columns)
    return Question(rows, known, indexes)


def explain(question: Question, connection: BaseDatabaseWrapper) -> Plan:
    """Return the best plan that the database has for the query; the query is not run."""
    rows = question.rows.using(connection.alias)
    if connection.vendor == "sqlite":
        sql, _ = rows.query.sql_with_params()
        return sqlite_plan(rows.explain().splitlines(), question, sql)
    plans = []
    for ways in WITHOUT:
        _switch_off(ways, connection)
        (tree,) = json.loads(rows.explain(format="json"))
        plans.append(postgresql_plan(tree["Plan"], question))
        if not plans[-1].readings and not plans[-1].sorts:
            break
    return min(plans, key=lambda plan: (len(plan.readings), plan.sorts))


def _switch_off(ways: Collection[str], connection: BaseDatabaseWrapper) -> None:
    """Change the planner's settings until the end of the transaction."""
    settings = ", ".join("set_config(%s, %s, true)" for _ in WAYS)
    params = [text for way in WAYS for text in (f"enable_{way}", "off" if way in ways else "on")]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {settings}", params)


# SQLite


def sqlite_plan(lines: Sequence[str], question: Question, sql: str = "") -> Plan:
    """Return what the lines of ``EXPLAIN QUERY PLAN`` say: three numbers, then words."""
    details = [line.split(maxsplit=3)[-1] for line in lines]
    sorts = question.wants_few and any("B-TREE FOR ORDER BY" in detail for detail in details)
    aliases = {alias: name.replace('""', '"') for name, alias in _ALIAS.findall(sql)}
    readings = (_sqlite_reading(detail, question, aliases, sorts=sorts) for detail in details)
    return Plan(tuple(filter(None, readings)), sorts)


def _sqlite_reading(
    detail: str, question: Question, aliases: Mapping[str, str], *, sorts: bool
) -> Reading | None:
    if match := _AUTOMATIC.fullmatch(detail):
        name = aliases.get(match["name"], match["name"])
        return Reading(name, "an index made for each run")
    match = _SCAN.fullmatch(detail)
    if not match:
        return None
    alias = match["alias"] or match["name"]
    table = aliases.get(match["name"], match["name"])
    if table not in question.tables:  # a subquery, a list of constants, a function
        return None
    index = question.indexes.get(match["index"] or "")
    filtered = question.filtered(alias)
    if index is None:
        # Also what reads a table in the order of its row numbers.
        is_start = question.wants_few and not filtered and not sorts
        return None if is_start else Reading(table, match["index"] or "")
    served = _words(index.condition, *index.columns)
    is_fine = (question.wants_few and not sorts) or bool(index.condition)
    return None if is_fine and served.issuperset(filtered) else Reading(table, match["index"])


# PostgreSQL


def postgresql_plan(tree: Mapping[str, Any], question: Question) -> Plan:
    """Return what a plan in JSON says."""
    nodes = list(_nodes(tree, {}))
    sorts = question.wants_few and any(
        node["Node Type"] in {"Sort", "Incremental Sort"} for node, _ in nodes
    )
    readings = (_postgresql_reading(node, parent, question, sorts=sorts) for node, parent in nodes)
    # Of a partitioned table each partition is read: to say so once is enough.
    return Plan(tuple(dict.fromkeys(filter(None, readings))), sorts)


def _nodes(
    node: Mapping[str, Any], parent: Mapping[str, Any]
) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    yield node, parent
    for child in node.get("Plans", ()):
        yield from _nodes(child, node if node["Node Type"] == "Bitmap Heap Scan" else parent)


def _postgresql_reading(
    node: Mapping[str, Any], parent: Mapping[str, Any], question: Question, *, sorts: bool
) -> Reading | None:
    kind = node["Node Type"]
    table = _table_of(node, question) or _table_of(parent, question)
    has_filter = "Filter" in node or (kind == "Bitmap Index Scan" and "Filter" in parent)
    is_start = question.wants_few and not sorts and kind != "Bitmap Index Scan"
    if kind in {"Seq Scan", "Parallel Seq Scan"}:
        return None if is_start and not has_filter else Reading(table)
    if kind not in {"Index Scan", "Index Only Scan", "Bitmap Index Scan"}:
        return None
    index = question.indexes.get(node["Index Name"])
    # The index of a partition has a name of its own.
    reading = Reading(table, node["Index Name"] if index else "")
    if "Index Cond" in node:
        leads = index is None or not _words(index.columns[0]).isdisjoint(_words(node["Index Cond"]))
        return None if leads else reading
    is_partial = index is not None and bool(index.condition)
    return None if (is_start or is_partial) and not has_filter else reading


def _table_of(node: Mapping[str, Any], question: Question) -> str:
    """Return what the node reads; of a partition the table that it is part of."""
    name = str(node.get("Relation Name", ""))
    whole = _PART.sub("", str(node.get("Alias", "")))
    return whole if name not in question.tables and whole in question.tables else name


def _words(*texts: str) -> set[str]:
    return {word for text in texts for word in _WORD.findall(text)}
