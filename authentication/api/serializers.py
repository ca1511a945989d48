from __future__ import annotations

from rest_framework import serializers

from authentication.models import APIToken
from core.api.serializers import StrictSerializer


class APITokenSerializer(serializers.ModelSerializer[APIToken]):
    """A personal access token, without its secret."""

    scopes = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = APIToken
        fields = [
            "id", "name", "prefix", "scopes", "expires_at", "last_used_at", "last_used_ip",
            "revoked_at", "created_at",
        ]  # fmt: skip
        read_only_fields = fields


class NewAPITokenSerializer(APITokenSerializer):
    """A personal access token just made, with its secret."""

    token = serializers.CharField(read_only=True, help_text="The secret; shown only now.")

    class Meta(APITokenSerializer.Meta):
        fields = [*APITokenSerializer.Meta.fields, "token"]
        read_only_fields = fields


class APITokenCreateSerializer(StrictSerializer):
    name = serializers.CharField(max_length=100, help_text="What it is for.")
    scopes = serializers.ListField(
        child=serializers.CharField(max_length=200),
        required=False,
        max_length=100,
        help_text="Permissions (app.codename) it is limited to; an empty list limits nothing.",
    )
    expires_at = serializers.DateTimeField(
        required=False, allow_null=True, help_text="Never, when left out."
    )
