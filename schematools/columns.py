"""Reads one model field into a ``Column``."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import NOT_PROVIDED, AutoField, Model
from django.utils.choices import CallableChoiceIterator

from schematools.expressions import UNSUPPORTED, expression_sql, literal
from schematools.model import Column

# Defaults that no value expresses.
ON_SAVE = "now, at every save"
ON_ADD = "now, when added"
COMPUTED = "computed"

AnyField = Any  # a Field, of which django-stubs lacks half of what is read here
Parameters = Mapping[str, Any]


def read_column(
    field: AnyField,
    model: type[Model],
    connection: BaseDatabaseWrapper,
    *,
    parameters: Parameters,
    others: Sequence[BaseDatabaseWrapper] = (),
) -> Column:
    """Return the field's column, given what ``column_parameters`` returned for the connection."""
    return Column(
        name=field.column,
        type=parameters["type"],
        field=field.name,
        null=field.null or field.generated,  # Django never writes NOT NULL for these
        default=_default(field),
        db_default=_db_default(field, model, connection),
        generated=_generated(field, model, connection),
        collation=parameters.get("collation") or "",
        description=" ".join(str(field.help_text or field.db_comment or "").split()),
        choices=tuple(_choices(field)) if field.choices else (),
        types_elsewhere=tuple(_types_elsewhere(field, parameters["type"], others)),
    )


def column_parameters(field: AnyField, connection: BaseDatabaseWrapper) -> Parameters | None:
    """Return the column's type, check and collation on an engine; nothing without a column.

    A field written for one engine alone (a geometry, say) cannot answer for another; its kind
    then stands in for its type.
    """
    try:
        parameters = field.db_parameters(connection)
    except UNSUPPORTED:
        parameters = {"type": field.get_internal_type()}
    return parameters if parameters.get("type") and field.column else None


def _types_elsewhere(
    field: AnyField, column_type: str, others: Sequence[BaseDatabaseWrapper]
) -> Iterator[tuple[str, str]]:
    for other in others:
        parameters = column_parameters(field, other)
        found = parameters["type"] if parameters else ""
        if found != column_type:
            yield other.vendor, found


def _default(field: AnyField) -> str:
    if getattr(field, "auto_now", False):
        return ON_SAVE
    if getattr(field, "auto_now_add", False):
        return ON_ADD
    value = field.default
    if value is NOT_PROVIDED:
        return ""
    if callable(value):
        function = getattr(value, "func", value)  # a functools.partial holds another function
        name = getattr(function, "__qualname__", type(function).__qualname__)
        return COMPUTED if "<lambda>" in name else f"{name}()"
    return literal(value)


def _db_default(field: AnyField, model: type[Model], connection: BaseDatabaseWrapper) -> str:
    if isinstance(field, AutoField):
        return "identity"
    value = field.db_default
    if value is NOT_PROVIDED:
        return ""
    if hasattr(value, "resolve_expression"):
        return expression_sql(value, model, connection)
    return literal(value)


def _generated(field: AnyField, model: type[Model], connection: BaseDatabaseWrapper) -> str:
    if not field.generated:
        return ""
    return expression_sql(field.expression, model, connection)


def _choices(field: AnyField) -> Iterator[tuple[str, str]]:
    """Yield the values a field offers, unless a function computes them, which may ask anything."""
    if isinstance(field.choices, CallableChoiceIterator):
        return
    for value, label in field.flatchoices:
        if value not in ("", None):
            yield str(value), str(label)
