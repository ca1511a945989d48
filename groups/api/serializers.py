from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from authorization.access import access_of
from authorization.services.roles import permissions_of
from core.api.client_ids import ClientIdField
from core.api.serializers import StrictSerializer
from core.tags import LONGEST_TAG, MOST_TAGS
from groups.api.expanding import PersonInBriefSerializer
from groups.models import GROUPS, Group, GroupType, Membership, MembershipRank, MembershipStatus
from groups.models.group import VIEW_GROUP
from groups.options import JSON_SCHEMA
from groups.services.ownership import OWNER_ROLE, system_role
from users.api.callers import current_user
from users.models import User

LARGEST_NUMBER = 2_147_483_647
EXPIRED = "expired"
OWN_STATUSES = [*MembershipStatus.choices, (EXPIRED, "Expired")]


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


@extend_schema_field(JSON_SCHEMA)
class SettingsField(serializers.JSONField):
    """The service checks what is in it."""


@extend_schema_field(
    {
        "type": ["object", "null"],
        "additionalProperties": True,
        "description": "The options; null for those who see the group because it is public.",
    }
)
class ShownSettingsField(serializers.SerializerMethodField):
    pass


class WholeNumberField(serializers.IntegerField):
    """A number as JSON writes it: neither a text nor a truth value."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return super().to_internal_value(data)


class ExpandedGroupSerializer(serializers.Serializer[Any]):
    """What `expand` asks for; null where it is not for you to know."""

    owner = PersonInBriefSerializer(required=False, allow_null=True)


def restorable_until(deleted_at: datetime | None) -> datetime | None:
    if deleted_at is None:
        return None
    return deleted_at + timedelta(days=settings.RETENTION_DAYS["deleted"])


class GroupSerializer(serializers.ModelSerializer[Group]):
    tags = TagsField(read_only=True)
    restorable_until = serializers.SerializerMethodField(
        help_text="Of a deleted group: afterwards it may be removed for good at any time."
    )
    expanded = ExpandedGroupSerializer(required=False)  # by core.api.shaping

    class Meta:
        model = Group
        fields = [
            "id", "name", "slug", "description", "group_type", "is_public", "is_open", "is_active",
            "is_system", "member_count", "max_members", "tags", "owner", "version", "created_at",
            "updated_at", "deleted_at", "restorable_until", "expanded",
        ]  # fmt: skip
        read_only_fields = fields

    def get_restorable_until(self, group: Group) -> datetime | None:
        return restorable_until(group.deleted_at)


class OwnStandingSerializer(serializers.Serializer[Any]):
    """What the caller is in the group; rank and role only while the membership is in force."""

    status = serializers.ChoiceField(choices=OWN_STATUSES, allow_null=True)
    rank = serializers.ChoiceField(choices=MembershipRank.choices, allow_null=True)
    role = serializers.CharField(allow_null=True, help_text="The role's slug.")
    expires_at = serializers.DateTimeField(allow_null=True)
    permissions = serializers.ListField(
        child=serializers.CharField(),
        help_text="What the caller may do in the group, by whatever it is that lets them.",
    )


class GroupDetailSerializer(GroupSerializer):
    """One group, with what the caller is in it."""

    settings = ShownSettingsField()
    my = serializers.SerializerMethodField()

    class Meta(GroupSerializer.Meta):
        fields = [*GroupSerializer.Meta.fields, "settings", "my"]
        read_only_fields = fields

    def get_settings(self, group: Group) -> dict[str, Any] | None:
        user = self._caller()
        belongs = access_of(user).grants(GROUPS, group.pk, VIEW_GROUP)
        return group.settings if belongs or user.has_perm(VIEW_GROUP) else None

    @extend_schema_field(OwnStandingSerializer)
    def get_my(self, group: Group) -> dict[str, Any]:
        user = self._caller()
        row = Membership.objects.filter(group=group, user=user).select_related("role").first()
        if row is not None:
            row.group = group
        counts = row is not None and row.is_in_force
        return {
            "status": _status_of(row),
            "rank": row.rank if row and counts else None,
            "role": row.role.slug if row and counts else None,
            "expires_at": row.expires_at if row else None,
            "permissions": sorted(_permissions(user, group)),
        }

    def _caller(self) -> User:
        return current_user(self.context["request"])


def _status_of(row: Membership | None) -> str | None:
    if row is None:
        return None
    is_over = row.status == MembershipStatus.ACTIVE and not row.is_unexpired
    return EXPIRED if is_over else row.status


def _permissions(user: User, group: Group) -> set[str]:
    """By a role there, by owning it, by what is held everywhere, or by its being public."""
    if group.is_deleted:
        return set()
    held = access_of(user).permissions_on(GROUPS, group.pk)
    everywhere = user.get_all_permissions()
    if held is not None and not everywhere:
        shown = {VIEW_GROUP} if group.is_permitted(user, VIEW_GROUP) else set()
        return held | shown
    in_groups = permissions_of(system_role(OWNER_ROLE))
    return in_groups if held is None else held | (everywhere & in_groups)


# --- Input ------------------------------------------------------------------------------------


class GroupUpdateSerializer(StrictSerializer):
    name = serializers.CharField(max_length=120)
    slug = serializers.SlugField(
        max_length=120,
        required=False,
        allow_blank=True,
        help_text="Unique among live groups; made from the name when empty.",
    )
    description = serializers.CharField(
        max_length=5000, required=False, allow_blank=True, trim_whitespace=False
    )
    group_type = serializers.ChoiceField(choices=GroupType.choices, required=False)
    is_public = serializers.BooleanField(
        required=False, help_text="Everybody may see that it exists, and ask to join."
    )
    is_open = serializers.BooleanField(
        required=False, help_text="Of a public group: everybody may join without asking."
    )
    max_members = WholeNumberField(
        min_value=1,
        max_value=LARGEST_NUMBER,
        required=False,
        allow_null=True,
        help_text="Places for members whose membership has not expired; null for no limit.",
    )
    tags = TagsField(required=False)
    settings = SettingsField(required=False)


class GroupCreateSerializer(GroupUpdateSerializer):
    id = ClientIdField()


class TransferSerializer(StrictSerializer):
    to = serializers.UUIDField(help_text="The id of the user; an active member.")
    former_rank = serializers.ChoiceField(
        choices=MembershipRank.choices,
        required=False,
        help_text="What who owned the group until now becomes; owner when left out.",
    )
