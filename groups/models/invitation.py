"""Whom a group asks in by e-mail."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from authorization.access import access_of
from authorization.models import Role, RoleScope
from core.audit import AuditSpec
from core.models import TimestampedModel, UUIDModel
from groups.models.group import GROUPS, Group
from groups.models.membership import MembershipRank
from users.models import User

VIEW_INVITATION = "groups.view_invitation"


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def visible_to(self, user: User, permission: str = VIEW_INVITATION) -> Self:
        """Those on which ``user.has_perm(permission, invitation)`` is true, in live groups."""
        if not user.can_sign_in:
            return self.none()
        live = self.filter(group__is_deleted=False)
        if user.has_perm(permission):
            return live
        return live.filter(group__in=access_of(user).objects_granting(GROUPS, permission))

    def pending(self) -> Self:
        """Neither accepted nor declined nor withdrawn; perhaps expired."""
        return self.filter(accepted_at=None, declined_at=None, withdrawn_at=None)

    def in_state(self, state: str) -> Self:
        """Those of which ``Invitation.state`` is true."""
        match state:
            case "pending":
                return self.pending().filter(expires_at__gt=timezone.now())
            case "expired":
                return self.pending().filter(expires_at__lte=timezone.now())
        return self.exclude(**{f"{state}_at": None})

    def usable(self, at: datetime | None = None) -> Self:
        """Those that can be accepted: pending, not expired, into a live and active group."""
        return self.pending().filter(
            expires_at__gt=at or timezone.now(), group__is_deleted=False, group__is_active=True
        )


class Invitation(UUIDModel, TimestampedModel):
    """An e-mail address is asked into a group, whether an account goes with it or not yet.

    The token stands in the mail only; whoever brings it, signed in, becomes a member, once.
    """

    group = models.ForeignKey(
        Group, on_delete=models.CASCADE, related_name="invitations", db_index=False
    )
    email = models.EmailField(max_length=254, help_text="Where the mail went.")
    role = models.ForeignKey(
        Role,
        on_delete=models.PROTECT,
        related_name="invitations",
        limit_choices_to={"scope": RoleScope.GROUP, "is_deleted": False},
        help_text="What the new member may do; a role of scope group.",
    )
    rank = models.CharField(
        max_length=16,
        choices=MembershipRank,
        default=MembershipRank.MEMBER,
        help_text="The rank of the new member.",
    )
    membership_expires_at = models.DateTimeField(
        null=True, blank=True, help_text="When the membership ends; never, when empty."
    )
    token_hash = models.CharField(
        max_length=64, unique=True, editable=False, help_text="SHA-256 of the token in the mail."
    )
    expires_at = models.DateTimeField(help_text="Until when it can be accepted.")
    sent_at = models.DateTimeField(help_text="When the last mail was sent.")
    sent_count = models.PositiveIntegerField(default=1, help_text="How many mails were sent.")
    invited_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    accepted_at = models.DateTimeField(
        null=True, blank=True, help_text="When somebody became a member by it."
    )
    accepted_by = models.ForeignKey(
        User,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="Who became a member by it; their address may be another one.",
    )
    declined_at = models.DateTimeField(
        null=True, blank=True, help_text="When somebody said no to it."
    )
    withdrawn_at = models.DateTimeField(
        null=True, blank=True, help_text="When the group took it back."
    )

    objects = InvitationQuerySet.as_manager()

    audit = AuditSpec(
        fields=(
            "group", "email", "role", "rank", "membership_expires_at", "expires_at", "sent_count",
            "accepted_at", "accepted_by", "declined_at", "withdrawn_at",
        ),
        label="id",
        group="group_id",
        redacted=("email",),
    )  # fmt: skip

    class Meta:
        db_table = "group_invitations"
        ordering = ["-id"]
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        indexes = [models.Index(fields=["group", "-id"], name="invitation_group_idx")]
        constraints = [
            models.UniqueConstraint(
                "group",
                Lower("email"),
                condition=Q(accepted_at=None, declined_at=None, withdrawn_at=None),
                name="groups_invitation_pending_uniq",
                violation_error_message=_("This address has been invited already."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email} to {self.group}"

    @property
    def is_pending(self) -> bool:
        """Neither accepted nor declined nor withdrawn; perhaps expired."""
        return not (self.accepted_at or self.declined_at or self.withdrawn_at)

    @property
    def has_expired(self) -> bool:
        return self.expires_at <= timezone.now()

    @property
    def state(self) -> str:
        """One of ``accepted``, ``declined``, ``withdrawn``, ``expired`` and ``pending``."""
        if self.accepted_at:
            return "accepted"
        if self.declined_at:
            return "declined"
        if self.withdrawn_at:
            return "withdrawn"
        return "expired" if self.has_expired else "pending"

    def is_permitted(self, user: User, permission: str) -> bool:
        return self.group.is_permitted(user, permission)
