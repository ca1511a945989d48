"""Teams."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from authorization.access import access_of
from core.audit import AuditSpec
from core.models import SoftDeleteModel, TimestampedModel, UUIDModel
from core.soft_delete import SoftDeleteQuerySet
from users.models import User

GROUPS = "groups"  # what ``authorization.access`` calls them
VIEW_GROUP = "groups.view_group"
DELETE_GROUP = "groups.delete_group"


class GroupType(models.TextChoices):
    TEAM = "team", _("Team")
    DEPARTMENT = "department", _("Department")
    PROJECT = "project", _("Project")
    COMMUNITY = "community", _("Community")


class GroupQuerySet(SoftDeleteQuerySet["Group"]):
    def visible_to(self, user: User, permission: str = VIEW_GROUP) -> Self:
        """Groups on which ``user.has_perm(permission, group)`` is true."""
        if not user.can_sign_in:
            return self.none()
        if user.has_perm(permission):
            return self
        condition = Q(pk__in=access_of(user).objects_granting(GROUPS, permission))
        if permission == VIEW_GROUP:
            condition |= Q(is_public=True, is_active=True)
        return self.alive().filter(condition)

    def restorable_by(self, user: User) -> Self:
        """Deleted groups that ``user`` may bring back: who may delete them, while they lived.

        Their owner, who may delete every group, and members in force whose role lets them.
        """
        if not user.can_sign_in:
            return self.none()
        deleted = self.deleted()
        if user.has_perm(DELETE_GROUP):
            return deleted
        app, codename = DELETE_GROUP.split(".")
        holding = Q(
            Q(memberships__expires_at=None) | Q(memberships__expires_at__gt=timezone.now()),
            is_active=True,
            memberships__user=user,
            memberships__status="active",
            memberships__role__is_active=True,
            memberships__role__is_deleted=False,
            memberships__role__permissions__content_type__app_label=app,
            memberships__role__permissions__codename=codename,
        )
        # A subquery of keys: the joins would tell Django that a group may stand twice.
        return deleted.filter(Q(owner=user) | Q(pk__in=Group.objects.filter(holding).values("pk")))


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
    settings = models.JSONField(
        default=dict, blank=True, help_text="Options of this group; groups/options.py lists them."
    )
    version = models.PositiveIntegerField(
        default=1,
        db_default=1,
        editable=False,
        help_text="Counts the changes; the ETag is made from it.",
    )
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
            "max_members", "tags", "settings", "owner", "version",
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
        """Whether owning it, a role in it, or its being public lets ``user`` do ``permission``."""
        if self.is_deleted:
            return False
        if permission == VIEW_GROUP and self.is_public and self.is_active:
            return True
        return access_of(user).grants(GROUPS, self.pk, permission)
