from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from authentication.api.serializers import (
    APITokenCreateSerializer,
    APITokenSerializer,
    NewAPITokenSerializer,
)
from authentication.models import APIToken, APITokenQuerySet
from authentication.services import api_tokens
from authentication.step_up import RecentStepUp
from core.api.filters import StrictFilterBackend
from core.api.permissions import OwnRowsPermission
from users.api.callers import current_user


@extend_schema(tags=["me"])
@extend_schema_view(list=extend_schema(summary="List your access tokens"))
class TokenViewSet(ListModelMixin, GenericViewSet[APIToken]):
    """The caller's personal access tokens, revoked ones too."""

    queryset = APIToken.objects.none()  # names the model; get_queryset decides the rows
    serializer_class = APITokenSerializer
    permission_classes = [OwnRowsPermission]
    action_permissions = {
        "list": "authentication.view_apitoken",
        "create": "authentication.add_apitoken",
        "destroy": "authentication.delete_apitoken",
    }
    filter_backends = [StrictFilterBackend]
    orderings = {"created_at": "id", "name": "name"}
    default_ordering = "-created_at"
    lookup_value_converter = "uuid"

    def get_permissions(self) -> list[Any]:
        """A session makes a token that outlives it: only after a step-up."""
        needed: list[Any] = list(super().get_permissions())
        return [*needed, RecentStepUp()] if self.action == "create" else needed

    def get_queryset(self) -> APITokenQuerySet:
        return APIToken.objects.filter(user=current_user(self.request))

    @extend_schema(
        summary="Make an access token",
        description=(
            "The answer holds the token itself, which is never shown again. A token made with a "
            "token has its scopes and its expiry at most. A session makes one only after a recent "
            "step-up (403 `step_up_required`)."
        ),
        request=APITokenCreateSerializer,
        responses={201: NewAPITokenSerializer},
    )
    def create(self, request: Request) -> Response:
        payload = APITokenCreateSerializer(data=request.data)
        payload.is_valid(raise_exception=True)
        actor = current_user(request)
        through = request.auth if isinstance(request.auth, APIToken) else None
        token, secret = api_tokens.create_api_token(
            actor=actor, user=actor, through=through, **payload.validated_data
        )
        body = {**self.get_serializer(token).data, "token": secret}
        headers = {"Cache-Control": "no-store"}
        return Response(body, status=status.HTTP_201_CREATED, headers=headers)

    @extend_schema(summary="Revoke an access token")
    def destroy(self, request: Request, pk: Any) -> Response:
        api_tokens.revoke_api_token(actor=current_user(request), token=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)
