"""Reads one model field into a ``Column``."""

from collections.abc import Iterator
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


def read_column(
    field: AnyField, model: type[Model], connection: BaseDatabaseWrapper
) -> Column | None:
    """Return the field's column, or nothing when the engine has no column for it."""
    parameters = column_parameters(field, connection)
    column_type = parameters.get("type")
    if not column_type or not field.column:
        return None
    return Column(
        name=field.column,
        type=column_type,
        field=field.name,
        null=field.null,
        default=_default(field),
        db_default=_db_default(field, model, connection),
        generated=_generated(field, model, connection),
        collation=parameters.get("collation") or "",
        description=" ".join(str(field.help_text or field.db_comment or "").split()),
        choices=tuple(_choices(field)),
    )


def column_parameters(field: AnyField, connection: BaseDatabaseWrapper) -> dict[str, Any]:
    """Return the column's type, check and collation on an engine.

    A field written for one engine alone (a geometry, say) cannot answer for another; its kind
    then stands in for its type.
    """
    try:
        return dict(field.db_parameters(connection))
    except UNSUPPORTED:
        return {"type": field.get_internal_type()}


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
    for value, label in field.flatchoices or ():
        if value not in ("", None):
            yield str(value), str(label)
