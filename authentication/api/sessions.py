"""The caller's sessions: where they are signed in, and where they were."""

from __future__ import annotations

from typing import Any

import django_filters
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from authentication.api.own_rows import StepUpToChange, session_in_use
from authentication.services import sessions
from authentication.session_words import end_of, factor_of, seconds_used
from core.api.filters import StrictFilterBackend
from core.api.permissions import OwnRowsPermission
from users.api.callers import current_user
from users.models import UserSession, UserSessionQuerySet
from users.risk.wording import in_words


class RiskRuleSerializer(serializers.Serializer[Any]):
    rule = serializers.CharField()
    weight = serializers.IntegerField()
    words = serializers.CharField(help_text="What stood out, for people.")


class SessionSerializer(serializers.ModelSerializer[UserSession]):
    """A session, without what opens it."""

    is_current = serializers.SerializerMethodField(help_text="Whether this request is made in it.")
    is_active = serializers.SerializerMethodField(help_text="Neither ended nor past a limit.")
    device = serializers.UUIDField(source="device_id", allow_null=True)
    device_name = serializers.SerializerMethodField(help_text="What the device is called.")
    ip = serializers.IPAddressField(source="client_ip", allow_null=True)
    method = serializers.CharField(source="login_method", help_text="password, oauth:google…")
    duration = serializers.SerializerMethodField(help_text="Seconds from sign-in to last use.")
    risk_rules = serializers.SerializerMethodField(help_text="What made the score.")
    verified_factor = serializers.SerializerMethodField(
        help_text="app, passkey or backup_codes; empty when no second factor was proven."
    )
    end_reason = serializers.SerializerMethodField(help_text="Empty while it lasts.")

    class Meta:
        model = UserSession
        fields = [
            "id", "is_current", "is_active", "device", "device_name", "device_type", "browser",
            "os", "ip", "country", "city", "method", "signed_in_at", "last_activity_at",
            "request_count", "duration", "risk_score", "risk_rules", "is_suspicious",
            "is_remembered", "verified_factor", "expires_at", "idle_expires_at", "ended_at",
            "end_reason",
        ]  # fmt: skip
        read_only_fields = fields

    def get_is_current(self, session: UserSession) -> bool:
        return bool(session.pk == session_in_use(self.context["request"]))

    def get_is_active(self, session: UserSession) -> bool:
        return session.is_open

    def get_device_name(self, session: UserSession) -> str:
        return str(session.device) if session.device else ""

    def get_duration(self, session: UserSession) -> int:
        return seconds_used(session)

    @extend_schema_field(RiskRuleSerializer(many=True))
    def get_risk_rules(self, session: UserSession) -> list[dict[str, Any]]:
        return [{**fired, "words": in_words([fired["rule"]])} for fired in session.risk_rules]

    def get_verified_factor(self, session: UserSession) -> str:
        return factor_of(session)

    def get_end_reason(self, session: UserSession) -> str:
        return end_of(session)


class EndedSessionsSerializer(serializers.Serializer[Any]):
    ended = serializers.IntegerField(help_text="How many sessions that were.")


class SessionFilterSet(django_filters.FilterSet):  # type: ignore[misc]
    state = django_filters.ChoiceFilter(
        choices=[("active", "active"), ("ended", "ended"), ("all", "all")],
        method="already_chosen",
        help_text="Those that last (the default), those that are over, or both.",
    )

    def already_chosen(
        self, queryset: UserSessionQuerySet, name: str, value: str
    ) -> UserSessionQuerySet:
        """The view's ``get_queryset`` has taken them: without the parameter, too."""
        return queryset


@extend_schema(tags=["me"])
@extend_schema_view(
    list=extend_schema(
        summary="List your sessions",
        description="Where you are signed in, from which device, and what was unusual about it.",
    )
)
class SessionViewSet(StepUpToChange, ListModelMixin, GenericViewSet[UserSession]):
    """The caller's sessions, those that are over too."""

    queryset = UserSession.objects.none()  # names the model; get_queryset decides the rows
    serializer_class = SessionSerializer
    permission_classes = [OwnRowsPermission]
    action_permissions = {
        "list": "users.view_usersession",
        "destroy": "users.delete_usersession",
        "end_others": "users.delete_usersession",
    }
    problem_statuses = {"destroy": (409,)}
    filter_backends = [StrictFilterBackend]
    filterset_class = SessionFilterSet
    orderings = {"last_activity_at": "last_activity_at", "created_at": "id"}
    default_ordering = "-last_activity_at"
    lookup_value_converter = "uuid"

    def get_queryset(self) -> UserSessionQuerySet:
        rows = sessions.sessions_of(current_user(self.request)).select_related("device")
        rows = rows.defer("session_data", "key_hash")
        if self.action != "list":
            return rows
        state = self.request.query_params.get("state", "active")
        if state == "ended":
            return rows.over()
        return rows if state == "all" else rows.active()

    @extend_schema(
        summary="End a session",
        description=(
            "Its very next request is 401. The one in use is refused (409): sign out instead. "
            "A session needs a recent step-up for it (403 `step_up_required`)."
        ),
    )
    def destroy(self, request: Request, pk: Any) -> Response:
        sessions.end_session(
            user=current_user(request), session=self.get_object().pk, this=session_in_use(request)
        )
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        summary="End all other sessions",
        description="All of them, when asked for with an access token. Needs a recent step-up.",
        request=None,
        responses=EndedSessionsSerializer,
    )
    @action(methods=["post"], detail=False, url_path="end-others")
    def end_others(self, request: Request) -> Response:
        ended = sessions.end_other_sessions(
            user=current_user(request), keep=session_in_use(request)
        )
        return Response({"ended": ended})
