"""What the audit trail tells people about themselves, and not about anybody else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import Q, QuerySet

from core import audit
from core.models import AuditEvent
from core.personal_data import PersonalRows, Row, declarations

Objects = dict[tuple[str, str], set[str]]

FIELDS = (
    "id", "occurred_at", "action", "actor", "via", "session_id", "request_id", "client_ip", "app",
    "model", "object_id", "object_label", "changes",
)  # fmt: skip
# Of what they did to what is not their account.
SHOWN_OF_OTHERS = frozenset(
    {"id", "occurred_at", "action", "actor", "via", "client_ip", "app", "model"}
)
# Of what others did to their account.
HIDDEN_OF_OTHERS = frozenset({"client_ip", "session_id", "request_id"})


def events_of(user: Any) -> QuerySet[AuditEvent]:
    """What ``user`` did, what was done as them, and what was done to the account."""
    wanted = Q(actor=user.pk) | Q(on_behalf_of=user.pk)
    for (app, model), keys in account_objects(user).items():
        wanted |= Q(app=app, model=model, object_id__in=sorted(keys))
    return AuditEvent.objects.filter(wanted)


def account_objects(user: Any) -> Objects:
    """The keys of the rows that make up the account, by app and model, as the trail writes them."""
    found: Objects = {}
    for declared in declarations():
        if declared.is_account:
            options = declared.model._meta
            keys = {str(pk) for pk in declared.of(user).values_list("pk", flat=True)}
            if keys:
                name = (options.app_label, options.model_name or "")
                found.setdefault(name, set()).update(keys)
    return found


def reader(user: Any) -> Callable[[Row], Row]:
    """Make the function that takes from an event what is somebody else's to know."""
    objects = account_objects(user)
    people = _keys_to_people(declarations())

    def read(row: Row) -> Row:
        about = (row["app"], row["model"])
        by_them = row["actor"] == user.pk
        is_theirs = row["object_id"] in objects.get(about, ())
        actor = "you" if by_them else ("staff" if row["actor"] else "nobody signed in")
        shown = {**row, "actor": actor}
        if not is_theirs:
            shown = {name: shown[name] for name in row if name in SHOWN_OF_OTHERS}
        if actor == "staff":
            shown = {name: value for name, value in shown.items() if name not in HIDDEN_OF_OTHERS}
        if "changes" in shown:
            shown["changes"] = _own(row["changes"], people.get(about, set()), user.pk)
        return shown

    return read


def _keys_to_people(declared: list[PersonalRows]) -> dict[tuple[str, str], set[str]]:
    """Which audited fields of the account's tables name a person by key."""
    found: dict[tuple[str, str], set[str]] = {}
    for one in declared:
        spec = audit.spec_of(one.model)
        if spec is not None:
            names = {name for name in spec.fields if _names_somebody(one.model, name)}
            found[(one.model._meta.app_label, one.model._meta.model_name or "")] = names
    return found


def _names_somebody(model: type[models.Model], name: str) -> bool:
    column: Any = model._meta.get_field(name)
    person = AuditEvent._meta.get_field("actor").related_model
    return column.related_model is person


def _own(changes: Row, people: set[str], own: UUID) -> Row:
    """``changes`` with everybody else's key as "somebody else"."""
    return {
        name: [_unless_other(value, own) for value in pair] if name in people else pair
        for name, pair in changes.items()
    }


def _unless_other(value: Any, own: UUID) -> Any:
    return value if value in (None, str(own)) else "somebody else"
