"""Items as wide as ours, with the grants of each in tables of direct foreign keys.

guardian's documentation calls these faster than its generic ones; they have its own index of
(user or group, permission, item), and foreign keys have theirs.
"""

from __future__ import annotations

from django.contrib.auth.models import Group, User
from django.db import models
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase


class Item(models.Model):
    id = models.UUIDField(primary_key=True)
    name = models.CharField(max_length=200)
    description = models.TextField()
    kind = models.CharField(max_length=32)
    is_active = models.BooleanField()
    tags = models.JSONField()
    data = models.JSONField()
    version = models.PositiveIntegerField()
    owner = models.ForeignKey(User, models.CASCADE, null=True, related_name="+", db_index=False)
    group = models.ForeignKey(Group, models.CASCADE, null=True, related_name="+", db_index=False)
    created_by = models.ForeignKey(User, models.CASCADE, related_name="+")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    is_deleted = models.BooleanField()
    deleted_at = models.DateTimeField(null=True)
    deletion_id = models.UUIDField(null=True)

    class Meta:
        db_table = "items"
        indexes = [
            models.Index(
                fields=["-id"], condition=models.Q(is_deleted=False), name="item_newest_idx"
            )
        ]

    def __str__(self) -> str:
        return self.name


class ItemUserObjectPermission(UserObjectPermissionBase):
    content_object = models.ForeignKey(Item, on_delete=models.CASCADE)


class ItemGroupObjectPermission(GroupObjectPermissionBase):
    content_object = models.ForeignKey(Item, on_delete=models.CASCADE)
