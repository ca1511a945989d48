"""An audit event's changes, and other JSON, as rows that people can read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.urls import NoReverseMatch, reverse

from core.differences import Line, diff_of, is_long, lines_of, paths_between
from core.models import AuditEvent

NOTHING = "—"
SIGNS = {"add": "+", "remove": "-", "replace": "≠"}
MOST_PLACES = 100


@dataclass(frozen=True, slots=True)
class Value:
    """A value as text; ``url`` where it names a row, ``is_block`` when it takes several lines."""

    text: str
    url: str = ""
    is_block: bool = False
    is_empty: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """A place in JSON that differs: its sign and JSON Pointer (RFC 6901)."""

    sign: str
    path: str
    before: Value
    after: Value


@dataclass(frozen=True, slots=True)
class Change:
    """A field before and after; a long text as the ``lines`` of a diff, JSON by its ``places``."""

    label: str
    before: Value
    after: Value
    lines: tuple[Line, ...] = ()
    places: tuple[Place, ...] = ()
    more_places: int = 0


def changes_of(event: AuditEvent) -> list[Change]:
    """What the event says about each field, in the order of the model's own fields."""
    try:
        model = apps.get_model(event.app, event.model)
    except LookupError:
        model = None
    return changes_shown(model, event.changes)


def changes_shown(model: type[models.Model] | None, recorded: Mapping[str, Any]) -> list[Change]:
    """Changes as the trail records them; what was and stays empty is left out."""
    order = [field.name for field in model._meta.fields] if model else []
    names = sorted(
        recorded, key=lambda name: (order.index(name) if name in order else len(order), name)
    )
    changes = [_change(name, recorded[name], _field(model, name)) for name in names]
    return [change for change in changes if not (change.before.is_empty and change.after.is_empty)]


def json_rows(data: Mapping[str, Any]) -> Iterator[tuple[str, Value]]:
    """A JSON object as (name, value) pairs."""
    for name in sorted(data):
        yield name.replace("_", " "), value_of(data[name])


def change_url(app: str, model: str, key: str) -> str:
    """The admin page of a row, or nothing when its model has none."""
    try:
        return reverse(f"admin:{app}_{model}_change", args=[key])
    except NoReverseMatch:
        return ""


def moment(when: datetime) -> str:
    """To the second, in UTC, and as wide as any other."""
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def value_of(value: Any, field: models.Field[Any, Any] | None = None) -> Value:
    if isinstance(field, models.JSONField):
        value = _parsed(value)
    if value is None or value in ("", [], {}):
        return Value(NOTHING, is_empty=True)
    if isinstance(value, dict | list):
        return _json(value)
    if isinstance(field, models.ForeignKey):
        target = field.related_model._meta
        url = change_url(target.app_label, str(target.model_name), str(value))
        return Value(str(value), url=url)
    return Value(_text(value, field), is_block="\n" in str(value))


def _json(value: dict[str, Any] | list[Any]) -> Value:
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return Value(", ".join(value))
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return Value(text, is_block=True)


def _text(value: Any, field: models.Field[Any, Any] | None) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(field, models.DateTimeField):
        return _moment(str(value))
    if field is not None and field.choices:
        return str(dict(field.flatchoices).get(value, value))
    return str(value)


def _change(name: str, pair: Any, field: models.Field[Any, Any] | None) -> Change:
    label = str(field.verbose_name) if field else name.replace("_", " ")
    match pair:
        case [before, after]:
            return _compared(label, before, after, field)
        case _:
            return Change(label, value_of(None), value_of(pair, field))


def _compared(label: str, before: Any, after: Any, field: models.Field[Any, Any] | None) -> Change:
    values = value_of(before, field), value_of(after, field)
    if isinstance(field, models.JSONField):
        old, new = _parsed(before), _parsed(after)
        if isinstance(old, dict) and isinstance(new, dict):
            places = tuple(
                Place(SIGNS[one.op], one.path or "/", _place(one.before), _place(one.after))
                for one in paths_between(old, new)
            )
            more = max(0, len(places) - MOST_PLACES)
            return Change(label, *values, places=places[:MOST_PLACES], more_places=more)
    elif is_long(before) or is_long(after):
        lines = lines_of(diff_of(before or "", after or ""))
        return Change(label, *values, lines=tuple(lines))
    return Change(label, *values)


def _place(value: Any) -> Value:
    text = json.dumps(value, ensure_ascii=False) if value is not None else ""
    return Value(text, is_empty=value is None)


def _field(model: type[models.Model] | None, name: str) -> models.Field[Any, Any] | None:
    if model is None:
        return None
    try:
        field = model._meta.get_field(name)
    except FieldDoesNotExist:
        return None
    return field if isinstance(field, models.Field) else None


def _parsed(value: Any) -> Any:
    """The trail holds JSON columns as text, and nothing for an empty one."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _moment(text: str) -> str:
    try:
        return moment(datetime.fromisoformat(text))
    except ValueError:
        return text
