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

from core.models import AuditEvent

NOTHING = "—"


@dataclass(frozen=True, slots=True)
class Value:
    """A value as text; ``url`` where it names a row, ``is_block`` when it takes several lines."""

    text: str
    url: str = ""
    is_block: bool = False
    is_empty: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    label: str
    before: Value
    after: Value


def changes_of(event: AuditEvent) -> list[Change]:
    """What the event says about each field, in the order of the model's own fields."""
    try:
        model = apps.get_model(event.app, event.model)
    except LookupError:
        model = None
    order = [field.name for field in model._meta.fields] if model else []
    names = sorted(
        event.changes, key=lambda name: (order.index(name) if name in order else len(order), name)
    )
    changes = [_change(name, event.changes[name], _field(model, name)) for name in names]
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
    if isinstance(field, models.JSONField) and isinstance(value, str):
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
            return Change(label, value_of(before, field), value_of(after, field))
        case _:
            return Change(label, value_of(None), value_of(pair, field))


def _field(model: type[models.Model] | None, name: str) -> models.Field[Any, Any] | None:
    if model is None:
        return None
    try:
        field = model._meta.get_field(name)
    except FieldDoesNotExist:
        return None
    return field if isinstance(field, models.Field) else None


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _moment(text: str) -> str:
    try:
        return moment(datetime.fromisoformat(text))
    except ValueError:
        return text
