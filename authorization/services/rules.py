"""Who may change which role: nobody hands out, raises or takes what they do not hold."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.functions import Concat
from django.utils import timezone

from authorization.models import Role, RoleAssignment, RolePermission
from core.errors import ConflictError, NotAllowedError
from users.models import User

NEEDED = "You need the permission {} for this; somebody who manages roles can give it to you."


def require(actor: User, permission: str) -> None:
    """Raise ``NotAllowedError`` unless ``actor`` holds ``permission`` everywhere."""
    if not actor.has_perm(permission):
        raise NotAllowedError(NEEDED.format(permission))


def permissions_of(role: Role) -> set[str]:
    """What the role holds, as ``app.codename``, switched off or not."""
    held = role.permissions.order_by().values_list("content_type__app_label", "codename")
    return {f"{app}.{codename}" for app, codename in held}


def can_grant(actor: User, role: Role) -> bool:
    """Whether ``actor`` holds everything that ``role`` holds."""
    return actor.is_superuser or permissions_of(role) <= actor.get_all_permissions()


def refuse_editing(*, actor: User, role: Role) -> None:
    """Raise when ``actor`` may not add to ``role``, which changes what its holders may do."""
    if role.is_system:
        raise NotAllowedError(
            f"{role} is a system role: TruLedgr itself keeps it. Clone it and change the clone.",
            field="role",
        )
    if role.is_deleted:
        raise ConflictError(f"The role {role} has been deleted. Restore it first.", field="role")
    if not can_grant(actor, role):
        raise NotAllowedError(
            f"The role {role} holds permissions that you do not hold.", field="role"
        )


def refuse_taking_from(*, actor: User, role: Role) -> None:
    """Raise when a change of ``role`` could take something from somebody above ``actor``."""
    refuse_editing(actor=actor, role=role)
    superior = None if actor.is_superuser else _holder_above(actor, role)
    if superior is not None:
        raise NotAllowedError(
            f"{superior}, who holds the role {role}, has rights that you lack. Ask somebody who "
            "has them.",
            field="role",
        )


def _holder_above(actor: User, role: Role) -> User | None:
    """Somebody who holds ``role`` and, by another one, something that ``actor`` does not."""
    label = Concat("permission__content_type__app_label", Value("."), "permission__codename")
    stronger = (
        RolePermission.objects.order_by()
        .annotate(label=label)
        .exclude(label__in=sorted(actor.get_all_permissions()))
        .values("role")
    )
    lasting = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    holding = RoleAssignment.objects.filter(lasting, role=role).order_by().values("user")
    by_another = RoleAssignment.objects.in_force().filter(user=OuterRef("pk"), role__in=stronger)
    people = User.objects.alive().filter(pk__in=holding)
    above: User | None = people.filter(Q(is_superuser=True) | Exists(by_another)).first()
    return above
