"""Reads Django's model registry into a ``Schema``, without touching any database."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import (
    BaseConstraint,
    CheckConstraint,
    Deferrable,
    F,
    ForeignObject,
    Model,
    UniqueConstraint,
)
from django.db.models import Index as DjangoIndex
from django.utils import translation

from schematools.columns import AnyField, column_parameters, read_column
from schematools.expressions import condition_sql, expression_sql, literal, stable_text
from schematools.model import (
    Constraint,
    ForeignKey,
    GenericKey,
    Index,
    ManyToMany,
    Module,
    Schema,
    Table,
)
from schematools.registry import model_description, options

AnyModel = type[Model]


def read_schema(
    models: Iterable[AnyModel], *, connection: BaseDatabaseWrapper, modules: Sequence[Module]
) -> Schema:
    """Return the tables of these models as ``connection``'s kind of database has them.

    Automatic many-to-many tables come along. An app without a module gets one that is not
    documented. The connection is not opened. Texts are in the language they were written in.
    """
    module_of_app = {label: module.name for module in modules for label in module.apps}
    by_name: dict[str, list[AnyModel]] = {}
    for model in sorted(set(_with_automatic(models)), key=_precedence):
        by_name.setdefault(options(model).db_table, []).append(model)
    with translation.override(None):
        tables = tuple(
            _read_table(sharing, connection, module_of_app)
            for _, sharing in sorted(by_name.items())
        )
    known = {module.name for module in modules}
    undocumented = sorted({table.module for table in tables} - known)
    return Schema(
        vendor=connection.vendor,
        modules=(
            *modules,
            *(Module(name=name, title=name, documented=False) for name in undocumented),
        ),
        tables=tables,
    )


def _with_automatic(models: Iterable[AnyModel]) -> Iterator[AnyModel]:
    """Yield the models that have tables, or share one, and the join tables Django adds."""
    for model in models:
        meta = options(model)
        if meta.swapped or meta.abstract:
            continue
        yield model
        for field in meta.local_many_to_many:
            through = _through(field)
            if options(through).auto_created:
                yield through


def _precedence(model: AnyModel) -> tuple[bool, bool, bool, str]:
    """Sort the model that a shared table is best described by first."""
    meta = options(model)
    return (meta.proxy, not meta.managed, bool(meta.auto_created), meta.label)


def _read_table(
    sharing: Sequence[AnyModel],
    connection: BaseDatabaseWrapper,
    module_of_app: dict[str, str],
) -> Table:
    model, *others = sharing
    meta = options(model)
    return Table(
        name=meta.db_table,
        module=module_of_app.get(meta.app_label, meta.app_label),
        model=meta.label,
        other_models=tuple(options(other).label for other in others),
        managed=meta.managed,
        automatic=bool(meta.auto_created),
        description=model_description(model),
        columns=tuple(
            column
            for field in meta.local_concrete_fields
            if (column := read_column(field, model, connection))
        ),
        indexes=tuple(_indexes(model, connection)),
        constraints=tuple(_constraints(model, connection)),
        foreign_keys=tuple(_foreign_keys(model)),
        many_to_many=tuple(
            _many_to_many(field) for field in meta.local_many_to_many if _is_resolved(field)
        ),
        generic_keys=tuple(_generic_keys(model)),
    )


# Indexes


def _indexes(model: AnyModel, connection: BaseDatabaseWrapper) -> Iterator[Index]:
    """Yield the indexes of single fields, in the fields' order, then those of ``Meta``."""
    meta = options(model)
    for field in meta.local_concrete_fields:
        if field.db_index and not field.unique:
            yield Index(columns=(field.column,))
    for index in sorted(meta.indexes, key=lambda index: index.name):
        yield Index(
            name=index.name,
            columns=tuple(_index_columns(index, model, connection)),
            method="" if index.suffix == DjangoIndex.suffix else index.suffix,
            condition=_condition(index.condition, model, connection),
            include=_columns(model, index.include),
        )


def _index_columns(
    index: DjangoIndex, model: AnyModel, connection: BaseDatabaseWrapper
) -> Iterator[str]:
    for expression in index.expressions:
        yield expression_sql(expression, model, connection)
    operator_classes = iter(index.opclasses)
    for name, order in index.fields_orders:
        (column,) = _columns(model, [name])
        yield " ".join(filter(None, (column, next(operator_classes, ""), order)))


# Constraints


def _constraints(model: AnyModel, connection: BaseDatabaseWrapper) -> Iterator[Constraint]:
    """Yield the primary key, then what single fields imply, then what ``Meta`` says."""
    meta = options(model)
    primary_key = tuple(field.column for field in meta.pk_fields)
    yield Constraint(kind="primary key", columns=primary_key)
    for field in meta.local_concrete_fields:
        if field.unique and (field.column,) != primary_key:
            yield Constraint(kind="unique", columns=(field.column,))
        if check := column_parameters(field, connection).get("check"):
            yield Constraint(kind="check", expression=check.replace('"', ""))
    for names in meta.unique_together:
        yield Constraint(kind="unique", columns=_columns(model, names))
    for constraint in sorted(meta.constraints, key=lambda constraint: constraint.name):
        yield _constraint(constraint, model, connection)


def _constraint(
    constraint: BaseConstraint, model: AnyModel, connection: BaseDatabaseWrapper
) -> Constraint:
    if isinstance(constraint, CheckConstraint):
        return Constraint(
            kind="check",
            name=constraint.name,
            expression=condition_sql(constraint.condition, model, connection),
        )
    if isinstance(constraint, UniqueConstraint):
        return Constraint(
            kind="unique",
            name=constraint.name,
            columns=(
                *_columns(model, constraint.fields),
                *(expression_sql(item, model, connection) for item in constraint.expressions),
            ),
            condition=_condition(constraint.condition, model, connection),
            include=_columns(model, constraint.include),  # type: ignore[attr-defined]
            deferrable=_deferrable(constraint.deferrable),
            nulls_distinct=constraint.nulls_distinct is not False,
        )
    if hasattr(constraint, "index_type"):  # not imported: its module needs psycopg
        return _exclusion(constraint, model, connection)
    return Constraint(
        kind="other", name=constraint.name, expression=stable_text(type(constraint).__name__)
    )


def _exclusion(constraint: Any, model: AnyModel, connection: BaseDatabaseWrapper) -> Constraint:
    elements = ", ".join(
        f"{_element(expression, model, connection)} WITH {operator}"
        for expression, operator in constraint.expressions
    )
    return Constraint(
        kind="exclusion",
        name=constraint.name,
        expression=f"{constraint.index_type} ({elements})",
        condition=_condition(constraint.condition, model, connection),
        include=_columns(model, constraint.include),
        deferrable=_deferrable(constraint.deferrable),
    )


def _element(expression: Any, model: AnyModel, connection: BaseDatabaseWrapper) -> str:
    if isinstance(expression, str):
        expression = F(expression)
    return expression_sql(expression, model, connection)


def _condition(condition: Any, model: AnyModel, connection: BaseDatabaseWrapper) -> str:
    return condition_sql(condition, model, connection) if condition else ""


def _deferrable(deferrable: Deferrable | None) -> str:
    return f"initially {deferrable.value}" if deferrable else ""


def _columns(model: AnyModel, names: Iterable[str]) -> tuple[str, ...]:
    fields = (options(model).get_field(name) for name in names)
    return tuple(
        column
        for field in fields
        for column in (
            [part.column for part in options(model).pk_fields]
            if field.column is None
            else [field.column]
        )
    )


# Relations


def _foreign_keys(model: AnyModel) -> Iterator[ForeignKey]:
    for field in options(model).local_fields:
        if isinstance(field, ForeignObject) and _is_resolved(field):
            yield _foreign_key(field, model)


def _foreign_key(field: AnyField, model: AnyModel) -> ForeignKey:
    columns = tuple(local.column for local, _ in field.related_fields)
    return ForeignKey(
        name=field.name,
        columns=columns,
        target=options(field.related_model).db_table,
        target_columns=tuple(remote.column for _, remote in field.related_fields),
        on_delete=_on_delete(field.remote_field.on_delete),
        null=any(local.null for local, _ in field.related_fields),
        unique=_is_unique(columns, model),
        enforced=getattr(field, "db_constraint", False) and options(model).managed,
        reverse=_reverse(field),
    )


def _is_unique(columns: tuple[str, ...], model: AnyModel) -> bool:
    """Tell whether no two rows can hold the same values in these columns."""
    meta = options(model)
    keys = [tuple(field.column for field in meta.pk_fields)]
    keys += [(field.column,) for field in meta.local_concrete_fields if field.unique]
    keys += [_columns(model, names) for names in meta.unique_together]
    keys += [_columns(model, constraint.fields) for constraint in meta.total_unique_constraints]
    return any(set(key) <= set(columns) for key in keys)


def _on_delete(function: Any) -> str:
    """Return the name of an ``on_delete``, with the value that ``SET(…)`` was given."""
    if not hasattr(function, "deconstruct"):
        return str(getattr(function, "__name__", type(function).__name__))
    _, (value,), _ = function.deconstruct()
    return f"SET({value.__qualname__ + '()' if callable(value) else literal(value)})"


def _many_to_many(field: AnyField) -> ManyToMany:
    return ManyToMany(
        name=field.name,
        target=options(field.related_model).db_table,
        through=options(_through(field)).db_table,
        reverse=_reverse(field),
    )


def _reverse(field: AnyField) -> str:
    """Return the accessor on the other model, or nothing when it is hidden."""
    return "" if field.remote_field.hidden else field.remote_field.get_accessor_name() or ""


def _through(field: AnyField) -> AnyModel:
    through: AnyModel = field.remote_field.through
    return through


def _is_resolved(field: AnyField) -> bool:
    """Tell whether the other model exists; a name stays where its app is not installed."""
    return not isinstance(field.related_model, str)


def _generic_keys(model: AnyModel) -> Iterator[GenericKey]:
    meta = options(model)
    for field in meta.private_fields:
        if hasattr(field, "ct_field") and hasattr(field, "fk_field"):
            (type_column,) = _columns(model, [field.ct_field])
            (id_column,) = _columns(model, [field.fk_field])
            yield GenericKey(name=field.name, type_column=type_column, id_column=id_column)
