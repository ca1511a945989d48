"""Reads Django's model registry into a ``Schema``, without touching any database."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.apps import apps
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model
from django.utils import translation

from schematools.columns import column_parameters, read_column
from schematools.constraints import read_constraints, read_indexes
from schematools.model import Module, OtherModel, OtherModelKind, Schema, Table
from schematools.registry import model_description, options
from schematools.relations import (
    GenericTargets,
    generic_targets,
    read_foreign_keys,
    read_generic_keys,
    read_many_to_many,
    through_model,
)

AnyModel = type[Model]


def read_schema(
    models: Iterable[AnyModel],
    *,
    connection: BaseDatabaseWrapper,
    modules: Sequence[Module],
    others: Sequence[BaseDatabaseWrapper] = (),
) -> Schema:
    """Return the tables of these models as ``connection``'s kind of database has them.

    Types that differ on the kinds of database of ``others`` come along, as do automatic
    many-to-many tables. An app without a module gets one that is not documented. No connection is
    opened. Texts are in the language they were written in.
    """
    module_of_app = {label: module.name for module in modules for label in module.apps}
    models = sorted(set(_with_automatic(models)), key=_precedence)
    by_name: dict[str, list[AnyModel]] = {}
    for model in models:
        if table_name := _table_name(model):
            by_name.setdefault(table_name, []).append(model)
    read = _Reader(connection, others, module_of_app, generic_targets(models))
    with translation.override(None):
        tables = tuple(
            read.table(sharing)
            for _, sharing in sorted(by_name.items())
            if not options(sharing[0]).swapped
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
        other_vendors=tuple(other.vendor for other in others),
    )


def _with_automatic(models: Iterable[AnyModel]) -> Iterator[AnyModel]:
    """Yield the models, and those of the join tables that Django adds."""
    for model in models:
        meta = options(model)
        if meta.abstract:
            continue
        yield model
        for field in meta.local_many_to_many if not meta.swapped else ():
            through = through_model(field)
            if not isinstance(through, str) and options(through).auto_created:
                yield through


def _precedence(model: AnyModel) -> tuple[bool, bool, bool, bool, str]:
    """Sort the model that a shared table is best described by first."""
    meta = options(model)
    return (bool(meta.swapped), meta.proxy, not meta.managed, bool(meta.auto_created), meta.label)


def _table_name(model: AnyModel) -> str:
    """Return the model's table, or that of the model it is swapped for, if that is installed."""
    meta = options(model)
    if not meta.swapped:
        return str(meta.db_table)
    try:
        return str(options(apps.get_model(meta.swapped)).db_table)
    except LookupError:
        return ""


@dataclass(frozen=True, slots=True)
class _Reader:
    """What reading a table takes besides its models."""

    connection: BaseDatabaseWrapper
    others: Sequence[BaseDatabaseWrapper]
    module_of_app: Mapping[str, str]
    generic_targets: GenericTargets

    def table(self, sharing: Sequence[AnyModel]) -> Table:
        model, *other_models = sharing
        meta = options(model)
        fields = {
            field: parameters
            for field in meta.local_concrete_fields
            if (parameters := column_parameters(field, self.connection))
        }
        return Table(
            name=meta.db_table,
            module=self.module_of_app.get(meta.app_label, meta.app_label),
            model=meta.label,
            other_models=tuple(map(_other_model, other_models)),
            managed=meta.managed,
            automatic=bool(meta.auto_created),
            description=model_description(model),
            columns=tuple(
                read_column(
                    field, model, self.connection, parameters=parameters, others=self.others
                )
                for field, parameters in fields.items()
            ),
            indexes=tuple(read_indexes(model, self.connection, fields)),
            constraints=tuple(read_constraints(model, self.connection, fields)),
            foreign_keys=tuple(read_foreign_keys(model, self.connection)),
            many_to_many=tuple(read_many_to_many(model)),
            generic_keys=tuple(read_generic_keys(model, self.generic_targets)),
        )


def _other_model(model: AnyModel) -> OtherModel:
    meta = options(model)
    kind: OtherModelKind = (
        "swapped out" if meta.swapped else "proxy" if meta.proxy else "same table"
    )
    return OtherModel(name=meta.label, kind=kind, description=model_description(model))
