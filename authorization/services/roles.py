"""Roles and what they hold: made, changed, cloned, deleted and restored here only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Permission
from django.db import transaction
from django.utils.text import slugify

from authorization.labels import label_of
from authorization.models import Role, RoleAssignment, RolePermission, RoleScope
from authorization.services.rules import (
    can_grant,
    permissions_of,
    refuse_editing,
    refuse_taking_from,
    require,
)
from authorization.services.second_factors import end_remembered_sessions
from authorization.system_roles import SYSTEM_SLUGS
from core import audit
from core.context import attributed_to
from core.deletion_preview import Blocker, preview_deletion
from core.errors import ConflictError, DomainError, NotAllowedError
from users.models import User

__all__ = [
    "can_grant", "clone_role", "create_role", "delete_role", "grant_permission", "permissions_of",
    "refuse_editing", "refuse_granting", "restore_role", "set_permissions", "update_role",
    "withdraw_permission",
]  # fmt: skip

CHANGEABLE = frozenset({"name", "slug", "description", "scope", "is_active", "totp_required"})
LONGEST_DESCRIPTION = 5_000
MOST_NAMED = 3


@transaction.atomic
def create_role(
    *,
    actor: User,
    name: str,
    slug: str = "",
    description: str = "",
    scope: str = RoleScope.GLOBAL,
    totp_required: bool = False,
    permissions: Iterable[Permission] = (),
    is_active: bool = True,
    reason: str = "",
) -> Role:
    """Make a role that holds ``permissions``; without a slug, one is made from the name.

    ``reason`` says why it holds them. Raise ``NotAllowedError`` for a permission that ``actor``
    does not hold, ``ConflictError`` for a slug that a live role has or a system role reserves,
    ``ValidationError`` or ``DomainError`` for a bad value.
    """
    require(actor, "authorization.add_role")
    role = Role(
        name=name,
        slug=slug or slug_from(name),
        description=description,
        scope=scope,
        totp_required=totp_required,
        is_active=is_active,
    )
    _check(role)
    permissions = list(permissions)
    refuse_granting(actor=actor, permissions=permissions)
    audit.save(role, actor=actor)
    for permission in permissions:
        _give(actor=actor, role=role, permission=permission, reason=reason)
    return role


@transaction.atomic
def update_role(*, actor: User, role: Role, **changes: Any) -> Role:
    """Change fields of ``CHANGEABLE``; answer the role as it is then.

    Once a role asks for a second factor, the remembered sessions of its holders that have none
    end. Raise as ``withdraw_permission()`` does, ``ConflictError`` for another scope while
    somebody holds it, ``NotAllowedError`` for ceasing to ask oneself for a second factor.
    """
    if strange := changes.keys() - CHANGEABLE:
        raise TypeError(f"Not a field of a role that changes: {', '.join(sorted(strange))}.")
    require(actor, "authorization.change_role")
    locked = _locked(role)
    refuse_taking_from(actor=actor, role=locked)
    before, asked = audit.snapshot(locked), locked.totp_required and locked.is_active
    for name, value in changes.items():
        setattr(locked, name, value)
    locked.slug = locked.slug or slug_from(locked.name)
    _check(locked)
    if locked.scope != before["scope"] and (held := _holders(locked)):
        raise ConflictError(
            f"The scope of {locked} is fixed while it is held: {_named(held)}.", field="scope"
        )
    asks = locked.totp_required and locked.is_active
    if asked and not locked.totp_required and _holds(actor, locked):
        raise NotAllowedError(
            "You hold this role: nobody but a superuser stops it from asking themselves for a "
            "second factor.",
            field="totp_required",
        )
    if audit.snapshot(locked) != before:
        audit.save(locked, before=before, actor=actor)
    if asks and not asked:
        end_remembered_sessions(actor=actor, assignments=RoleAssignment.objects.filter(role=locked))
    return locked


@transaction.atomic
def delete_role(*, actor: User, role: Role) -> None:
    """Soft-delete a role that nobody holds.

    Raise ``ConflictError``, saying how many and who, while somebody does, expired or not;
    ``NotAllowedError`` for a system role or one that holds more than ``actor`` does.
    """
    require(actor, "authorization.delete_role")
    locked = _locked(role)
    refuse_editing(actor=actor, role=locked)
    if held := _holders(locked):
        raise ConflictError(
            f"The role {locked} cannot be deleted while it is held: {_named(held)}. Take it from "
            "them first, or switch it off.",
            field="role",
        )
    with attributed_to(actor):
        locked.delete()


@transaction.atomic
def restore_role(*, actor: User, role: Role) -> Role:
    """Bring a deleted role back with what it held; one that is not deleted stays as it is.

    Raise ``ConflictError`` when a live role has its slug, ``NotAllowedError`` when it holds more
    than ``actor`` does.
    """
    require(actor, "authorization.delete_role")
    locked = _locked(role)
    if not locked.is_deleted:
        return locked
    if locked.is_system:
        raise NotAllowedError(f"{locked} is a system role: migrate brings it back.", field="role")
    if not can_grant(actor, locked):
        raise NotAllowedError(
            f"The role {locked} holds permissions that you do not hold.", field="role"
        )
    with attributed_to(actor):
        locked.restore()
    return locked


@transaction.atomic
def clone_role(*, actor: User, role: Role, name: str, slug: str = "") -> Role:
    """Make a custom role with the scope, marks and permissions of ``role``, held by nobody.

    Raise as ``create_role()`` does, ``ConflictError`` when ``role`` has been deleted.
    """
    require(actor, "authorization.add_role")
    locked = _locked(role)
    if locked.is_deleted:
        raise ConflictError(f"The role {locked} has been deleted. Restore it first.", field="role")
    return create_role(
        actor=actor,
        name=name,
        slug=slug,
        description=locked.description,
        scope=locked.scope,
        totp_required=locked.totp_required,
        permissions=locked.permissions.order_by("pk").select_related("content_type"),
        reason=f"Cloned from {locked.slug}",
    )


# --- Permissions ------------------------------------------------------------------------------


@transaction.atomic
def grant_permission(
    *, actor: User, role: Role, permission: Permission, reason: str = ""
) -> RolePermission:
    """Let ``role`` hold ``permission``.

    Raise ``NotAllowedError`` for a system role or a permission that ``actor`` does not hold;
    ``ConflictError`` when the role holds it already or has been deleted.
    """
    require(actor, "authorization.add_rolepermission")
    locked = _locked(role)
    refuse_editing(actor=actor, role=locked)
    refuse_granting(actor=actor, permissions=[permission])
    if locked.role_permissions.filter(permission=permission).exists():
        raise ConflictError(
            f"The role {locked} holds {label_of(permission)} already.", field="permission"
        )
    return _give(actor=actor, role=locked, permission=permission, reason=reason)


@transaction.atomic
def withdraw_permission(*, actor: User, held: RolePermission) -> None:
    """Take a permission from a role.

    Raise ``NotAllowedError`` for a system role, one that holds more than ``actor`` does, or one
    that somebody holds who has rights that ``actor`` lacks: that would demote them.
    """
    require(actor, "authorization.delete_rolepermission")
    locked = _locked(held.role)
    refuse_taking_from(actor=actor, role=locked)
    _take(actor=actor, role=locked, permission_ids=[held.permission_id])


@transaction.atomic
def set_permissions(
    *, actor: User, role: Role, permissions: Iterable[Permission], reason: str = ""
) -> None:
    """Let ``role`` hold exactly ``permissions``; ``reason`` is why it holds those that are new.

    Raise as ``grant_permission()`` and ``withdraw_permission()`` do.
    """
    locked = _locked(role)
    wanted = {permission.pk: permission for permission in permissions}
    held = set(locked.role_permissions.values_list("permission_id", flat=True))
    new = [permission for pk, permission in wanted.items() if pk not in held]
    if new:
        require(actor, "authorization.add_rolepermission")
        refuse_editing(actor=actor, role=locked)
        refuse_granting(actor=actor, permissions=new)
    if gone := held - wanted.keys():
        require(actor, "authorization.delete_rolepermission")
        refuse_taking_from(actor=actor, role=locked)
        _take(actor=actor, role=locked, permission_ids=gone)
    for permission in new:
        _give(actor=actor, role=locked, permission=permission, reason=reason)


def refuse_granting(*, actor: User, permissions: Iterable[Permission]) -> None:
    """Raise ``NotAllowedError`` for permissions that ``actor`` does not hold everywhere."""
    if actor.is_superuser:
        return
    lacking = {label_of(permission) for permission in permissions} - actor.get_all_permissions()
    if lacking:
        raise NotAllowedError(
            f"You do not hold {', '.join(sorted(lacking))} yourself.", field="permission"
        )


def _give(*, actor: User, role: Role, permission: Permission, reason: str) -> RolePermission:
    held = RolePermission(role=role, permission=permission, granted_by=actor, reason=reason)
    held.clean_fields(exclude=["role", "permission", "granted_by"])
    audit.save(held, actor=actor)
    return held


def _take(*, actor: User, role: Role, permission_ids: Iterable[int]) -> None:
    rows = RolePermission.objects.filter(role=role, permission__in=list(permission_ids))
    audit.record_rows(rows, action="withdraw", actor=actor)
    rows.delete()


# --- Checks -----------------------------------------------------------------------------------


def slug_from(name: str) -> str:
    """Raise ``DomainError`` when the name has nothing that a slug is made of."""
    slug = slugify(name)[:120]
    if not slug:
        raise DomainError("No slug can be made from this name. Give one.", field="slug")
    return slug


def _check(role: Role) -> None:
    role.full_clean(validate_unique=False, validate_constraints=False)
    if not role.name.strip():
        raise DomainError("Must not be blank.", field="name")
    if len(role.description) > LONGEST_DESCRIPTION:
        raise DomainError(f"At most {LONGEST_DESCRIPTION} characters.", field="description")
    if role.slug in SYSTEM_SLUGS:
        raise ConflictError(
            f"The slug {role.slug} belongs to a system role. Choose another.", field="slug"
        )
    if Role.objects.alive().filter(slug=role.slug).exclude(pk=role.pk).exists():
        raise ConflictError(
            f"A role with the slug {role.slug} already exists. Choose another.", field="slug"
        )


def _locked(role: Role) -> Role:
    """The role as it is now, deleted or not, until the end of the transaction."""
    locked = Role.objects.select_for_update(no_key=True).filter(pk=role.pk).first()
    if locked is None:
        raise ConflictError("The role is gone.", field="role")
    return locked


def _holds(actor: User, role: Role) -> bool:
    if actor.is_superuser:
        return False
    return RoleAssignment.objects.in_force().filter(role=role.pk, user=actor).exists()


def _holders(role: Role) -> list[Blocker]:
    """Who keeps it from being deleted, of this app and of those above."""
    return preview_deletion(Role.objects.filter(pk=role.pk)).blockers


def _named(held: list[Blocker]) -> str:
    parts = []
    for blocker in held:
        opts = blocker.model._meta
        noun = opts.verbose_name if blocker.count == 1 else opts.verbose_name_plural
        first = ", ".join(str(row) for row in blocker.examples[:MOST_NAMED])
        more = ", …" if blocker.count > MOST_NAMED else ""
        parts.append(f"{blocker.count} {noun} ({first}{more})")
    return "; ".join(parts)
