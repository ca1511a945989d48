"""Rules of ``lint`` about foreign keys, uniqueness and the indexes that serve them."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from schematools.flaws import Flaw, field_name, full_name, where_to_change
from schematools.lint_tables import STORED
from schematools.model import Constraint, Index, Schema, Table

# What an index may say after a column's name: PostgreSQL's operator class, a direction.
_OPTIONS = re.compile(r"( \w+_ops)?( (ASC|DESC))?( NULLS (FIRST|LAST))?", re.IGNORECASE)

_IDENTITY = re.compile(
    r"\bauto_?increment\b|\bgenerated (always|by default)( on null)? as identity\b"
)
_SYNONYMS = {
    "bigserial": "bigint",
    "bool": "boolean",
    "bpchar": "text",
    "char": "text",
    "character": "text",
    "character varying": "text",
    "decimal": "numeric",
    "int": "integer",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "serial": "integer",
    "smallserial": "smallint",
    "timestamptz": "timestamp with time zone",
    "varchar": "text",
}
# SQLite takes a type for the first of these that a part of its name says.
_AFFINITIES = (
    ("integer", "int"),
    ("text", "char|clob|text"),
    ("blob", "blob|^$"),
    ("real", "real|floa|doub"),
    ("numeric", ""),
)


# Indexes


@dataclass(frozen=True, slots=True)
class _Access:
    """A way to rows: an index, or the one behind a primary key or unique constraint.

    ``columns`` are the elements that are plain columns; an expression is an empty text there.
    """

    source: Index | Constraint
    columns: tuple[str, ...]

    @property
    def elements(self) -> tuple[str, ...]:
        return self.source.columns

    @property
    def method(self) -> str:
        found = self.source.method.lower() if isinstance(self.source, Index) else ""
        return "" if found == "btree" else found

    def finds(self, columns: Sequence[str]) -> bool:
        """Tell whether it leads to the rows with given values, none of them NULL, in these."""
        condition = self.source.condition
        return (
            (not self.method or (self.method == "hash" and len(self.columns) == 1))
            and set(self.columns[: len(columns)]) == set(columns)
            and (not condition or any(_says(condition, name, "IS NOT NULL") for name in columns))
        )


def _accesses(table: Table) -> list[_Access]:
    """Return the ways to rows, the primary key and other constraints first."""
    names = {column.name for column in table.columns}
    sources: list[Index | Constraint] = [
        rule for rule in table.constraints if rule.kind == "primary key"
    ]
    sources += [rule for rule in table.constraints if rule.kind == "unique"]
    sources += table.indexes
    return [
        _Access(source, tuple(_plain_column(element, names) for element in source.columns))
        for source in sources
    ]


def _plain_column(element: str, names: Collection[str]) -> str:
    """Return the column that an index's element is, or nothing for an expression."""
    for name in names:
        if element.startswith(name) and _OPTIONS.fullmatch(element[len(name) :]):
            return name
    return ""


def _says(condition: str, column: str, predicate: str) -> bool:
    """Tell whether a condition is, or has among what AND joins, this predicate of the column."""
    parts = re.split(r"\bAND\b", re.sub(r'[()"`]', "", condition), flags=re.IGNORECASE)
    return f"{column} {predicate}".lower() in (part.strip().lower() for part in parts)


def duplicate_indexes(table: Table, _schema: Schema) -> Iterator[Flaw]:
    """Yield indexes and constraints that another one makes superfluous."""
    accesses = [] if table.automatic else _accesses(table)
    for position, access in enumerate(accesses):
        older, younger = accesses[:position], accesses[position + 1 :]
        for other in (*older, *younger):
            if _replaces(other, access, is_older=other in older):
                yield _duplicate(access.source, other.source, table)
                break


def _replaces(other: _Access, access: _Access, *, is_older: bool) -> bool:
    """Tell whether ``other`` does what ``access`` does; of two that are equal, the older one."""
    if other.source.condition != access.source.condition or other.method != access.method:
        return False
    if isinstance(access.source, Constraint):
        return is_older and _holds(other.source, access.source)
    included, included_there = {*access.source.include}, {*other.source.include}
    if other.elements == access.elements and included_there == included:
        return is_older
    start = other.elements if access.method else other.elements[: len(access.elements)]
    return start == access.elements and included <= included_there | {*other.elements}


def _holds(other: Index | Constraint, rule: Constraint) -> bool:
    """Tell whether another key or constraint holds the same rule."""
    return (
        isinstance(other, Constraint)
        and sorted(other.columns) == sorted(rule.columns)
        and other.deferrable == rule.deferrable
        and (other.kind == "primary key" or other.nulls_distinct == rule.nulls_distinct)
    )


def _duplicate(source: Index | Constraint, other: Index | Constraint, table: Table) -> Flaw:
    field = field_name(table, source.columns[0]) if len(source.columns) == 1 else ""
    if table.model and source.name:
        remedy = f"remove {source.name} from Meta of {table.model}"
    elif field:
        setting = "db_index" if isinstance(source, Index) else "unique"
        remedy = f"set {setting}=False on {field}"
    elif source.name:
        is_index = isinstance(source, Index)
        drop = "DROP INDEX" if is_index else f"ALTER TABLE {table.name} DROP CONSTRAINT"
        remedy = f"{drop} {source.name}"
    else:
        remedy = f"remove {_described(source)} from {table.model or table.name}"
    name = source.name or source.columns[0]
    return Flaw(
        f"{table.name}.{name}" if source.name or len(source.columns) == 1 else table.name,
        f"All that {_described(source)} does, {_described(other)} does too.",
        remedy,
    )


def _described(source: Index | Constraint) -> str:
    kind = "index" if isinstance(source, Index) else source.kind
    name = f" {source.name}" if source.name else ""
    return f"the {kind}{name} ({', '.join(source.columns)})"


# Foreign keys


def keys_without_index(table: Table, schema: Schema) -> Iterator[Flaw]:
    """Yield the foreign keys by which rows can only be found by reading all of them."""
    if schema.vendor == "mysql" or not table.managed or table.kind not in STORED:
        return
    accesses = _accesses(table)
    for key in table.foreign_keys:
        if not any(access.finds(key.columns) for access in accesses):
            yield Flaw(
                _object(table, key.columns),
                f"No index leads from {key.target} to its rows here: deleting one there reads all.",
                _add_index(table, key.columns),
            )


def generic_keys_without_index(table: Table, _schema: Schema) -> Iterator[Flaw]:
    """Yield the generic keys by which rows can only be found by reading all of them."""
    if not table.managed or table.kind not in STORED:
        return
    accesses = _accesses(table)
    for key in table.generic_keys:
        columns = (key.type_column, key.id_column)
        if not any(found.finds(columns) or found.finds(columns[1:]) for found in accesses):
            yield Flaw(
                full_name(table, key.id_column),
                f"No index leads from an object to the rows whose {key.name} it is.",
                _add_index(table, columns),
            )


def _add_index(table: Table, columns: Sequence[str]) -> str:
    fields = [found.field for name in columns for found in table.columns if found.name == name]
    if not table.model or not all(fields):
        return f"CREATE INDEX … ON {table.name} ({', '.join(columns)})"
    if len(fields) == 1:
        return f"set db_index=True on {table.model}.{fields[0]}"
    return f"add models.Index(fields={fields}) to Meta.indexes of {table.model}"


def unenforced_keys(table: Table, _schema: Schema) -> Iterator[Flaw]:
    """Yield the foreign keys that may lead nowhere, as far as the database cares."""
    if not table.managed or table.kind not in STORED:
        return
    for key in table.foreign_keys:
        if not key.enforced:
            field = field_name(table, key.columns[0])
            yield Flaw(
                _object(table, key.columns),
                f"The database does not guard this reference to {key.target}.",
                f"remove db_constraint=False from {field}" if field else "add the foreign key",
            )


def mismatched_types(table: Table, schema: Schema) -> Iterator[Flaw]:
    """Yield the foreign keys' columns that cannot hold, or compare with, what they refer to."""
    own = {column.name: column for column in table.columns}
    for key in table.foreign_keys:
        target = schema.table_by_name.get(key.target)
        theirs = {column.name: column for column in target.columns} if target else {}
        for name, target_name in zip(key.columns, key.target_columns, strict=False):
            if name not in own or target_name not in theirs:
                continue
            kind, target_kind = own[name].type, theirs[target_name].type
            if kind and target_kind and not _fits(kind, target_kind, vendor=schema.vendor):
                yield Flaw(
                    full_name(table, name),
                    f"It is {kind}, but {key.target}.{target_name} is {target_kind}.",
                    f"give {where_to_change(table, [name])} the type {target_kind}",
                )


def _fits(kind: str, target_kind: str, *, vendor: str) -> bool:
    family, length = _family(kind, vendor)
    target_family, target_length = _family(target_kind, vendor)
    is_cut = family == "text" and length is not None and length < (target_length or length + 1)
    return family == target_family and not is_cut


def _family(kind: str, vendor: str) -> tuple[str, int | None]:
    """Return the type without what makes no difference to a reference, and its length."""
    text = " ".join(_IDENTITY.sub("", kind.lower()).split())
    length = re.search(r"\((\d+)", text)
    name = " ".join(re.sub(r"\([^)]*\)", "", text).split())
    if vendor == "sqlite":
        name = next(family for family, parts in _AFFINITIES if re.search(parts, name))
    return _SYNONYMS.get(name, name), int(length[1]) if length else None


def _object(table: Table, columns: Sequence[str]) -> str:
    return full_name(table, columns[0]) if len(columns) == 1 else table.name


# Uniqueness


def nullable_unique(table: Table, _schema: Schema) -> Iterator[Flaw]:
    """Yield nullable columns that are unique by themselves, but for foreign keys.

    That a key is one-to-one and may be absent is what people mean by such a foreign key.
    """
    for rule, columns in _unique_with_null(table):
        if len(rule.columns) == 1 and columns[0] not in table.foreign_key_columns:
            yield Flaw(
                full_name(table, columns[0]),
                "It is unique, but several rows may hold NULL in it.",
                f"make {where_to_change(table, columns)} required, or say "
                "nulls_distinct=False in a UniqueConstraint",
            )


def nullable_in_unique_together(table: Table, _schema: Schema) -> Iterator[Flaw]:
    """Yield nullable columns of constraints over several, unless a second one covers NULL."""
    for rule, columns in _unique_with_null(table):
        for column in columns if len(rule.columns) > 1 else ():
            if not _null_is_covered(rule, column, table):
                yield Flaw(
                    full_name(table, column),
                    f"Rows with NULL in it slip past {_described(rule)}.",
                    f"make {where_to_change(table, [column])} required, say nulls_distinct=False, "
                    f"or add a UniqueConstraint for the rows where {column} IS NULL",
                )


def _unique_with_null(table: Table) -> Iterator[tuple[Constraint, list[str]]]:
    """Yield the unique constraints to which no two NULLs are equal, and their nullable columns."""
    nullable = {column.name for column in table.columns if column.null}
    for access in _accesses(table):
        rule = access.source
        if isinstance(rule, Constraint) and rule.kind == "unique" and rule.nulls_distinct:
            columns = [
                name
                for name in access.columns
                if name in nullable and not _says(rule.condition, name, "IS NOT NULL")
            ]
            if columns:
                yield rule, columns


def _null_is_covered(rule: Constraint, column: str, table: Table) -> bool:
    """Tell whether another constraint is about the rows that have no value in this column."""
    rest = {*rule.columns} - {column}
    return any(
        other.kind == "unique"
        and {*other.columns} <= rest
        and (not other.condition or _says(other.condition, column, "IS NULL"))
        for other in table.constraints
    )
