"""Members, as the API takes and shows them; never their e-mail addresses."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from rest_framework import serializers

from authorization.api.serializers import RoleInBriefSerializer
from authorization.models import Role, RoleScope
from core.api.serializers import StrictSerializer
from core.reasons import LONGEST_REASON
from groups.models import Membership, MembershipRank


class ExpandedMemberSerializer(serializers.Serializer[Any]):
    """What `expand` asks for; null where it is not for you to know."""

    role = RoleInBriefSerializer(required=False, allow_null=True)


class MemberSerializer(serializers.ModelSerializer[Membership]):
    username = serializers.CharField(source="user.username")
    role_slug = serializers.CharField(source="role.slug")
    reason = serializers.SerializerMethodField(
        help_text="Why the present role was given, or the member removed or banned; null for "
        "those who may not change memberships."
    )
    expanded = ExpandedMemberSerializer(required=False)  # by core.api.shaping

    class Meta:
        model = Membership
        fields = [
            "user", "username", "role", "role_slug", "rank", "status", "joined_at", "expires_at",
            "reason", "expanded",
        ]  # fmt: skip
        read_only_fields = fields

    def get_reason(self, membership: Membership) -> str | None:
        return membership.reason if self.context.get("sees_reasons") else None


class OwnMembershipSerializer(serializers.ModelSerializer[Membership]):
    """What the caller is in one group."""

    group_name = serializers.CharField(source="group.name")
    role_slug = serializers.CharField(source="role.slug")

    class Meta:
        model = Membership
        fields = [
            "group", "group_name", "role", "role_slug", "rank", "status", "joined_at",
            "expires_at", "created_at",
        ]  # fmt: skip
        read_only_fields = fields


class MemberUpdateSerializer(StrictSerializer):
    role = serializers.PrimaryKeyRelatedField(
        queryset=Role.objects.filter(scope=RoleScope.GROUP, is_deleted=False, is_active=True),
        pk_field=serializers.UUIDField(),
        required=False,
        help_text="What the member may do on the group's objects; a role of scope group.",
    )
    rank = serializers.ChoiceField(choices=MembershipRank.choices, required=False)
    expires_at = serializers.DateTimeField(
        required=False,
        allow_null=True,
        default_timezone=UTC,
        help_text="When the membership ends; null for never.",
    )
    reason = serializers.CharField(
        max_length=LONGEST_REASON, required=False, allow_blank=True, help_text="Why."
    )


class MemberCreateSerializer(MemberUpdateSerializer):
    user = serializers.UUIDField(help_text="The id of the user.")


class BanSerializer(StrictSerializer):
    reason = serializers.CharField(max_length=LONGEST_REASON, help_text="Why, for the trail.")


def changes_of(payload: dict[str, Any]) -> dict[str, Any]:
    """The validated input without what the caller left out."""
    return {name: value for name, value in payload.items() if name != "user"}
