"""The roles that every installation has, brought up to date after each ``migrate``."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from django.apps import apps as installed
from django.apps.registry import Apps
from django.contrib.auth.models import Permission
from django.db import transaction
from django.db.models import Q

from authorization.models import Role, RolePermission, RoleScope
from core import audit
from core.context import Via, acting


@dataclass(frozen=True, slots=True)
class SystemRole:
    """``permissions`` are patterns of ``app.codename``; ``*`` matches anything."""

    slug: str
    name: str
    description: str
    permissions: tuple[str, ...] = ()
    scope: RoleScope = RoleScope.GLOBAL


SYSTEM_ROLES = (
    SystemRole("administrator", "Administrator", "Runs the installation.", ("*",)),
    SystemRole(
        "staff",
        "Staff",
        "Looks after people, groups and items.",
        ("users.view_*", "users.change_user", "groups.*", "items.*", "authorization.view_*"),
    ),
    SystemRole("auditor", "Auditor", "Reads everything, changes nothing.", ("*.view_*",)),
    SystemRole(
        "support",
        "Support",
        "Helps people who cannot sign in.",
        ("users.view_*", "users.change_user", "authentication.view_*", "groups.view_*"),
    ),
    SystemRole("user", "User", "Uses what is theirs, which takes no further permission."),
    SystemRole(
        "group-owner",
        "Group owner",
        "Answers for a group.",
        ("groups.*", "items.*"),
        RoleScope.GROUP,
    ),
    SystemRole(
        "group-admin",
        "Group administrator",
        "Runs a group for its owner.",
        (
            "groups.view_group",
            "groups.change_group",
            "groups.*_membership",
            "groups.*_invitation",
            "items.*",
        ),
        RoleScope.GROUP,
    ),
    SystemRole(
        "group-member",
        "Group member",
        "Works on the group's items.",
        (
            "groups.view_group",
            "groups.view_membership",
            "items.view_item",
            "items.add_item",
            "items.change_item",
        ),
        RoleScope.GROUP,
    ),
    SystemRole(
        "group-viewer",
        "Group viewer",
        "Reads the group's items.",
        ("groups.view_group", "groups.view_membership", "items.view_item"),
        RoleScope.GROUP,
    ),
)

SYSTEM_SLUGS = frozenset(definition.slug for definition in SYSTEM_ROLES)


def sync_system_roles() -> None:
    """Make the system roles and their permissions what ``SYSTEM_ROLES`` says, idempotently.

    Whatever was done to them in the database meanwhile: renamed, switched off, given other
    permissions or marks, deleted. Who holds them goes on holding them.
    """
    permissions = {
        f"{app}.{codename}": pk
        for pk, app, codename in Permission.objects.values_list(
            "pk", "content_type__app_label", "codename"
        )
    }
    with transaction.atomic(), acting(via=Via.TASK):
        for definition in SYSTEM_ROLES:
            role = _sync_role(definition)
            wanted = {
                pk
                for label, pk in permissions.items()
                if any(fnmatchcase(label, pattern) for pattern in definition.permissions)
            }
            _sync_permissions(role, wanted)


def _sync_role(definition: SystemRole) -> Role:
    role = _role_of(definition.slug)
    if role.is_deleted:
        role.restore()
    before = audit.snapshot(role)
    role.name = definition.name
    role.description = definition.description
    role.scope = definition.scope
    role.is_system = True
    role.is_active = True
    role.totp_required = False
    if role._state.adding or audit.snapshot(role) != before:
        audit.save(role, before=before)
    return role


def _role_of(slug: str) -> Role:
    """The row of a system role, a deleted one rather than none, else a new one.

    A custom role that has taken the slug of one that was deleted makes room for it.
    """
    rows = Role.objects.filter(slug=slug).order_by("-is_system", "is_deleted", "pk")
    found = rows.filter(Q(is_system=True) | Q(is_deleted=False)).first()
    if found is None:
        return Role(slug=slug)
    for twin in rows.alive().exclude(pk=found.pk):
        before = audit.snapshot(twin)
        twin.slug, twin.is_system = f"{slug[:80]}-{twin.pk}", False
        audit.save(twin, before=before)
    return found


def _sync_permissions(role: Role, wanted: set[int]) -> None:
    held = set(role.role_permissions.values_list("permission_id", flat=True))
    if held == wanted:
        return
    role.role_permissions.filter(permission_id__in=held - wanted).delete()
    RolePermission.objects.bulk_create(
        RolePermission(role=role, permission_id=pk) for pk in sorted(wanted - held)
    )
    audit.record(
        action="sync_permissions",
        target=role,
        changes={"permissions": (len(held), len(wanted))},
    )


def sync_after_migrate(*, apps: Apps = installed, **_kwargs: Any) -> None:
    """Receive ``post_migrate``; do nothing while the tables are not those of the models."""
    for model in (Role, RolePermission, installed.get_model("core", "AuditEvent")):
        try:
            migrated = apps.get_model(model._meta.label)
        except LookupError:
            return
        if {f.column for f in migrated._meta.fields} != {f.column for f in model._meta.fields}:
            return
    sync_system_roles()
