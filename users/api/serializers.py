from __future__ import annotations

from rest_framework import serializers

from core.api.serializers import StrictSerializer
from users.models import User
from users.validators import LANGUAGE_TAG


class ProfileSerializer(serializers.ModelSerializer[User]):
    """The caller, as they see themselves."""

    avatar_url = serializers.CharField(
        read_only=True, help_text="Where the picture is; empty where there is none."
    )

    class Meta:
        model = User
        fields = [
            "id", "username", "email", "first_name", "last_name", "bio", "avatar_url", "locale",
            "timezone", "is_verified", "is_staff", "is_superuser", "totp_required", "last_login",
            "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = fields


class ProfileUpdateSerializer(StrictSerializer):
    first_name = serializers.CharField(max_length=150, allow_blank=True)
    last_name = serializers.CharField(max_length=150, allow_blank=True)
    bio = serializers.CharField(max_length=2000, allow_blank=True)
    avatar_url = serializers.URLField(
        max_length=500, allow_blank=True, help_text="Where the picture is: http or https."
    )
    locale = serializers.RegexField(
        f"^{LANGUAGE_TAG.pattern}$",
        max_length=35,
        help_text="Language tag (BCP 47), such as en or pt-BR.",
    )
    timezone = serializers.CharField(max_length=64, help_text="IANA name, such as Europe/Lisbon.")
