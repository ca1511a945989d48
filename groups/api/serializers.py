from __future__ import annotations

from rest_framework import serializers

from groups.models import Group


class GroupSerializer(serializers.ModelSerializer[Group]):
    tags = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = Group
        fields = [
            "id", "name", "slug", "description", "group_type", "is_public", "is_open", "is_active",
            "member_count", "max_members", "tags", "owner", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = fields
