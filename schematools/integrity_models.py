"""What a model says of its rows, as rules: references, uniqueness, checks, and values of fields."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import (
    BooleanField,
    CharField,
    CheckConstraint,
    Model,
    TextField,
    UniqueConstraint,
)
from django.db.models.sql import Query

from schematools.columns import AnyField
from schematools.expressions import UNSUPPORTED, condition_sql, readable
from schematools.integrity_rules import (
    OTHER,
    ROW,
    Place,
    RowRule,
    Sql,
    UniqueRule,
    plain_name,
    quoted,
)
from schematools.model import ForeignKey, Table
from schematools.registry import columns_of, options
from schematools.relations import read_foreign_keys

AnyModel = type[Model]

FLAG = "is_deleted"
MOST_CHOICES = 500
ALWAYS, NEVER = Sql("1 = 1"), Sql("1 = 0")


class Unchecked(NamedTuple):
    """A rule that was left out, and why."""

    object: str
    reason: str


Step = RowRule | UniqueRule | Unchecked


@dataclass(frozen=True, slots=True)
class Subject:
    """A model and its table as the database has it; ``tables`` are all that are there."""

    model: AnyModel
    table: Table
    place: Place
    tables: Mapping[str, Table]
    connection: BaseDatabaseWrapper

    def column(self, name: str) -> str:
        return f"{ROW}.{quoted(name, self.connection)}"

    def named(self, name: str) -> str:
        return f"{self.table.name}.{name}"


def model_rules(subject: Subject) -> Iterator[Step]:
    """Yield every rule of the model that its table's rows can be held to."""
    yield from _references(subject)
    yield from _uniques(subject)
    yield from _checks(subject)
    yield from _values(subject)


# References


def _references(subject: Subject) -> Iterator[Step]:
    flag = flag_of(subject.model)
    targets = {
        field.name: field.related_model
        for field in options(subject.model).local_fields
        if field.is_relation
    }
    for key in read_foreign_keys(subject.model, subject.connection):
        name = subject.named(", ".join(key.columns))
        target = subject.tables.get(plain_name(key.target))
        if target is None:
            yield Unchecked(name, f"the table {key.target} is not in this database")
            continue
        yield reference_rule(subject, key, target, quoted(key.target, subject.connection))
        if parent_flag := flag_of(targets[key.name]):
            yield from _live_children(subject, key, flag, parent_flag)


def reference_rule(subject: Subject, key: ForeignKey, target: Table, source: str) -> RowRule:
    """Return the rule that a reference leads to a row of ``target``, whose quoted name it is."""
    missing = _leads_nowhere(subject, key, target, source)
    filled = " AND ".join(f"{subject.column(name)} IS NOT NULL" for name in key.columns)
    columns, there = ", ".join(key.columns), ", ".join(key.target_columns)
    if key.null:
        hint = f"set {columns} to NULL, or delete these rows"
    elif key.on_delete == "CASCADE":
        hint = "delete these rows, or bring back what they refer to"
    else:
        hint = "bring back what these rows refer to, or let them refer to something else"
    return RowRule(
        id="orphaned-reference",
        object=subject.named(columns),
        place=subject.place,
        broken=Sql(f"{filled} AND {missing}"),
        expected=f"every {columns} to be the {there} of a row in {key.target}",
        found="where it is none",
        hint=hint,
        alone=True,
    )


def _leads_nowhere(subject: Subject, key: ForeignKey, target: Table, source: str) -> str:
    """Return a condition that each engine turns into one pass over both tables."""
    there = [quoted(name, subject.connection) for name in key.target_columns]
    if subject.connection.vendor == "sqlite" and len(there) == 1:
        # NOT IN, unlike NOT EXISTS, makes an index of what has none. NULL would hide everything.
        (name,) = key.target_columns
        is_nullable = any(column.name == name and column.null for column in target.columns)
        where = f" WHERE {there[0]} IS NOT NULL" if is_nullable else ""
        own = subject.column(key.columns[0])
        return f"{own} NOT IN (SELECT {there[0]} FROM {source}{where})"  # noqa: S608
    return f"NOT {_match(subject, key, source)}"


def _match(subject: Subject, key: ForeignKey, source: str, condition: str = "") -> str:
    pairs = zip(key.columns, key.target_columns, strict=True)
    equal = [
        f"{OTHER}.{quoted(there, subject.connection)} = {subject.column(own)}"
        for own, there in pairs
    ]
    where = " AND ".join([*equal, *([condition] if condition else [])])
    return f"EXISTS (SELECT 1 FROM {source} AS {OTHER} WHERE {where})"  # noqa: S608


def flag_of(model: AnyModel) -> str:
    """Return the column that marks rows of the model deleted, if its own table has one."""
    for field in options(model).local_concrete_fields:
        if field.name == FLAG and isinstance(field, BooleanField):
            return str(field.column)
    return ""


def _live_children(
    subject: Subject, key: ForeignKey, flag: str, parent_flag: str
) -> Iterator[RowRule]:
    """Yield the rule that a row goes when what it belongs to goes, or keeps it from going.

    A row without a flag cannot go along, and means nothing while what it belongs to is away; but
    a key that protects is asked of every row.
    """
    protects = key.on_delete in {"PROTECT", "RESTRICT"}
    if not protects and not (flag and key.on_delete == "CASCADE"):
        return
    source = quoted(key.target, subject.connection)
    is_gone = _match(subject, key, source, f"{OTHER}.{quoted(parent_flag, subject.connection)}")
    is_live = f"NOT {subject.column(flag)} AND " if flag else ""
    columns = ", ".join(key.columns)
    yield RowRule(
        id="live-child-of-deleted",
        object=subject.named(columns),
        place=subject.place,
        broken=Sql(f"{is_live}{is_gone}"),
        expected=f"no live row whose {columns} is marked {parent_flag} ({key.on_delete})",
        found="that are live",
        hint="mark these rows deleted too, or restore what they belong to",
        severity="warning",
        alone=True,
    )


# Uniqueness


def _uniques(subject: Subject) -> Iterator[Step]:
    meta = options(subject.model)
    keys = [tuple(field.column for field in meta.pk_fields)] if meta.pk_fields else []
    keys += [(field.column,) for field in meta.local_concrete_fields if field.unique]
    keys += [columns_of(subject.model, names) for names in meta.unique_together]
    own = {column.name for column in subject.table.columns}
    for columns in dict.fromkeys(keys):
        if own.issuperset(columns):  # a key may be the parent model's
            yield _unique_columns(subject, columns)
    for constraint in meta.constraints:
        if isinstance(constraint, UniqueConstraint):
            yield _unique_constraint(subject, constraint)
        elif hasattr(constraint, "index_type"):
            yield Unchecked(
                subject.named(constraint.name), "exclusion constraints are left to the database"
            )


def _unique_columns(subject: Subject, columns: Sequence[str]) -> UniqueRule:
    return UniqueRule(
        object=subject.named(", ".join(columns)),
        place=subject.place,
        values=tuple(Sql(subject.column(name)) for name in columns),
        expected=f"each {_together(columns)} once",
    )


def _unique_constraint(subject: Subject, constraint: UniqueConstraint) -> Step:
    name = subject.named(constraint.name)
    try:
        values = [Sql(subject.column(c)) for c in columns_of(subject.model, constraint.fields)]
        values += [compiled_expression(item, subject) for item in constraint.expressions]
        condition = (
            compiled_condition(constraint.condition, subject) if constraint.condition else Sql("")
        )
    except UNSUPPORTED as error:
        return Unchecked(name, f"it cannot be asked of the rows: {error}")
    where = ""
    if constraint.condition:
        where = f" where {condition_sql(constraint.condition, subject.model, subject.connection)}"
    return UniqueRule(
        object=name,
        place=subject.place,
        values=tuple(values),
        condition=condition,
        nulls_distinct=constraint.nulls_distinct is not False,
        expected=f"each {_together([readable(str(value)) for value in values])} once{where}",
    )


def _together(columns: Sequence[str]) -> str:
    names = [name.removeprefix(f"{ROW}.") for name in columns]
    return names[0] if len(names) == 1 else f"({', '.join(names)})"


# Checks


def _checks(subject: Subject) -> Iterator[Step]:
    for constraint in options(subject.model).constraints:
        if not isinstance(constraint, CheckConstraint):
            continue
        name = subject.named(constraint.name)
        try:
            rule = compiled_condition(constraint.condition, subject)
        except UNSUPPORTED as error:
            yield Unchecked(name, f"it cannot be asked of the rows: {error}")
            continue
        yield check_rule(
            subject,
            name,
            rule,
            condition_sql(constraint.condition, subject.model, subject.connection),
        )
    for field in options(subject.model).local_concrete_fields:
        if check := field.db_parameters(connection=subject.connection).get("check"):
            # Django fills in the column's name by the % operator: the text is final.
            rule = Sql(check.replace("%", "%%"))
            yield check_rule(subject, subject.named(field.column), rule, readable(check))


def check_rule(subject: Subject, name: str, rule: Sql, text: str) -> RowRule:
    """Return the rule that a condition is not false; one that is unknown, by NULL, passes."""
    return RowRule(
        id="check-violated",
        object=name,
        place=subject.place,
        broken=Sql(f"NOT ({rule.text})", rule.params),
        expected=text,
        found="for which that is false",
        hint="correct these rows",
    )


def compiled_condition(condition: Any, subject: Subject) -> Sql:
    """Return a condition as Django would send it, with its values left to parameters."""
    query = Query(subject.model, alias_cols=False)
    try:
        where = query.build_where(condition)
        compiler = query.get_compiler(connection=subject.connection)
        text, params = where.as_sql(compiler, subject.connection)
    except EmptyResultSet:
        return NEVER
    except FullResultSet:
        return ALWAYS
    return Sql(text, tuple(params))


def compiled_expression(expression: Any, subject: Subject) -> Sql:
    """Return what an index's expression computes, without a direction or an operator class."""
    while type(expression).__name__ in {"OrderBy", "OpClass"}:  # the latter's module needs psycopg
        (expression,) = expression.get_source_expressions()
    query = Query(subject.model, alias_cols=False)
    resolved = expression.resolve_expression(query, allow_joins=False)
    text, params = query.get_compiler(connection=subject.connection).compile(resolved)
    return Sql(text, tuple(params))


# Values of fields


def _values(subject: Subject) -> Iterator[Step]:
    there = {column.name: column for column in subject.table.columns}
    for field in options(subject.model).local_concrete_fields:
        if there[field.column].null and not field.null and not field.generated:
            yield _value_rule(
                subject, field, "null-in-required", Sql(f"{subject.column(field.column)} IS NULL"),
                expected="no NULL", found="with NULL", severity="error",
            )  # fmt: skip
        yield from _choice_rules(subject, field)
        if isinstance(field, (CharField, TextField)):
            yield from _text_rules(subject, field)


def _choice_rules(subject: Subject, field: AnyField) -> Iterator[Step]:
    values = [value for value, _ in field.flatchoices if value is not None]
    if not values or field.is_relation:
        return
    if len(values) > MOST_CHOICES:
        yield Unchecked(subject.named(field.column), f"it has {len(values):,} choices")
        return
    if field.blank and field.empty_strings_allowed and "" not in values:
        values.append("")
    params = tuple(
        field.get_db_prep_value(value, subject.connection, prepared=False) for value in values
    )
    marks = ", ".join(["%s"] * len(params))
    yield _value_rule(
        subject, field, "choice-unknown",
        Sql(f"{subject.column(field.column)} NOT IN ({marks})", params),
        expected="one of the field's choices", found="with something else", severity="info",
    )  # fmt: skip


def _text_rules(subject: Subject, field: AnyField) -> Iterator[Step]:
    column = subject.column(field.column)
    is_key = field.primary_key or field.is_relation
    if not (field.blank or field.flatchoices or is_key):
        yield _value_rule(
            subject, field, "required-text-empty", Sql(f"{column} = %s", ("",)),
            expected="some text", found="with none", severity="info",
        )  # fmt: skip
    if isinstance(field, CharField) and field.max_length and subject.connection.vendor == "sqlite":
        yield _value_rule(
            subject, field, "value-too-long", Sql(f"length({column}) > %s", (field.max_length,)),
            expected=f"at most {field.max_length} characters, which PostgreSQL insists on",
            found="with more", severity="warning",
        )  # fmt: skip


def _value_rule(subject: Subject, field: AnyField, name: str, broken: Sql, **words: Any) -> RowRule:
    expected = f"{words.pop('expected')} in {field.column}"
    return RowRule(
        id=name,
        object=subject.named(field.column),
        place=subject.place,
        broken=broken,
        expected=expected,
        hint=f"correct {field.column}",
        **words,
    )


def columns_missing(model: AnyModel, table: Table, connection: BaseDatabaseWrapper) -> list[str]:
    """Return the columns that the model has and the table lacks."""
    there = {column.name for column in table.columns}
    wanted: Iterable[AnyField] = options(model).local_concrete_fields
    return [
        field.column for field in wanted if field.db_type(connection) and field.column not in there
    ]
