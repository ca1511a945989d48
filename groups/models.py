"""Teams and their members."""

from __future__ import annotations

from typing import Any, Self

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from authorization.models import Role, RoleScope
from core.audit import AuditSpec
from core.models import SoftDeleteModel, TimestampedModel, UUIDModel
from core.soft_delete import SoftDeleteQuerySet
from users.models import User


class GroupType(models.TextChoices):
    TEAM = "team", _("Team")
    DEPARTMENT = "department", _("Department")
    PROJECT = "project", _("Project")
    COMMUNITY = "community", _("Community")


class GroupQuerySet(SoftDeleteQuerySet["Group"]):
    def visible_to(self, user: User, permission: str = "groups.view_group") -> Self:
        """Groups on which ``user.has_perm(permission, group)`` is true."""
        if not user.can_sign_in:
            return self.none()
        if user.has_perm(permission):
            return self
        return self.granting(user, permission)

    def granting(self, user: User, permission: str) -> Self:
        """Live groups that ``user`` owns, or where their membership's role holds ``permission``."""
        memberships = Membership.objects.granting(user, permission)
        return self.alive().filter(Q(owner=user) | Q(pk__in=memberships.groups()))


class Group(UUIDModel, TimestampedModel, SoftDeleteModel):
    """A team that owns items."""

    name = models.CharField(max_length=120)
    slug = models.SlugField(
        max_length=120, db_index=False, help_text="Short name in URLs; unique among live groups."
    )
    description = models.TextField(blank=True, max_length=5000)
    group_type = models.CharField(max_length=32, choices=GroupType, default=GroupType.TEAM)
    is_public = models.BooleanField(default=False, help_text="Everybody may see that it exists.")
    is_open = models.BooleanField(default=False, help_text="Everybody may join without asking.")
    is_system = models.BooleanField(
        default=False, editable=False, help_text="Kept by TruLedgr itself; cannot be deleted."
    )
    is_active = models.BooleanField(default=True, help_text="Off: archived, grants nothing.")
    member_count = models.PositiveIntegerField(
        default=0, editable=False, help_text="Active members; kept with each join and leave."
    )
    max_members = models.PositiveIntegerField(
        null=True, blank=True, help_text="No limit, when empty."
    )
    tags = models.JSONField(default=list, blank=True, help_text="List of short texts.")
    settings = models.JSONField(default=dict, blank=True, help_text="Options of this group.")
    owner = models.ForeignKey(
        User,
        on_delete=models.PROTECT,
        related_name="owned_groups",
        help_text="Answers for the group; has to hand it over before the account can go.",
    )
    created_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )

    objects = GroupQuerySet.as_manager()

    audit = AuditSpec(
        fields=(
            "name", "slug", "description", "group_type", "is_public", "is_open", "is_active",
            "max_members", "tags", "settings", "owner",
        ),
        label="name",
        group="id",
    )  # fmt: skip

    class Meta:
        db_table = "groups"
        ordering = ["name", "id"]
        verbose_name = _("group")
        verbose_name_plural = _("groups")
        indexes = [
            *SoftDeleteModel.Meta.indexes,
            models.Index(
                fields=["name", "id"], condition=Q(is_deleted=False), name="group_alive_idx"
            ),
        ]
        constraints = [
            *SoftDeleteModel.Meta.constraints,
            models.UniqueConstraint(
                fields=["slug"],
                condition=Q(is_deleted=False),
                name="groups_group_alive_slug_uniq",
                violation_error_message=_("A group with this slug already exists."),
            ),
            models.CheckConstraint(
                condition=Q(max_members=None) | Q(member_count__lte=F("max_members")),
                name="groups_group_max_members_check",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def is_permitted(self, user: User, permission: str) -> bool:
        """Whether owning it, or a role in it, lets ``user`` do ``permission`` to it or in it."""
        if self.is_deleted:
            return False
        memberships = Membership.objects.granting(user, permission)
        return self.owner_id == user.pk or memberships.filter(group=self.pk).exists()


class MembershipStatus(models.TextChoices):
    INVITED = "invited", _("Invited")
    REQUESTED = "requested", _("Asked to join")
    ACTIVE = "active", _("Active")
    LEFT = "left", _("Left")


class MembershipRank(models.TextChoices):
    OWNER = "owner", _("Owner")
    ADMIN = "admin", _("Administrator")
    MEMBER = "member", _("Member")


class MembershipQuerySet(models.QuerySet["Membership"]):
    def in_force(self) -> Self:
        """Active and not expired, in a live and active group."""
        return self.filter(
            Q(expires_at=None) | Q(expires_at__gt=timezone.now()),
            status=MembershipStatus.ACTIVE,
            group__is_active=True,
            group__is_deleted=False,
        )

    def granting(self, user: User, permission: str) -> Self:
        """The user's memberships whose role holds ``permission`` (``app.codename``)."""
        app_label, _dot, codename = permission.partition(".")
        return self.in_force().filter(
            user=user,
            role__is_active=True,
            role__is_deleted=False,
            role__permissions__content_type__app_label=app_label,
            role__permissions__codename=codename,
        )

    def groups(self) -> models.QuerySet[Membership, Any]:
        """The keys of the groups, for an IN."""
        return self.order_by().values("group_id")


class Membership(models.Model):
    """A user belongs to a group: in a rank, with a role, for a time or for good."""

    id = models.BigAutoField(primary_key=True)
    group = models.ForeignKey(
        Group, on_delete=models.CASCADE, related_name="memberships", db_index=False
    )
    user = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="memberships", db_index=False
    )
    role = models.ForeignKey(
        Role,
        on_delete=models.PROTECT,
        related_name="memberships",
        limit_choices_to={"scope": RoleScope.GROUP, "is_deleted": False},
        help_text="What the member may do on the group's objects; a role of scope group.",
    )
    rank = models.CharField(
        max_length=16,
        choices=MembershipRank,
        default=MembershipRank.MEMBER,
        help_text="Who may manage whom inside the group.",
    )
    status = models.CharField(
        max_length=16, choices=MembershipStatus, default=MembershipStatus.ACTIVE
    )
    joined_at = models.DateTimeField(null=True, blank=True, help_text="When it became active.")
    invited_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    granted_by = models.ForeignKey(
        User,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="Who gave the present role.",
    )
    expires_at = models.DateTimeField(null=True, blank=True, help_text="For good, when empty.")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = MembershipQuerySet.as_manager()

    audit = AuditSpec(
        fields=("group", "user", "role", "rank", "status", "expires_at"),
        label="user_id",
        group="group_id",
    )

    class Meta:
        db_table = "group_memberships"
        ordering = ["group", "id"]
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [
            models.UniqueConstraint(fields=["group", "user"], name="groups_membership_pair_uniq"),
            models.CheckConstraint(
                condition=~Q(status="active") | Q(joined_at__isnull=False),
                name="groups_membership_joined_check",
            ),
        ]
        indexes = [
            models.Index(fields=["user", "status"], name="membership_user_idx"),
            models.Index(fields=["group", "status", "id"], name="membership_group_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.group}"
