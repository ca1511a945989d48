"""Password resets that the caller, or somebody in their name, has asked for."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers, status
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from authentication.models import PasswordResetToken, PasswordResetTokenQuerySet
from authentication.services.password_resets import revoke_reset_tokens
from core.api.filters import StrictFilterBackend
from core.api.permissions import OwnRowsPermission
from users.api.callers import current_user


class PasswordResetSerializer(serializers.ModelSerializer[PasswordResetToken]):
    """A mailed link to set a new password, without what opens it."""

    class Meta:
        model = PasswordResetToken
        fields = [
            "id", "email", "created_at", "expires_at", "used_at", "revoked_at",
            "revocation_reason", "client_ip", "user_agent",
        ]  # fmt: skip
        read_only_fields = fields


@extend_schema(tags=["me"])
@extend_schema_view(
    list=extend_schema(
        summary="List your password resets",
        description="Each says when and from where a link was asked for, and what became of it.",
    )
)
class PasswordResetViewSet(ListModelMixin, GenericViewSet[PasswordResetToken]):
    """The caller's password reset links: open, used, revoked and expired ones."""

    queryset = PasswordResetToken.objects.none()  # names the model; get_queryset decides the rows
    serializer_class = PasswordResetSerializer
    permission_classes = [OwnRowsPermission]
    action_permissions = {
        "list": "authentication.view_passwordresettoken",
        "destroy": "authentication.delete_passwordresettoken",
    }
    filter_backends = [StrictFilterBackend]
    orderings = {"created_at": "id"}
    default_ordering = "-created_at"
    lookup_value_converter = "uuid"

    def get_queryset(self) -> PasswordResetTokenQuerySet:
        rows = PasswordResetToken.objects.filter(user=current_user(self.request))
        return rows.defer("token_hash")

    @extend_schema(
        summary="Revoke a password reset",
        description="The link stops working. One that is used or expired stays as it is.",
    )
    def destroy(self, request: Request, pk: Any) -> Response:
        revoke_reset_tokens(
            PasswordResetToken.objects.filter(pk=self.get_object().pk),
            actor=current_user(request),
            reason="Revoked by its owner.",
        )
        return Response(status=status.HTTP_204_NO_CONTENT)
