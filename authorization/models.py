"""Roles, the permissions that they hold, and who holds them."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.contrib.auth.models import Permission
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.audit import AuditSpec
from core.models import SoftDeleteModel, TimestampedModel, UUIDModel
from core.soft_delete import SoftDeleteQuerySet
from users.models import User

VIEW_ROLE = "authorization.view_role"
DELETE_ROLE = "authorization.delete_role"
VIEW_ASSIGNMENT = "authorization.view_roleassignment"


class RoleScope(models.TextChoices):
    GLOBAL = "global", _("Everywhere")
    GROUP = "group", _("Inside one group")


class RoleQuerySet(SoftDeleteQuerySet["Role"]):
    def active(self) -> Self:
        """Those that grant anything."""
        return self.alive().filter(is_active=True)

    def visible_to(self, user: User, permission: str = VIEW_ROLE) -> Self:
        """Roles on which ``user.has_perm(permission, role)`` is true.

        Without the permission: those that members of a group can be given, and one's own.
        """
        if not user.can_sign_in:
            return self.none()
        if user.has_perm(permission):
            return self
        if permission != VIEW_ROLE:
            return self.none()
        held = RoleAssignment.objects.in_force().filter(user=user).values("role")
        return self.active().filter(Q(scope=RoleScope.GROUP) | Q(pk__in=held))

    def restorable_by(self, user: User) -> Self:
        """Deleted roles that ``user`` may bring back, as far as permissions go."""
        return self.deleted() if user.has_perm(DELETE_ROLE) else self.none()


class Role(UUIDModel, TimestampedModel, SoftDeleteModel):
    """A named set of permissions, held by users everywhere or by members inside a group."""

    name = models.CharField(max_length=120)
    slug = models.SlugField(
        max_length=120,
        db_index=False,
        help_text="Short name in URLs and commands; unique among live roles.",
    )
    description = models.TextField(blank=True, help_text="What its holders are there for.")
    scope = models.CharField(
        max_length=16,
        choices=RoleScope,
        default=RoleScope.GLOBAL,
        help_text="Whether users hold it everywhere or members inside one group.",
    )
    is_system = models.BooleanField(
        default=False, editable=False, help_text="Kept by TruLedgr itself; cannot be changed."
    )
    is_active = models.BooleanField(default=True, help_text="Off: grants nothing.")
    totp_required = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Its holders must use a second factor to sign in.",
    )
    permissions = models.ManyToManyField(
        Permission, through="RolePermission", related_name="roles", blank=True
    )

    objects = RoleQuerySet.as_manager()

    audit = AuditSpec(
        fields=(
            "name", "slug", "description", "scope", "is_system", "is_active", "totp_required",
        ),
        label="slug",
    )  # fmt: skip

    class Meta:
        db_table = "roles"
        ordering = ["scope", "name", "id"]
        verbose_name = _("role")
        verbose_name_plural = _("roles")
        indexes = [*SoftDeleteModel.Meta.indexes]
        constraints = [
            *SoftDeleteModel.Meta.constraints,
            models.UniqueConstraint(
                fields=["slug"],
                condition=Q(is_deleted=False),
                name="authorization_role_alive_slug_uniq",
                violation_error_message=_("A role with this slug already exists."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def is_permitted(self, user: User, permission: str) -> bool:
        """As ``RoleQuerySet.visible_to()`` has it, for a row at hand."""
        if permission != VIEW_ROLE or self.is_deleted or not self.is_active:
            return False
        if self.scope == RoleScope.GROUP:
            return True
        return RoleAssignment.objects.in_force().filter(role=self, user=user).exists()


class RolePermission(models.Model):
    """A permission that a role holds."""

    id = models.BigAutoField(primary_key=True)
    role = models.ForeignKey(
        Role, on_delete=models.CASCADE, related_name="role_permissions", db_index=False
    )
    permission = models.ForeignKey(Permission, on_delete=models.CASCADE, related_name="+")
    granted_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    granted_at = models.DateTimeField(default=timezone.now, help_text="When it was granted.")
    reason = models.CharField(
        max_length=200, blank=True, default="", db_default="", help_text="Why it was granted."
    )

    audit = AuditSpec(fields=("role", "permission", "reason"), label="role_id")

    class Meta:
        db_table = "role_permissions"
        ordering = ["role", "permission"]
        verbose_name = _("role permission")
        verbose_name_plural = _("role permissions")
        constraints = [
            models.UniqueConstraint(
                fields=["role", "permission"], name="authorization_rolepermission_pair_uniq"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role} may {self.permission.codename}"


class AssignmentState(models.TextChoices):
    IN_FORCE = "in_force", _("In force")
    EXPIRED = "expired", _("Expired")
    SWITCHED_OFF = "switched_off", _("Role switched off")


class RoleAssignmentQuerySet(models.QuerySet["RoleAssignment"]):
    def in_force(self, at: datetime | None = None) -> Self:
        """Not expired now, or ``at`` a moment, and of an active role.

        One ``filter()``: chained ones would join twice and let another user's assignment count.
        """
        return self.filter(
            Q(expires_at=None) | Q(expires_at__gt=at or timezone.now()),
            role__is_active=True,
            role__is_deleted=False,
        )

    def expired(self, at: datetime | None = None) -> Self:
        return self.filter(expires_at__lte=at or timezone.now())

    def in_state(self, state: AssignmentState) -> Self:
        """Those whose ``state`` it is; each is in exactly one."""
        if state == AssignmentState.IN_FORCE:
            return self.in_force()
        if state == AssignmentState.EXPIRED:
            return self.expired()
        lasting = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
        off = Role.objects.filter(Q(is_active=False) | Q(is_deleted=True))
        return self.filter(lasting, role__in=off.order_by().values("pk"))

    def visible_to(self, user: User, permission: str = VIEW_ASSIGNMENT) -> Self:
        """Those on which ``user.has_perm(permission, assignment)`` is true; one's own always."""
        if not user.can_sign_in:
            return self.none()
        if user.has_perm(permission):
            return self
        return self.filter(user=user) if permission == VIEW_ASSIGNMENT else self.none()


class RoleAssignment(models.Model):
    """A user holds a role everywhere, for a time or for good."""

    id = models.BigAutoField(primary_key=True)
    user = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="role_assignments", db_index=False
    )
    role = models.ForeignKey(
        Role,
        on_delete=models.PROTECT,
        related_name="assignments",
        limit_choices_to={"scope": RoleScope.GLOBAL, "is_deleted": False},
        help_text="A role of scope global.",
    )
    granted_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    granted_at = models.DateTimeField(default=timezone.now, help_text="When it was granted.")
    expires_at = models.DateTimeField(null=True, blank=True, help_text="For good, when empty.")
    reason = models.CharField(max_length=200, blank=True, help_text="Why it was granted.")

    objects = RoleAssignmentQuerySet.as_manager()

    audit = AuditSpec(fields=("user", "role", "expires_at", "reason"), label="role_id")

    class Meta:
        db_table = "role_assignments"
        ordering = ["-granted_at", "-id"]
        verbose_name = _("role assignment")
        verbose_name_plural = _("role assignments")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "role"], name="authorization_roleassignment_pair_uniq"
            ),
        ]
        indexes = [
            models.Index(fields=["-granted_at", "-id"], name="role_assignment_granted_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.user} is {self.role}"

    @property
    def state(self) -> AssignmentState:
        """As ``RoleAssignmentQuerySet.in_force()`` has it, for a row at hand with its role."""
        if self.expires_at is not None and self.expires_at <= timezone.now():
            return AssignmentState.EXPIRED
        if not self.role.is_active or self.role.is_deleted:
            return AssignmentState.SWITCHED_OFF
        return AssignmentState.IN_FORCE

    def is_permitted(self, user: User, permission: str) -> bool:
        """As ``RoleAssignmentQuerySet.visible_to()`` has it, for a row at hand."""
        return permission == VIEW_ASSIGNMENT and self.user_id == user.pk
