"""What roles hold: nobody hands out what they do not hold."""

from __future__ import annotations

from django.contrib.auth.models import Permission
from django.db import transaction

from authorization.models import Role, RolePermission
from core import audit
from core.errors import ConflictError, NotAllowedError
from users.models import User


def permissions_of(role: Role) -> set[str]:
    """What the role holds, as ``app.codename``, switched off or not."""
    held = role.permissions.order_by().values_list("content_type__app_label", "codename")
    return {f"{app}.{codename}" for app, codename in held}


def can_grant(actor: User, role: Role) -> bool:
    """Whether ``actor`` holds everything that ``role`` holds."""
    return actor.is_superuser or permissions_of(role) <= actor.get_all_permissions()


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
