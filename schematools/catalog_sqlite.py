"""Reads the catalog of SQLite: its pragmas, and the text of what was created.

SQLite's own tables and the shadow tables behind virtual tables are left out. Indexes named
``sqlite_autoindex_*`` are those of constraints, which have a name only where the text gives one.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

from schematools.model import Column, Constraint, ForeignKey, Index, Table, TableKind, Trigger
from schematools.sqlite_ddl import IndexText, TableText, one_spelling, parse_index, parse_table

# Six queries, however many tables there are. The second argument of the pragmas keeps temporary
# tables of the same name out. What is a table and has pages is no view and not virtual.
OBJECTS = "SELECT type, name, tbl_name, sql FROM sqlite_master"
SHADOWS = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'shadow'"
COLUMNS = """
SELECT m.name, x.name, x.type, x."notnull", x.dflt_value, x.pk
FROM sqlite_master m, pragma_table_xinfo(m.name, 'main') x
WHERE m.type = 'table' AND m.rootpage > 0
ORDER BY m.name, x.cid
"""
VIEW_COLUMNS = """
SELECT m.name, x.name, x.type, x."notnull", x.dflt_value, x.pk
FROM sqlite_master m, pragma_table_xinfo(m.name, 'main') x
WHERE m.type IN ('table', 'view') AND m.rootpage = 0 AND x.hidden <> 1
ORDER BY m.name, x.cid
"""
INDEXES = """
SELECT m.name, l.name, l.origin, l."unique", x.name, x."desc", x.coll
FROM sqlite_master m, pragma_index_list(m.name, 'main') l, pragma_index_xinfo(l.name, 'main') x
WHERE m.type = 'table' AND m.rootpage > 0 AND x.key
ORDER BY m.name, l.name, x.seqno
"""
FOREIGN_KEYS = """
SELECT m.name, x.id, x."table", x."from", x."to", x.on_delete, x.on_update
FROM sqlite_master m, pragma_foreign_key_list(m.name, 'main') x
WHERE m.type = 'table' AND m.rootpage > 0
ORDER BY m.name, x.id DESC, x.seq
"""
# Asked for one object when the query for all fails.
ONE_VIEW = """
SELECT %s, name, type, "notnull", dflt_value, pk
FROM pragma_table_xinfo(%s, 'main') WHERE hidden <> 1 ORDER BY cid
"""

# Before SQLite 3.37 nothing but the name tells a shadow table: those of fts3, 4 and 5 and rtree.
SHADOW_SUFFIXES = (
    *("config", "content", "data", "docsize", "idx", "segdir", "segments", "stat"),
    *("node", "parent", "rowid"),
)
TABLE_LIST_VERSION = (3, 37)

Row = Sequence[Any]


@dataclass(slots=True)
class _Rows:
    """What the pragmas say about one table."""

    columns: list[Row] = field(default_factory=list)
    indexes: list[Row] = field(default_factory=list)
    foreign_keys: list[Row] = field(default_factory=list)

    @property
    def primary_key(self) -> tuple[str, ...]:
        parts = sorted((row[5], row[1]) for row in self.columns if row[5])
        return tuple(name for _, name in parts)


@dataclass(frozen=True, slots=True)
class _Key:
    """An index as the pragmas show it, with the text of it that was created by name."""

    name: str
    origin: str
    unique: bool
    columns: tuple[str | None, ...]  # nothing stands for an expression
    parts: tuple[str, ...]
    text: IndexText | None
    source: str

    @property
    def covers_all_rows(self) -> bool:
        return self.unique and None not in self.columns and not (self.text and self.text.condition)


def read_tables(connection: BaseDatabaseWrapper) -> list[Table]:
    """Return the tables and views, in no order."""
    with connection.cursor() as cursor:
        objects = _fetch(cursor, OBJECTS)
        sources = {name: sql for kind, name, _, sql in objects if kind in {"table", "view"}}
        has_table_list = connection.Database.sqlite_version_info >= TABLE_LIST_VERSION  # type: ignore[attr-defined]
        shadows = (
            {name for (name,) in _fetch(cursor, SHADOWS)} if has_table_list else _shadows(sources)
        )
        rows = defaultdict(_Rows, {name: _Rows() for name in sources})
        for row in (*_fetch(cursor, COLUMNS), *_view_columns(cursor, sources)):
            rows[row[0]].columns.append(row)
        for row in _fetch(cursor, INDEXES):
            rows[row[0]].indexes.append(row)
        for row in _fetch(cursor, FOREIGN_KEYS):
            rows[row[0]].foreign_keys.append(row)
    index_sources = {name: sql for kind, name, _, sql in objects if kind == "index"}
    triggers: defaultdict[str, list[Trigger]] = defaultdict(list)
    for kind, name, table, sql in objects:
        if kind == "trigger":
            triggers[table].append(Trigger(name=name, action=one_spelling(sql), definition=sql))
    return [
        replace(
            _read_table(name, sql, rows, index_sources),
            triggers=tuple(sorted(triggers[name], key=lambda trigger: trigger.name)),
        )
        for name, sql in sources.items()
        if name not in shadows and not name.lower().startswith("sqlite_")
    ]


def _fetch(cursor: CursorWrapper, sql: str, params: Sequence[Any] | None = None) -> list[Row]:
    cursor.execute(sql, params)
    return list(cursor.fetchall())


def _view_columns(cursor: CursorWrapper, sources: Mapping[str, str]) -> Iterator[Row]:
    """Yield the columns of views and virtual tables.

    One whose table, function or module is missing has none, and makes the query for all fail.
    """
    try:
        yield from _fetch(cursor, VIEW_COLUMNS)
    except DatabaseError:
        for name, sql in sources.items():
            if _kind(sql) != "table":
                try:
                    yield from _fetch(cursor, ONE_VIEW, [name, name])
                except DatabaseError:
                    continue


def _shadows(sources: Mapping[str, str]) -> set[str]:
    virtual = [name for name, sql in sources.items() if _kind(sql) == "virtual table"]
    return {f"{name}_{suffix}" for name in virtual for suffix in SHADOW_SUFFIXES}


def _kind(sql: str) -> TableKind:
    second_word = sql.split(maxsplit=2)[1].upper()
    return {"VIEW": "view", "VIRTUAL": "virtual table"}.get(second_word, "table")  # type: ignore[return-value]


def _read_table(
    name: str, sql: str, rows: Mapping[str, _Rows], index_sources: Mapping[str, str | None]
) -> Table:
    own = rows[name]
    kind = _kind(sql)
    text = parse_table(sql) if kind == "table" else TableText()
    collations = {column.name: column.collation for column in text.columns}
    keys = list(_keys(own, collations, index_sources))
    # A primary key without an index is the number of the row, which SQLite fills in.
    is_row_number = bool(own.primary_key) and all(key.origin != "pk" for key in keys)
    columns = tuple(_columns(own, text, is_row_number=is_row_number))
    return Table(
        name=name,
        module="",
        kind=kind,
        columns=columns,
        indexes=tuple(_indexes(keys)),
        constraints=(
            *_primary_key(own, text),
            *_unique_constraints(keys, text),
            *_checks(text),
        ),
        foreign_keys=tuple(_foreign_keys(own, text, columns, keys, rows)),
        options=tuple(text.options),
        query=one_spelling(sql) if kind == "view" else "",
        definition=sql,
    )


# Columns


def _columns(rows: _Rows, text: TableText, *, is_row_number: bool) -> Iterator[Column]:
    texts = {column.name: column for column in text.columns}
    referring = {row[3] for row in rows.foreign_keys}  # whose value is that of another row
    for _, name, declared, not_null, default, place in rows.columns:
        own = texts.get(name)
        is_identity = is_row_number and bool(place) and name not in referring
        yield Column(
            name=name,
            type=declared.lower(),
            null=not (not_null or is_identity),
            db_default="identity" if is_identity else default or "",
            generated=own.generated if own else "",
            collation=own.collation if own and not _is_default(own.collation) else "",
        )


def _is_default(collation: str) -> bool:
    return collation.upper() in {"", "BINARY"}


# Keys and indexes


def _keys(
    rows: _Rows, collations: Mapping[str, str], index_sources: Mapping[str, str | None]
) -> Iterator[_Key]:
    names = [row[1] for row in rows.columns]
    for name, parts in groupby(rows.indexes, key=itemgetter(1)):
        members = list(parts)
        source = index_sources.get(name)
        text = parse_index(source, names) if source else None
        yield _Key(
            name=name,
            origin=members[0][2],
            unique=bool(members[0][3]),
            columns=tuple(row[4] for row in members),
            parts=tuple(
                text.parts[place] if text and row[4] is None else _part(row, collations)
                for place, row in enumerate(members)
            ),
            text=text,
            source=source or "",
        )


def _part(row: Row, collations: Mapping[str, str]) -> str:
    """Return a column of an index, with its collation where that is not the column's own."""
    *_, name, descending, collation = row
    own = collations.get(name) or "BINARY"
    collate = f"COLLATE {collation}" if collation.upper() != own.upper() else ""
    return " ".join(filter(None, (name, collate, "DESC" if descending else "")))


def _indexes(keys: Iterable[_Key]) -> Iterator[Index]:
    for key in keys:
        if not key.unique:
            condition = key.text.condition if key.text else ""
            yield Index(
                name=key.name,
                columns=key.parts,
                condition=condition,
                definition=key.source,
            )


def _primary_key(rows: _Rows, text: TableText) -> Iterator[Constraint]:
    if rows.primary_key:
        name = next((key.name for key in text.keys if key.kind == "primary key"), "")
        yield Constraint(kind="primary key", name=name, columns=rows.primary_key)


def _unique_constraints(keys: Iterable[_Key], text: TableText) -> Iterator[Constraint]:
    """Yield unique constraints, then unique indexes.

    Constraints are those of the text: SQLite has one index for two over the same columns.
    """
    constraints = [(key.name, key.parts) for key in text.keys if key.kind == "unique"]
    for name, parts in sorted(constraints, key=lambda key: (not key[0], key)):
        yield Constraint(kind="unique", name=name, columns=parts)
    for key in keys:
        if key.unique and key.origin == "c":
            condition = key.text.condition if key.text else ""
            yield Constraint(
                kind="unique",
                name=key.name,
                columns=key.parts,
                condition=condition,
                is_index=True,
                definition=key.source,
            )


def _checks(text: TableText) -> Iterator[Constraint]:
    for check in sorted(text.checks, key=lambda check: (check.name, check.expression)):
        yield Constraint(kind="check", name=check.name, expression=check.expression)


# Foreign keys


def _foreign_keys(
    rows: _Rows,
    text: TableText,
    columns: Iterable[Column],
    keys: Iterable[_Key],
    all_rows: Mapping[str, _Rows],
) -> Iterator[ForeignKey]:
    """Yield the foreign keys in the order of the text, which is that of falling ids.

    A target that names no columns means the primary key; one that does not exist has none.
    """
    known = {name.lower(): name for name in all_rows}
    nullable = {column.name for column in columns if column.null}
    unique = [set(key.columns) for key in keys if key.covers_all_rows]
    if rows.primary_key:
        unique.append(set(rows.primary_key))
    grouped = groupby(rows.foreign_keys, key=itemgetter(1))
    for place, (_, group) in enumerate(grouped):
        members = list(group)
        own = tuple(row[3] for row in members)
        written: str = members[0][2]
        target = known.get(written.lower(), written)
        deferrable = text.foreign_keys[place].deferrable if place < len(text.foreign_keys) else ""
        yield ForeignKey(
            name=", ".join(own),
            columns=own,
            target=target,
            target_columns=_target_columns(members, all_rows.get(target)),
            on_delete=members[0][5],
            null=not nullable.isdisjoint(own),
            unique=any(key <= set(own) for key in unique),
            deferrable=deferrable,
            on_update="" if members[0][6] == "NO ACTION" else members[0][6],
        )


def _target_columns(members: Sequence[Row], target: _Rows | None) -> tuple[str, ...]:
    if members[0][4] is None:
        return target.primary_key if target else ()
    spelling = {row[1].lower(): row[1] for row in target.columns} if target else {}
    written: list[str] = [row[4] for row in members]
    return tuple(spelling.get(name.lower(), name) for name in written)
