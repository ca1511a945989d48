"""Knows fields' column types on PostgreSQL, and which changes of type leave rows as they are."""

import re
from copy import copy
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.state import ModelState, ProjectState
from django.db.migrations.utils import resolve_relation

from schematools.engines import documented_connections
from schematools.expressions import UNSUPPORTED

AnyField = Any  # a Field, of which django-stubs lacks half of what is read here

# Types that differ in name alone: a value of one is a value of the other, byte for byte.
TEXTS = frozenset({"citext", "text", "varchar"})
SAME_BYTES = frozenset({("cidr", "inet")})

_TYPE = re.compile(r"(?P<name>[^(\[]+)(?:\((?P<sizes>[\d,\s]+)\))?(?P<rest>.*)")


def postgresql() -> BaseDatabaseWrapper:
    """Return an unopened connection that knows PostgreSQL's types, or the nearest there is."""
    connections = documented_connections()
    return next((each for each in connections if each.vendor == "postgresql"), connections[0])


def bound(field: AnyField, name: str) -> AnyField:
    """Return the field of a model's state with the column it would have."""
    field = copy(field)
    field.set_attributes_from_name(name)
    return field


def find_field(model: ModelState | None, name: str) -> AnyField | None:
    """Return a field of a model's state by its name, in any case."""
    if model is None:
        return None
    for known, field in model.fields.items():
        if known.lower() == name.lower():
            return bound(field, known)
    return None


def column_type(
    field: AnyField, model: ModelState, state: ProjectState, connection: BaseDatabaseWrapper
) -> str:
    """Return the type of a field's column, empty for fields without; keys have their target's."""
    if field.many_to_many:
        return ""
    if field.remote_field:
        target = _target(field, model, state)
        if target is None:
            return f"the type of {field.remote_field.model}"
        field, other = target
        if not field.remote_field:
            return str(field.rel_db_type(connection))
        return column_type(field, other, state, connection)
    try:
        return str(field.db_parameters(connection)["type"] or "")
    except UNSUPPORTED:
        return str(field.get_internal_type())


def rewrites_table(old: str, new: str) -> bool:
    """Tell whether PostgreSQL writes every row anew when a column's type becomes ``new``."""
    if old == new:
        return False
    old_name, old_sizes, old_rest = _parse(old)
    new_name, new_sizes, new_rest = _parse(new)
    if old_rest or new_rest:  # arrays above all, of which PostgreSQL converts each element
        return True
    if {old_name, new_name} <= TEXTS:
        return bool(new_sizes) and not (old_sizes and old_sizes <= new_sizes)
    if old_name == new_name == "numeric":
        return bool(new_sizes) and not _is_wider(old_sizes, new_sizes)
    return (old_name, new_name) not in SAME_BYTES


def _is_wider(old: list[int], new: list[int]) -> bool:
    """Tell whether more digits fit, with as many of them after the point."""
    return bool(old) and old[0] <= new[0] and old[1:] == new[1:]


def _parse(text: str) -> tuple[str, list[int], str]:
    match = _TYPE.fullmatch(text.lower())
    if match is None:
        return text.lower(), [], ""
    sizes = [int(size) for size in (match["sizes"] or "").split(",") if size.strip()]
    return match["name"].strip(), sizes, match["rest"].strip()


def _target(
    field: AnyField, model: ModelState, state: ProjectState
) -> tuple[AnyField, ModelState] | None:
    key = resolve_relation(field.remote_field.model, model.app_label, model.name_lower)
    target = state.models.get(key)
    if target is None:
        return None
    name = next(iter(getattr(field, "to_fields", ())), None)
    if not name or name == "self":
        name = next((each for each, f in target.fields.items() if f.primary_key), "")
    found = find_field(target, name)
    return (found, target) if found else None
