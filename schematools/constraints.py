"""Reads the constraints and indexes that a model's table has on one kind of database."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.features import BaseDatabaseFeatures
from django.db.models import (
    BaseConstraint,
    CheckConstraint,
    Deferrable,
    F,
    Model,
    UniqueConstraint,
)
from django.db.models import Index as DjangoIndex

from schematools.columns import AnyField, Parameters
from schematools.expressions import condition_sql, expression_sql, readable, stable_text
from schematools.model import Constraint, Index
from schematools.registry import columns_of, options

AnyModel = type[Model]

# Collations that PostgreSQL comes with, all of them deterministic; others a project makes.
_PREDEFINED_COLLATION = re.compile(
    r"C|POSIX|default|unicode|ucs_basic|pg_\w+|.*-x-icu|[a-z]{2,3}_[A-Z]{2}(\W\w+)*"
)
_PATTERN_CLASSES = {"varchar": "varchar_pattern_ops", "text": "text_pattern_ops"}


def read_indexes(
    model: AnyModel, connection: BaseDatabaseWrapper, columns: Mapping[AnyField, Parameters]
) -> Iterator[Index]:
    """Yield the indexes of single fields, in the fields' order, then those of ``Meta``.

    ``columns`` are the parameters of the model's columns.
    """
    meta = options(model)
    for field, parameters in columns.items():
        if field.db_index and not field.unique:
            yield Index(columns=(field.column,))
        if operator_class := _pattern_class(field, parameters, connection):
            yield Index(columns=(f"{field.column} {operator_class}",))
    for index in sorted(meta.indexes, key=lambda index: index.name):
        if index.contains_expressions and not connection.features.supports_expression_indexes:
            continue
        yield Index(
            name=index.name,
            columns=tuple(_index_columns(index, model, connection)),
            method="" if index.suffix == DjangoIndex.suffix else index.suffix,
            condition=_condition(_condition_of(index), model, connection),
            include=columns_of(model, index.include)
            if connection.features.supports_covering_indexes
            else (),
        )


def _pattern_class(field: AnyField, parameters: Parameters, connection: BaseDatabaseWrapper) -> str:
    """Return the operator class of the second index that Django gives to text on PostgreSQL.

    It serves LIKE; a non-deterministic collation cannot have it.
    """
    column_type = str(parameters["type"])
    if connection.vendor != "postgresql" or not (field.db_index or field.unique):
        return ""
    collation = parameters.get("collation") or ""
    if "[" in column_type or (collation and not _PREDEFINED_COLLATION.fullmatch(collation)):
        return ""
    return next((_PATTERN_CLASSES[t] for t in _PATTERN_CLASSES if column_type.startswith(t)), "")


def _index_columns(
    index: DjangoIndex, model: AnyModel, connection: BaseDatabaseWrapper
) -> Iterator[str]:
    for expression in index.expressions:
        # The order that an index has anyway; databases do not tell it either.
        yield expression_sql(expression, model, connection).removesuffix(" ASC")
    operator_classes = iter(index.opclasses)
    for name, order in index.fields_orders:
        (column,) = columns_of(model, [name])
        yield " ".join(filter(None, (column, next(operator_classes, ""), order)))


def _condition_of(index: DjangoIndex) -> Any:
    """Return the index's condition, which a class of its own may keep back until it is made."""
    return index.condition or index.deconstruct()[2].get("condition")


def read_constraints(
    model: AnyModel, connection: BaseDatabaseWrapper, columns: Mapping[AnyField, Parameters]
) -> Iterator[Constraint]:
    """Yield the primary key, then what single fields imply, then what ``Meta`` says.

    ``columns`` are the parameters of the model's columns.
    """
    meta = options(model)
    primary_key = tuple(field.column for field in meta.pk_fields)
    if primary_key:
        yield Constraint(kind="primary key", columns=primary_key)
    for field, parameters in columns.items():
        if field.unique and (field.column,) != primary_key:
            yield Constraint(kind="unique", columns=(field.column,))
        if check := parameters.get("check"):
            yield Constraint(kind="check", expression=readable(check))
    for names in meta.unique_together:
        yield Constraint(kind="unique", columns=columns_of(model, names))
    for constraint in sorted(meta.constraints, key=lambda constraint: constraint.name):
        if _is_supported(constraint, connection.features):
            yield _constraint(constraint, model, connection)


def _is_supported(constraint: BaseConstraint, features: BaseDatabaseFeatures) -> bool:
    """Tell whether Django makes the constraint; it leaves out what an engine does not have."""
    if isinstance(constraint, CheckConstraint):
        return bool(features.supports_table_check_constraints)
    if not isinstance(constraint, UniqueConstraint):
        return True
    wanted = {
        "supports_partial_indexes": constraint.condition,
        "supports_deferrable_unique_constraints": constraint.deferrable,
        "supports_covering_indexes": constraint.include,  # type: ignore[attr-defined]
        "supports_expression_indexes": constraint.expressions,
        "supports_nulls_distinct_unique_constraints": constraint.nulls_distinct is not None,
    }
    return all(getattr(features, feature) for feature, used in wanted.items() if used)


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
                *columns_of(model, constraint.fields),
                *(expression_sql(item, model, connection) for item in constraint.expressions),
            ),
            condition=_condition(constraint.condition, model, connection),
            include=columns_of(model, constraint.include),  # type: ignore[attr-defined]
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
        include=columns_of(model, constraint.include),
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
