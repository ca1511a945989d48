"""Who belongs to a group."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from authorization.access import access_of
from authorization.models import Role, RoleScope
from core.audit import AuditSpec
from groups.models.group import GROUPS, Group
from users.models import User

VIEW_MEMBERSHIP = "groups.view_membership"
CHANGE_MEMBERSHIP = "groups.change_membership"
SEE_MEMBERS = "members_see_members"  # an option of groups/options.py, on unless it says false


class MembershipStatus(models.TextChoices):
    INVITED = "invited", _("Invited")
    REQUESTED = "requested", _("Asked to join")
    ACTIVE = "active", _("Active")
    LEFT = "left", _("Left")
    BANNED = "banned", _("Banned")


class MembershipRank(models.TextChoices):
    OWNER = "owner", _("Owner")
    ADMIN = "admin", _("Administrator")
    MEMBER = "member", _("Member")


RUNNING = (MembershipRank.OWNER, MembershipRank.ADMIN)
BELONGING = (MembershipStatus.ACTIVE, MembershipStatus.INVITED, MembershipStatus.REQUESTED)


class MembershipQuerySet(models.QuerySet["Membership"]):
    def unexpired(self, at: datetime | None = None) -> Self:
        """Active and not expired, whatever the group: what takes a place in it."""
        return self.filter(
            Q(expires_at=None) | Q(expires_at__gt=at or timezone.now()),
            status=MembershipStatus.ACTIVE,
        )

    def visible_to(self, user: User, permission: str = VIEW_MEMBERSHIP) -> Self:
        """Memberships on which ``user.has_perm(permission, membership)`` is true.

        Their own; all of a group whose memberships they may change; of one whose memberships
        they may see, those in force, or only who runs it where the group says so.
        """
        if not user.can_sign_in:
            return self.none()
        if user.has_perm(permission):
            return self
        access = access_of(user)
        if permission != VIEW_MEMBERSHIP:
            return self.filter(group__in=access.objects_granting(GROUPS, permission))
        seen = access.objects_granting(GROUPS, VIEW_MEMBERSHIP)
        discreet = Group.objects.filter(
            pk__in=seen, **{f"settings__{SEE_MEMBERS}": False}
        ).order_by()
        running = Q(rank__in=RUNNING) | Q(user=F("group__owner"))
        return self.filter(
            Q(user=user)
            | Q(group__in=access.objects_granting(GROUPS, CHANGE_MEMBERSHIP))
            | Q(
                Q(expires_at=None) | Q(expires_at__gt=timezone.now()),
                running | ~Q(group__in=discreet.values("pk")),
                group__in=seen,
                status=MembershipStatus.ACTIVE,
            )
        )

    def in_force(self, at: datetime | None = None) -> Self:
        """Active and not expired now, or ``at`` a moment, in a live and active group."""
        return self.filter(
            Q(expires_at=None) | Q(expires_at__gt=at or timezone.now()),
            status=MembershipStatus.ACTIVE,
            group__is_active=True,
            group__is_deleted=False,
        )


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
    reason = models.CharField(
        max_length=500,
        blank=True,
        default="",
        db_default="",
        help_text="Why somebody else gave the present role, removed or banned the member.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = MembershipQuerySet.as_manager()

    audit = AuditSpec(
        fields=("group", "user", "role", "rank", "status", "expires_at", "reason"),
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
            # All that authorization.access reads of a membership, so that it reads no row.
            models.Index(
                fields=["user", "status", "expires_at", "group", "role"],
                name="membership_user_idx",
            ),
            models.Index(fields=["group", "status", "id"], name="membership_group_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.group}"

    @property
    def is_unexpired(self) -> bool:
        """Active and not expired, whatever the group."""
        return self.status == MembershipStatus.ACTIVE and (
            self.expires_at is None or self.expires_at > timezone.now()
        )

    @property
    def is_in_force(self) -> bool:
        """As ``in_force()`` of the queryset."""
        return self.is_unexpired and self.group.is_active and not self.group.is_deleted

    def is_permitted(self, user: User, permission: str) -> bool:
        """As in its group; everybody may look at their own."""
        if permission != VIEW_MEMBERSHIP:
            return self.group.is_permitted(user, permission)
        if self.user_id == user.pk or self.group.is_permitted(user, CHANGE_MEMBERSHIP):
            return True
        if not self.is_unexpired or not self.group.is_permitted(user, VIEW_MEMBERSHIP):
            return False
        is_running = self.rank in RUNNING or self.user_id == self.group.owner_id
        return is_running or self.group.settings.get(SEE_MEMBERS) is not False
