"""The things that people and groups own."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from authorization.access import access_of
from core.audit import AuditSpec
from core.models import SoftDeleteModel, TimestampedModel, UUIDModel
from core.soft_delete import SoftDeleteQuerySet
from groups.models import GROUPS, Group
from users.models import User

SEARCHED = ("name", "description")  # in the order of the index that migration 0003 makes


class ItemKind(models.TextChoices):
    NOTE = "note", _("Note")
    DOCUMENT = "document", _("Document")
    TASK = "task", _("Task")
    ASSET = "asset", _("Asset")


class ItemQuerySet(SoftDeleteQuerySet["Item"]):
    def visible_to(self, user: User, permission: str = "items.view_item") -> Self:
        """Items on which ``user.has_perm(permission, item)`` is true.

        The groups are known by then: as a subquery, PostgreSQL reads half the table.
        """
        if not user.can_sign_in:
            return self.none()
        if user.has_perm(permission):
            return self
        groups = access_of(user).objects_granting(GROUPS, permission)
        return self.filter(Q(owner=user) | Q(group__in=groups))

    def restorable_by(self, user: User) -> Self:
        """Deleted items that ``user`` may see and bring back; none of a deleted owner or group."""
        return (
            self.deleted()
            .filter(
                Q(owner=None) | Q(owner__is_deleted=False),
                Q(group=None) | Q(group__is_deleted=False),
            )
            .visible_to(user)
            .visible_to(user, "items.delete_item")
        )


class Item(UUIDModel, TimestampedModel, SoftDeleteModel):
    """A thing that one person or one group owns."""

    name = models.CharField(max_length=200)
    description = models.TextField(blank=True, max_length=10_000)
    kind = models.CharField(max_length=32, choices=ItemKind, default=ItemKind.NOTE)
    is_active = models.BooleanField(default=True, help_text="Off: kept, but out of use.")
    tags = models.JSONField(default=list, blank=True, help_text="List of short texts.")
    data = models.JSONField(default=dict, blank=True, help_text="Free JSON object.")
    version = models.PositiveIntegerField(
        default=1, editable=False, help_text="Counts the changes; the ETag is made from it."
    )
    owner = models.ForeignKey(
        User,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        db_index=False,
        related_name="items",
        help_text="Set for a personal item.",
    )
    group = models.ForeignKey(
        Group,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        db_index=False,
        related_name="items",
        help_text="Set for an item of a group.",
    )
    created_by = models.ForeignKey(
        User,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        help_text="Who made it, whoever owns it now.",
    )

    objects = ItemQuerySet.as_manager()

    audit = AuditSpec(
        fields=(
            "name", "description", "kind", "is_active", "tags", "data", "owner", "group", "version",
        ),
        label="name",
        group="group_id",
    )  # fmt: skip

    class Meta:
        db_table = "items"
        # Keys are UUIDv7, so that this is newest first.
        ordering = ["-id"]
        verbose_name = _("item")
        verbose_name_plural = _("items")
        indexes = [
            *SoftDeleteModel.Meta.indexes,
            models.Index(
                fields=["owner", "-id"], condition=Q(is_deleted=False), name="item_owner_newest_idx"
            ),
            models.Index(
                fields=["group", "-id"], condition=Q(is_deleted=False), name="item_group_newest_idx"
            ),
            models.Index(fields=["-id"], condition=Q(is_deleted=False), name="item_newest_idx"),
        ]
        constraints = [
            *SoftDeleteModel.Meta.constraints,
            models.CheckConstraint(
                condition=Q(owner__isnull=False, group=None) | Q(owner=None, group__isnull=False),
                name="items_item_one_owner_check",
                violation_error_message=_("An item belongs to a person or to a group, not both."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def is_permitted(self, user: User, permission: str) -> bool:
        """Whether owning it or its group, or a role there, lets ``user`` do ``permission``."""
        if self.group_id is not None:
            return access_of(user).grants(GROUPS, self.group_id, permission)
        return self.owner_id == user.pk
