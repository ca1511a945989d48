from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.serializers import StrictSerializer
from groups.models import Group
from items.models import Item, ItemKind
from items.services.items import LARGEST_DATA, LONGEST_TAG, MOST_TAGS
from users.api.callers import current_user


@extend_schema_field(
    {
        "type": "array",
        "maxItems": MOST_TAGS,
        "uniqueItems": True,
        "items": {"type": "string", "minLength": 1, "maxLength": LONGEST_TAG},
    }
)
class TagsField(serializers.JSONField):
    """The service checks what is in it."""


@extend_schema_field(
    {
        "type": "object",
        "additionalProperties": True,
        "description": f"Free JSON object, at most {LARGEST_DATA} bytes when serialised.",
    }
)
class DataField(serializers.JSONField):
    """The service checks what is in it."""


class VisibleGroupField(serializers.PrimaryKeyRelatedField[Group]):
    """The id of a group that the caller may see; others are as good as not there."""

    def get_queryset(self) -> Any:
        return Group.objects.alive().visible_to(current_user(self.context["request"]))

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if data == "":  # which DRF would take for null, and the item for a personal one
            self.fail("does_not_exist", pk_value=data)
        return super().run_validation(data)


class ItemSerializer(serializers.ModelSerializer[Item]):
    tags = TagsField(read_only=True)
    data = DataField(read_only=True)  # type: ignore[assignment]

    class Meta:
        model = Item
        fields = [
            "id", "name", "description", "kind", "is_active", "tags", "data", "owner", "group",
            "created_by", "version", "created_at", "updated_at", "deleted_at",
        ]  # fmt: skip
        read_only_fields = fields


class ItemUpdateSerializer(StrictSerializer):
    name = serializers.CharField(max_length=200)
    description = serializers.CharField(
        max_length=10_000, required=False, allow_blank=True, trim_whitespace=False
    )
    kind = serializers.ChoiceField(choices=ItemKind.choices, required=False)
    is_active = serializers.BooleanField(required=False)
    tags = TagsField(required=False)
    data = DataField(required=False)  # type: ignore[assignment]


class ItemCreateSerializer(ItemUpdateSerializer):
    group = VisibleGroupField(
        pk_field=serializers.UUIDField(),
        required=False,
        allow_null=True,
        help_text="The group that it shall belong to; your own when left out.",
    )
