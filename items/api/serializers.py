from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.client_ids import ClientIdField
from core.api.serializers import StrictSerializer
from core.tags import LONGEST_TAG, MOST_TAGS
from groups.api.expanding import GroupInBriefSerializer, PersonInBriefSerializer
from groups.models import Group
from items.models import Item, ItemKind
from items.services.items import LARGEST_DATA
from users.api.callers import current_user

LARGEST_VERSION = 2_147_483_647  # what the column holds


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


class ExpandedItemSerializer(serializers.Serializer[Any]):
    """What `expand` asks for; null where there is nothing, or nothing that is for you to know."""

    owner = PersonInBriefSerializer(required=False, allow_null=True)
    group = GroupInBriefSerializer(required=False, allow_null=True)
    created_by = PersonInBriefSerializer(required=False, allow_null=True)


class ItemSerializer(serializers.ModelSerializer[Item]):
    tags = TagsField(read_only=True)
    data = DataField(read_only=True)  # type: ignore[assignment]
    expanded = ExpandedItemSerializer(required=False)  # by core.api.shaping

    class Meta:
        model = Item
        fields = [
            "id", "name", "description", "kind", "is_active", "tags", "data", "owner", "group",
            "created_by", "version", "created_at", "updated_at", "deleted_at", "expanded",
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
    id = ClientIdField()
    group = VisibleGroupField(
        pk_field=serializers.UUIDField(),
        required=False,
        allow_null=True,
        help_text="The group that it shall belong to; your own when left out.",
    )


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string", "const": "me"},
            {
                "type": "object",
                "required": ["group"],
                "additionalProperties": False,
                "properties": {"group": {"type": "string", "format": "uuid"}},
            },
        ]
    }
)
class HolderField(serializers.Field[Any, Any, Any, Any]):
    """``"me"`` or ``{"group": id}``, as the argument that ``move_item()`` takes for it."""

    default_error_messages = serializers.PrimaryKeyRelatedField.default_error_messages

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if data == "me":
            return {"owner": current_user(self.context["request"])}
        if not isinstance(data, dict) or data.keys() != {"group"}:
            raise serializers.ValidationError('Must be "me" or {"group": "<id of a group>"}.')
        key = data["group"]
        if not isinstance(key, str):
            raise serializers.ValidationError({"group": ["Must be a string."]})
        groups = Group.objects.alive().visible_to(current_user(self.context["request"]))
        group = groups.filter(pk=serializers.UUIDField().run_validation(key)).first()
        if group is None:
            self.fail("does_not_exist", pk_value=key)
        return {"group": group}


class ItemMoveSerializer(StrictSerializer):
    owner = HolderField(help_text="Whom it shall belong to: you, or a group.")


class ItemRevertSerializer(StrictSerializer):
    version = serializers.IntegerField(
        min_value=1, max_value=LARGEST_VERSION, help_text="The version whose content comes back."
    )
