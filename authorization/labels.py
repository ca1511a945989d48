"""What permissions are called: ``app.codename`` for programs, words by module for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby

from django.apps import apps
from django.contrib.auth.models import Permission
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

VERBS = {"view": _("View"), "add": _("Add"), "change": _("Change"), "delete": _("Delete")}
ORDER = tuple(VERBS)


@dataclass(frozen=True, slots=True)
class PermissionLabel:
    """``permission`` is ``app.codename``; ``name`` such as "View items", ``module`` "Items"."""

    pk: int
    permission: str
    name: str
    app: str
    module: str
    model: str


@dataclass(frozen=True, slots=True)
class Module:
    """One app's permissions, those of one model side by side."""

    app: str
    name: str
    permissions: tuple[PermissionLabel, ...]


def label_of(permission: Permission) -> str:
    """``app.codename``; costs a query unless the content type was read along."""
    return f"{permission.content_type.app_label}.{permission.codename}"


def described(permissions: Iterable[Permission]) -> list[PermissionLabel]:
    """The labels in reading order: by module, by model, what only looks before what changes.

    The permissions must have their content type with them, or each costs a query.
    """
    return sorted(map(_describe, permissions), key=_reading_order)


def every_permission() -> list[PermissionLabel]:
    """All that there are: one query."""
    return described(Permission.objects.order_by().select_related("content_type"))


def by_module(labels: Iterable[PermissionLabel]) -> list[Module]:
    """``labels`` in reading order, put under their modules."""
    found = []
    for (app, name), group in groupby(labels, key=lambda label: (label.app, label.module)):
        found.append(Module(app=app, name=name, permissions=tuple(group)))
    return found


def permissions_named(names: Iterable[str]) -> Mapping[str, Permission]:
    """The permissions of those ``app.codename`` that there are: one query."""
    wanted = set(names)
    pairs = [name.partition(".")[::2] for name in wanted]
    rows = Permission.objects.filter(
        content_type__app_label__in={app for app, _codename in pairs},
        codename__in={codename for _app, codename in pairs},
    )
    found = {label_of(row): row for row in rows.order_by().select_related("content_type")}
    return {name: row for name, row in found.items() if name in wanted}


def _describe(permission: Permission) -> PermissionLabel:
    app, model = permission.content_type.app_label, permission.content_type.model
    return PermissionLabel(
        pk=permission.pk,
        permission=label_of(permission),
        name=_name_of(permission.codename, permission.name, app, model),
        app=app,
        module=_module_name(app),
        model=model,
    )


def _module_name(app: str) -> str:
    try:
        return str(capfirst(apps.get_app_config(app).verbose_name))
    except LookupError:  # left by an app that is not installed any more
        return str(capfirst(app.replace("_", " ")))


def _name_of(codename: str, name: str, app: str, model: str) -> str:
    """Django's own permissions in few words; those that a model declares in their own."""
    verb, _underscore, noun = codename.partition("_")
    if verb in VERBS and noun == model:
        try:
            nouns = str(apps.get_model(app, model)._meta.verbose_name_plural)
        except LookupError:
            nouns = model
        return f"{VERBS[verb]} {nouns}"
    return str(capfirst(name.removeprefix("Can ")))


def _reading_order(label: PermissionLabel) -> tuple[str, str, str, int, str]:
    verb = label.permission.partition(".")[2].partition("_")[0]
    rank = ORDER.index(verb) if verb in ORDER else len(ORDER)
    return (label.module, label.app, label.model, rank, label.permission)
