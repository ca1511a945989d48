"""Writes a schema as JSON and reads it back: the same names as in ``model.py``.

A key that is absent has the value that ``model.py`` gives it by default. ``schema-v1.json`` beside
this file describes the format in JSON Schema. A change of the format, however small, is a new
version: a reader that does not know a key cannot tell what it would lose by ignoring it.
"""

import json
from collections.abc import Sequence
from dataclasses import MISSING, fields, is_dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from schematools.errors import CannotRunError
from schematools.model import Module, Schema
from schematools.suggestions import did_you_mean

FORMAT = "schematools"
VERSION = 1

_HEAD = ("format", "version", "title")


def document(
    schema: Schema, *, title: str, modules: Sequence[Module] | None = None
) -> dict[str, Any]:
    """Return the schema, or these modules of it alone, as values that ``json`` writes.

    Tables of other modules are then not there, although references may name them.
    """
    if modules is not None:
        schema = only(schema, modules)
    return {"format": FORMAT, "version": VERSION, "title": title, **_shortened(schema)}


def dumps(found: dict[str, Any]) -> str:
    """Return the document as JSON for files: readable, and the same to the byte every time."""
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def from_document(found: Any) -> Schema:
    """Return the schema that ``document`` made this of.

    Raise ``CannotRunError`` for what is of another version, or not such a document at all.
    """
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise CannotRunError(f'This is not a schema: "format" is not "{FORMAT}".')
    version = found.get("version")
    if version != VERSION or isinstance(version, bool):
        raise CannotRunError(
            f"This schema is of version {version!r} of the format, and only version {VERSION} can "
            "be read here. Write it anew with generate_erd --format json."
        )
    _expect("title" in found and isinstance(found["title"], str), "title", "must be a text")
    body = {key: value for key, value in found.items() if key not in _HEAD}
    schema: Schema = _read(Schema, body, where="")
    _refuse_contradictions(schema)
    return schema


def only(schema: Schema, modules: Sequence[Module]) -> Schema:
    """Return the schema with these modules and their tables alone."""
    names = {module.name for module in modules}
    return replace(
        schema,
        modules=tuple(module for module in schema.modules if module.name in names),
        tables=tuple(table for table in schema.tables if table.module in names),
    )


def _shortened(value: Any) -> Any:
    if is_dataclass(value):
        return {
            field.name: _shortened(found)
            for field in fields(value)
            if (found := getattr(value, field.name)) != field.default or field.default is MISSING
        }
    if isinstance(value, tuple):
        return [_shortened(item) for item in value]
    return value


# Reading


def _read(kind: Any, value: Any, *, where: str) -> Any:
    """Return the value as this kind, which is one of those that ``model.py`` is made of."""
    if is_dataclass(kind):
        return _read_object(kind, value, where=where)
    if get_origin(kind) is tuple:
        return _read_list(get_args(kind), value, where=where)
    if get_origin(kind) is Literal:
        known = ", ".join(map(repr, get_args(kind)))
        _expect(value in get_args(kind), where, f"must be one of {known}")
    else:
        names = {str: "a text", bool: "true or false"}
        _expect(type(value) is kind, where, f"must be {names[kind]}")
    return value


def _read_object(kind: Any, value: Any, *, where: str) -> Any:
    _expect(isinstance(value, dict), where, "must be an object")
    kinds = _kinds(kind)
    for key in sorted(value.keys() - kinds.keys()):
        raise _problem(where, f"has an unknown key {key!r}. {did_you_mean(str(key), kinds)}")
    for field in fields(kind):
        required = field.default is MISSING
        _expect(field.name in value or not required, where, f"lacks the key {field.name!r}")
    start = f"{where}." if where else ""
    return kind(
        **{key: _read(kinds[key], item, where=f"{start}{key}") for key, item in value.items()}
    )


def _read_list(kinds: tuple[Any, ...], value: Any, *, where: str) -> tuple[Any, ...]:
    _expect(isinstance(value, list), where, "must be a list")
    if kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * len(value)
    _expect(len(value) == len(kinds), where, f"must have {len(kinds)} items")
    return tuple(
        _read(kind, item, where=f"{where}[{position}]")
        for position, (kind, item) in enumerate(zip(kinds, value, strict=True))
    )


@cache
def _kinds(kind: type) -> MappingProxyType[str, Any]:
    hints = get_type_hints(kind)
    return MappingProxyType({field.name: hints[field.name] for field in fields(kind)})


def _refuse_contradictions(schema: Schema) -> None:
    for position, table in enumerate(schema.tables):
        where = f"tables[{position}]"
        module = table.module
        _expect(module in schema.module_by_name, where, f"is of a module {module!r} not listed")
        is_last = schema.table_by_name[table.name] is table
        _expect(is_last, where, f"is one of several tables named {table.name!r}")


def _expect(holds: bool, where: str, problem: str) -> None:  # noqa: FBT001
    if not holds:
        raise _problem(where, f"{problem}.")


def _problem(where: str, problem: str) -> CannotRunError:
    return CannotRunError(f"This schema cannot be read: {where or 'it'} {problem}")
