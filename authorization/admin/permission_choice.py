"""Choosing among all permissions at once: check boxes in words, by module, with who gave what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.contrib.auth.models import Permission
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from authorization.labels import Module, PermissionLabel, by_module, every_permission
from authorization.models import Role, RolePermission
from users.models import User

TEMPLATE = "admin/authorization/role/permissions.html"


@dataclass(frozen=True, slots=True)
class Line:
    """One permission: ``is_locked`` when this member of staff may neither give nor take it."""

    label: PermissionLabel
    is_held: bool = False
    is_locked: bool = False
    grant: RolePermission | None = None


@dataclass(frozen=True, slots=True)
class Rights:
    """What somebody may do to the permissions of a role."""

    is_superuser: bool = True
    held: frozenset[str] = frozenset()
    may_add: bool = True
    may_take: bool = True

    @classmethod
    def of(cls, user: User) -> Rights:
        return cls(
            is_superuser=user.is_superuser,
            held=frozenset() if user.is_superuser else frozenset(user.get_all_permissions()),
            may_add=user.has_perm("authorization.add_rolepermission"),
            may_take=user.has_perm("authorization.delete_rolepermission"),
        )

    def may_hold(self, label: PermissionLabel) -> bool:
        return self.is_superuser or label.permission in self.held

    def locks(self, label: PermissionLabel, *, is_held: bool) -> bool:
        if is_held:
            return not self.may_take
        return not (self.may_add and self.may_hold(label))


@dataclass(slots=True)
class Choice:
    """All permissions, those of one role marked: two queries, one for a role to be."""

    role: Role | None = None
    rights: Rights = field(default_factory=Rights)
    labels: list[PermissionLabel] = field(init=False)
    grants: Mapping[int, RolePermission] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.labels = every_permission()
        if self.role is not None:
            rows = self.role.role_permissions.order_by().select_related("granted_by")
            self.grants = {row.permission_id: row for row in rows}

    def lines(self, chosen: Iterable[int]) -> list[tuple[Module, list[Line], int]]:
        """By module: its lines, and how many of them are chosen."""
        marked = set(chosen)
        found = []
        for module in by_module(self.labels):
            lines = [
                Line(
                    label=label,
                    is_held=label.pk in marked,
                    is_locked=self.rights.locks(label, is_held=label.pk in self.grants),
                    grant=self.grants.get(label.pk),
                )
                for label in module.permissions
            ]
            found.append((module, lines, sum(line.is_held for line in lines)))
        return found


class PermissionChoiceWidget(forms.Widget):
    """Works without its script, which only narrows the list down and chooses whole modules."""

    choice: Choice

    class Media:
        js = ("truledgr/permissions.js",)

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        found: list[str] = data.getlist(name) if hasattr(data, "getlist") else data.get(name, [])
        return found

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return False  # an unchecked box sends nothing

    def id_for_label(self, id_: str) -> str:
        return ""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        chosen = {int(key) for key in value or () if str(key).isdecimal() and len(str(key)) < 19}  # noqa: PLR2004
        return show_permissions(self.choice, chosen, name=name)


class PermissionChoiceField(forms.Field):
    """Cleans to the permissions that are chosen; ``choice`` is set by the form."""

    widget = PermissionChoiceWidget
    choice: Choice

    def clean(self, value: Any) -> list[Permission]:
        names = {str(label.pk): label for label in self.choice.labels}
        if unknown := [key for key in value or () if key not in names]:
            raise forms.ValidationError(
                "There is no permission %(key)s.", params={"key": str(unknown[0])[:20]}
            )
        chosen = {names[key].pk: names[key] for key in value or ()}
        held = self.choice.grants.keys()
        rights = self.choice.rights
        errors = [
            f"You do not hold {label.permission} yourself."
            for pk, label in chosen.items()
            if pk not in held and not rights.may_hold(label)
        ]
        if errors:
            raise forms.ValidationError(errors)
        keys = set(chosen) if rights.may_take else set(chosen) | set(held)
        rows = Permission.objects.filter(pk__in=keys).select_related("content_type")
        return list(rows.order_by("pk"))

    def has_changed(self, initial: Any, data: Any) -> bool:
        return {str(key) for key in initial or ()} != set(data or ())


def show_permissions(choice: Choice, chosen: Iterable[int], *, name: str = "") -> SafeString:
    """As boxes to check under ``name``; without a name, those that are chosen, to be read."""
    modules = choice.lines(chosen)
    if not name:
        modules = [
            (module, [line for line in lines if line.is_held], count)
            for module, lines, count in modules
            if count
        ]
    return render_to_string(TEMPLATE, {"modules": modules, "name": name})
