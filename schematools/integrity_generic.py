"""Generic foreign keys as rules: the model is known and the row is there."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.apps import apps

from schematools.integrity_models import Step, Subject, Unchecked
from schematools.integrity_rules import OTHER, RowRule, Sql, plain_name, quoted
from schematools.model import GenericKey, Table
from schematools.registry import options
from schematools.relations import read_generic_keys

Fetch = Callable[[Sql], Sequence[Sequence[Any]]]


def generic_keys(subject: Subject) -> list[GenericKey]:
    return list(read_generic_keys(subject.model, {}))


def generic_rules(subject: Subject, key: GenericKey, fetch: Fetch) -> Iterator[Step]:
    """Yield a rule for each model that the key's rows name; ``fetch`` asks which these are.

    A content type that is not there is the matter of the foreign key that leads to it.
    """
    types = _content_types(subject, key)
    if types is None:
        yield Unchecked(subject.named(key.id_column), "its content types are not in this database")
        return
    for type_id, app, name in fetch(_named_types(subject, key, types)):
        try:
            model = apps.get_model(app, name)
        except LookupError:
            yield _unknown(subject, key, type_id, f"{app}.{name}")
            continue
        yield _leads_somewhere(subject, key, type_id, model)


def _content_types(subject: Subject, key: GenericKey) -> str | None:
    """Return the table of content types, if the database has it."""
    for field in options(subject.model).local_concrete_fields:
        if field.column == key.type_column and field.is_relation:
            name: str = options(field.related_model).db_table
            return name if plain_name(name) in subject.tables else None
    return None


def _named_types(subject: Subject, key: GenericKey, types: str) -> Sql:
    return Sql(
        f"SELECT {OTHER}.id, {OTHER}.app_label, {OTHER}.model "  # noqa: S608
        f"FROM {quoted(types, subject.connection)} AS {OTHER} WHERE {OTHER}.id IN "
        f"(SELECT {subject.column(key.type_column)} FROM {subject.place.rows().text}) "
        f"ORDER BY {OTHER}.id"
    )


def _unknown(subject: Subject, key: GenericKey, type_id: Any, name: str) -> RowRule:
    return RowRule(
        id="generic-model-unknown",
        object=subject.named(key.name),
        place=subject.place,
        broken=Sql(f"{subject.column(key.type_column)} = %s", (type_id,)),
        expected=f"every {key.name} to be of an installed model",
        found=f"of {name}, which is none",
        hint="delete these rows, or install the app; 'remove_stale_contenttypes' deletes them "
        "with the content type",
        severity="warning",
    )


def _leads_somewhere(subject: Subject, key: GenericKey, type_id: Any, model: Any) -> Step:
    meta = options(model)
    name = subject.named(key.name)
    target = subject.tables.get(plain_name(meta.db_table))
    if target is None or len(meta.pk_fields) != 1:
        reason = "is not in this database" if target is None else "has a key of several columns"
        return Unchecked(name, f"what {meta.label} is kept in {reason}")
    missing = _missing(subject, key, target, meta)
    return RowRule(
        id="generic-orphan",
        object=name,
        place=subject.place,
        broken=Sql(
            f"{subject.column(key.type_column)} = %s AND "
            f"{subject.column(key.id_column)} IS NOT NULL AND {missing}",
            (type_id,),
        ),
        expected=f"every {key.name} that is a {meta.label} to be there",
        found="where it is not",
        hint=f"delete these rows; a GenericRelation on {meta.label} would have",
        severity="warning",
        alone=True,
    )


def _missing(subject: Subject, key: GenericKey, target: Table, meta: Any) -> str:
    """Return the condition that no row has the id, compared as text where types differ."""
    column = meta.pk_fields[0].column
    own, there = subject.column(key.id_column), f"{OTHER}.{quoted(column, subject.connection)}"
    kinds = [
        next(found.type for found in table.columns if found.name == name)
        for table, name in ((subject.table, key.id_column), (target, column))
    ]
    is_number = ["int" in kind for kind in kinds]
    if kinds[0] != kinds[1] and not all(is_number):
        own, there = f"CAST({own} AS text)", f"CAST({there} AS text)"
    if meta.pk_fields[0].get_internal_type() == "UUIDField" and kinds != ["uuid", "uuid"]:
        own, there = (f"lower(replace({side}, '-', ''))" for side in (own, there))
    source = f"{quoted(meta.db_table, subject.connection)} AS {OTHER}"
    if subject.connection.vendor == "sqlite":
        return f"{own} NOT IN (SELECT {there} FROM {source} WHERE {there} IS NOT NULL)"  # noqa: S608
    return f"NOT EXISTS (SELECT 1 FROM {source} WHERE {there} = {own})"  # noqa: S608
