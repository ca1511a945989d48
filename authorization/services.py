"""Giving and taking roles and permissions: nobody hands out what they do not hold."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import Permission
from django.db import transaction
from django.utils import timezone

from authorization.models import Role, RoleAssignment, RolePermission, RoleScope
from core import audit
from core.errors import ConflictError, DomainError, NotAllowedError
from users.models import User


def permissions_of(role: Role) -> set[str]:
    """What the role holds, as ``app.codename``, switched off or not."""
    held = role.permissions.order_by().values_list("content_type__app_label", "codename")
    return {f"{app}.{codename}" for app, codename in held}


def can_grant(actor: User, role: Role) -> bool:
    """Whether ``actor`` holds everything that ``role`` holds."""
    return actor.is_superuser or permissions_of(role) <= actor.get_all_permissions()


def refuse_assignment(*, actor: User, user: User, role: Role) -> None:
    """Raise when ``actor`` may not give ``role`` to ``user`` or take it away."""
    if role.is_deleted or role.scope != RoleScope.GLOBAL:
        raise DomainError("Only a live role of scope global can be assigned.", field="role")
    if user == actor and not actor.is_superuser:
        raise NotAllowedError("Nobody changes their own roles.", field="user")
    if not can_grant(actor, role):
        raise NotAllowedError(
            f"The role {role} holds permissions that you do not hold.", field="role"
        )


@transaction.atomic
def assign_role(
    *,
    actor: User,
    user: User,
    role: Role,
    expires_at: datetime | None = None,
    reason: str = "",
) -> RoleAssignment:
    """Give ``role`` to ``user``; of one who has it already, set its end and reason anew.

    Raise ``NotAllowedError`` for a role that holds more than ``actor`` does, or for one's own
    account; ``DomainError`` for a role of a group or an end in the past.
    """
    refuse_assignment(actor=actor, user=user, role=role)
    if expires_at is not None and expires_at <= timezone.now():
        raise DomainError("The end lies in the past.", field="expires_at")
    assignment = (
        RoleAssignment.objects.select_for_update().filter(user=user, role=role).first()
    ) or RoleAssignment(user=user, role=role)
    before = audit.snapshot(assignment)
    adding = assignment._state.adding
    assignment.expires_at = expires_at
    assignment.reason = reason
    assignment.granted_by = actor
    assignment.granted_at = timezone.now()
    assignment.full_clean()
    audit.save(assignment, actor=actor, before=None if adding else before)
    return assignment


@transaction.atomic
def revoke_role(*, actor: User, assignment: RoleAssignment) -> None:
    """Take a role away; raise as ``assign_role()`` does. One that is gone already is no error."""
    if assignment.role.scope == RoleScope.GLOBAL and not assignment.role.is_deleted:
        refuse_assignment(actor=actor, user=assignment.user, role=assignment.role)
    rows = RoleAssignment.objects.filter(pk=assignment.pk)
    audit.record_rows(rows, action="revoke", actor=actor)
    rows.delete()


def refuse_editing(*, actor: User, role: Role) -> None:
    """Raise when ``actor`` may not change ``role``, which changes what its holders may do."""
    if role.is_system:
        raise NotAllowedError(f"{role} is a system role: TruLedgr itself keeps it.", field="role")
    if not can_grant(actor, role):
        raise NotAllowedError(
            f"The role {role} holds permissions that you do not hold.", field="role"
        )


@transaction.atomic
def grant_permission(*, actor: User, role: Role, permission: Permission) -> RolePermission:
    """Let ``role`` hold ``permission``.

    Raise ``NotAllowedError`` for a system role or a permission that ``actor`` does not hold;
    ``ConflictError`` when the role holds it already.
    """
    refuse_editing(actor=actor, role=role)
    label = f"{permission.content_type.app_label}.{permission.codename}"
    if not actor.is_superuser and label not in actor.get_all_permissions():
        raise NotAllowedError(f"You do not hold {label} yourself.", field="permission")
    if role.role_permissions.filter(permission=permission).exists():
        raise ConflictError(f"The role {role} holds {label} already.", field="permission")
    held = RolePermission(role=role, permission=permission, granted_by=actor)
    audit.save(held, actor=actor)
    return held


@transaction.atomic
def withdraw_permission(*, actor: User, held: RolePermission) -> None:
    """Take a permission from a role; raise ``NotAllowedError`` as ``grant_permission()`` does."""
    refuse_editing(actor=actor, role=held.role)
    rows = RolePermission.objects.filter(pk=held.pk)
    audit.record_rows(rows, action="withdraw", actor=actor)
    rows.delete()
