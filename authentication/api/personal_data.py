"""What the caller may ask for about their own data: a copy of it, and an end to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.permissions import BasePermission
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from authentication.models import APIToken
from authentication.personal_data.answers import as_download
from authentication.personal_data.closing import ask_for_deletion, cancel_deletion
from authentication.personal_data.export import export_data
from authentication.step_up import RecentStepUp
from core.api.filters import StrictFilterBackend
from core.api.permissions import OwnRowsPermission
from core.api.serializers import StrictSerializer
from core.personal_data import obstacles_of
from users.api.callers import current_user
from users.models import User

if TYPE_CHECKING:
    from rest_framework.views import APIView


class SessionsOnly(BasePermission):
    """Not for access tokens: a program has no business with all of it, nor with its end."""

    message = "This takes a session: an access token cannot do it, whatever its scopes."
    code = "session_required"

    def has_permission(self, request: Request, view: APIView) -> bool:
        return not isinstance(request.auth, APIToken)


class ZipRenderer(BaseRenderer):
    """Lets clients ask for what they get: ``Accept: application/zip``."""

    media_type = "application/zip"
    format = "zip"
    charset = None

    def render(self, data: Any, *args: Any, **kwargs: Any) -> Any:
        return data


@extend_schema(tags=["me"])
class ExportViewSet(GenericViewSet[User]):
    """Everything that is kept about the caller."""

    queryset = User.objects.none()
    serializer_class = None
    permission_classes = [OwnRowsPermission, SessionsOnly, RecentStepUp]
    action_permissions = {"create": None}
    filter_backends = [StrictFilterBackend]
    pagination_class = None
    renderer_classes = [JSONRenderer, ZipRenderer]

    @extend_schema(
        operation_id="me_export",
        summary="Export your data",
        description=(
            "A ZIP of JSON files, and a `manifest.json` that says what each is. For a session "
            "after a recent step-up (403 `step_up_required`), five times a day; an access token "
            "cannot (403 `session_required`). Its owner is told by mail."
        ),
        request=None,
        responses={(200, "application/zip"): OpenApiTypes.BINARY},
    )
    def create(self, request: Request) -> HttpResponseBase:
        export = export_data(actor=current_user(request))
        return as_download(export, request._request)


class DeletionObstacleSerializer(serializers.Serializer[Any]):
    code = serializers.CharField(help_text="Stable, for programs.")
    detail = serializers.CharField(help_text="What is in the way, and what to do about it.")


class AccountDeletionSerializer(serializers.Serializer[Any]):
    """Whether the account is to be deleted, and what is in the way of it."""

    due_at = serializers.DateTimeField(
        allow_null=True, help_text="When it is deleted; null as long as nobody asks for it."
    )
    grace_days = serializers.IntegerField(help_text="How long the owner may change their mind.")
    obstacles = DeletionObstacleSerializer(many=True)


class AccountDeletionAskSerializer(StrictSerializer):
    username = serializers.CharField(
        max_length=150, help_text="The caller's own username, typed to confirm it."
    )


@extend_schema(tags=["me"])
class DeletionViewSet(GenericViewSet[User]):
    """The end of the caller's account."""

    queryset = User.objects.none()
    serializer_class = AccountDeletionSerializer
    permission_classes = [OwnRowsPermission, SessionsOnly]
    action_permissions = {"retrieve": None, "create": None, "destroy": None}
    problem_statuses = {"create": ("account_has_obstacles",)}
    filter_backends = [StrictFilterBackend]
    pagination_class = None

    def get_permissions(self) -> list[Any]:
        needed: list[Any] = list(super().get_permissions())
        return [*needed, RecentStepUp()] if self.action == "create" else needed

    @extend_schema(
        summary="Read when your account is deleted",
        description="And what is in the way of deleting it, if anything is.",
    )
    def retrieve(self, request: Request) -> Response:
        return Response(self._state(current_user(request)))

    @extend_schema(
        summary="Ask for the deletion of your account",
        description=(
            "After a grace period the account is deleted and everything personal removed from it, "
            "for good; until then it works as before. For a session after a recent step-up (403 "
            "`step_up_required`). Asked for again, the day stays. 409 `account_has_obstacles` "
            "names what is in the way, such as a group that others belong to."
        ),
        request=AccountDeletionAskSerializer,
        responses={202: AccountDeletionSerializer},
    )
    def create(self, request: Request) -> Response:
        payload = AccountDeletionAskSerializer(data=request.data)
        payload.is_valid(raise_exception=True)
        actor = current_user(request)
        actor.deletion_due_at = ask_for_deletion(actor=actor, **payload.validated_data)
        return Response(self._state(actor), status=status.HTTP_202_ACCEPTED)

    @extend_schema(
        summary="Keep your account",
        description="Cancels the deletion that was asked for. Where none was, nothing happens.",
        responses={204: None},
    )
    def destroy(self, request: Request) -> Response:
        actor = current_user(request)
        cancel_deletion(actor=actor, user=actor)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _state(self, user: User) -> Any:
        state = {
            "due_at": user.deletion_due_at,
            "grace_days": settings.ACCOUNT_DELETION_GRACE_DAYS,
            "obstacles": obstacles_of(user),
        }
        return self.get_serializer(state).data
