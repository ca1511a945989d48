"""Reads a model's relations: foreign keys, many-to-many fields and generic foreign keys."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import ForeignObject, Model

from schematools.columns import AnyField
from schematools.expressions import literal
from schematools.model import ForeignKey, GenericKey, ManyToMany
from schematools.registry import columns_of, options

AnyModel = type[Model]
# By the model of a generic foreign key and the names of its two fields: the tables it leads to.
GenericTargets = Mapping[tuple[AnyModel, str, str], Collection[str]]


def read_foreign_keys(model: AnyModel, connection: BaseDatabaseWrapper) -> Iterator[ForeignKey]:
    for field in options(model).local_fields:
        if isinstance(field, ForeignObject) and _is_resolved(field):
            yield _foreign_key(field, model, connection)


def read_many_to_many(model: AnyModel) -> Iterator[ManyToMany]:
    for field in options(model).local_many_to_many:
        if _is_resolved(field) and not isinstance(through_model(field), str):
            yield ManyToMany(
                name=field.name,
                target=options(field.related_model).db_table,
                through=options(through_model(field)).db_table,
                reverse=_reverse(field),
            )


def read_generic_keys(model: AnyModel, targets: GenericTargets) -> Iterator[GenericKey]:
    meta = options(model)
    for field in meta.private_fields:
        if field.model is model and hasattr(field, "ct_field") and hasattr(field, "fk_field"):
            (type_column,) = columns_of(model, [field.ct_field])
            (id_column,) = columns_of(model, [field.fk_field])
            yield GenericKey(
                name=field.name,
                type_column=type_column,
                id_column=id_column,
                targets=tuple(sorted(targets.get((model, field.ct_field, field.fk_field), ()))),
            )


def generic_targets(models: Iterable[AnyModel]) -> GenericTargets:
    """Return the tables of models that say, by a ``GenericRelation``, what points to them."""
    found: dict[tuple[AnyModel, str, str], set[str]] = {}
    for model in models:
        for field in options(model).private_fields:
            if hasattr(field, "object_id_field_name") and _is_resolved(field):
                key = (
                    options(field.related_model).concrete_model,
                    field.content_type_field_name,
                    field.object_id_field_name,
                )
                found.setdefault(key, set()).add(options(model).db_table)
    return found


def through_model(field: AnyField) -> AnyModel:
    """Return the model whose rows a many-to-many field is made of."""
    through: AnyModel = field.remote_field.through
    return through


def _foreign_key(field: AnyField, model: AnyModel, connection: BaseDatabaseWrapper) -> ForeignKey:
    pairs = field.related_fields
    columns = tuple(local.column for local, _ in pairs)
    enforced = getattr(field, "db_constraint", False) and options(model).managed
    deferrable = enforced and connection.features.can_defer_constraint_checks
    return ForeignKey(
        name=field.name,
        columns=columns,
        target=options(field.related_model).db_table,
        target_columns=tuple(remote.column for _, remote in pairs),
        on_delete=_on_delete(field.remote_field.on_delete),
        null=any(local.null for local, _ in pairs),
        unique=_is_unique(columns, model),
        enforced=enforced,
        deferrable="initially deferred" if deferrable else "",
        parent_link=bool(field.remote_field.parent_link),
        reverse=_reverse(field),
    )


def _is_unique(columns: tuple[str, ...], model: AnyModel) -> bool:
    """Tell whether no two rows can hold the same values in these columns."""
    meta = options(model)
    keys = [tuple(field.column for field in meta.pk_fields)]
    keys += [(field.column,) for field in meta.local_concrete_fields if field.unique]
    keys += [columns_of(model, names) for names in meta.unique_together]
    keys += [columns_of(model, constraint.fields) for constraint in meta.total_unique_constraints]
    return any(set(key) <= set(columns) for key in keys)


def _on_delete(function: Any) -> str:
    """Return the name of an ``on_delete``, with the value that ``SET(…)`` was given."""
    while callable(wrapped := getattr(function, "action", None)):  # as django-polymorphic has it
        function = wrapped
    if not hasattr(function, "deconstruct"):
        return str(getattr(function, "__name__", type(function).__name__))
    _, (value,), _ = function.deconstruct()
    return f"SET({value.__qualname__ + '()' if callable(value) else literal(value)})"


def _reverse(field: AnyField) -> str:
    """Return the accessor on the other model, or nothing when it is hidden."""
    return "" if field.remote_field.hidden else field.remote_field.get_accessor_name() or ""


def _is_resolved(field: AnyField) -> bool:
    """Tell whether the other model exists; a name stays where its app is not installed."""
    return not isinstance(field.related_model, str)
