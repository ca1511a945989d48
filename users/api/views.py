from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from core.api.filters import StrictFilterBackend
from core.api.permissions import OwnRowsPermission
from users import services
from users.api.callers import current_user
from users.api.serializers import ProfileSerializer, ProfileUpdateSerializer
from users.models import User


@extend_schema(tags=["me"])
class ProfileViewSet(GenericViewSet[User]):
    """The caller's own profile."""

    queryset = User.objects.none()
    serializer_class = ProfileSerializer
    permission_classes = [OwnRowsPermission]
    # Any token may ask whose it is; one with scopes changes its owner only if they say so.
    action_permissions = {"retrieve": None, "partial_update": "users.change_user"}
    filter_backends = [StrictFilterBackend]
    pagination_class = None

    @extend_schema(summary="Read your profile")
    def retrieve(self, request: Request) -> Response:
        return Response(self.get_serializer(current_user(request)).data)

    @extend_schema(
        summary="Change your profile", request=ProfileUpdateSerializer, responses=ProfileSerializer
    )
    def partial_update(self, request: Request) -> Response:
        payload = ProfileUpdateSerializer(data=request.data, partial=True)
        payload.is_valid(raise_exception=True)
        actor = current_user(request)
        user = services.update_profile(actor=actor, user=actor, **payload.validated_data)
        return Response(self.get_serializer(user).data)
