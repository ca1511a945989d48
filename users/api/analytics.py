"""The numbers of sign-ins and sessions: the caller's own, and everybody's for staff."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from core.api.filters import check_parameters
from core.api.permissions import ActionPermission, OwnRowsPermission
from core.errors import NotAllowedError
from users.analytics.answers import Analytics, analytics, durations_of, totals_of
from users.analytics.periods import MOST_DAYS, USUAL_DAYS, Grouping, Period
from users.analytics.tables import PERIODS, file_name, groups_of, lines_of, table_of
from users.api.callers import current_user
from users.models import User, UserSession

PERMISSION = "users.view_session_analytics"
PARAMETERS = ("from", "to", "group_by")


class AnalyticsTotalsSerializer(serializers.Serializer[Any]):
    sign_ins = serializers.IntegerField(help_text="Sign-ins that were finished.")
    active_sessions = serializers.IntegerField(
        help_text="Sessions that were used, counted on each day on which they were."
    )
    ended_sessions = serializers.IntegerField(help_text="Sessions that ended, for any reason.")
    failures = serializers.IntegerField(help_text="Sign-ins that failed.")
    suspicious = serializers.IntegerField(help_text="Sign-ins that are marked as suspicious.")
    new_devices = serializers.IntegerField(help_text="Devices that were seen for the first time.")


class SessionDurationsSerializer(serializers.Serializer[Any]):
    """Of sessions that ended; days before today to within 2.5 %. Null when none has ended."""

    median_seconds = serializers.FloatField(allow_null=True)
    p95_seconds = serializers.FloatField(
        allow_null=True, help_text="19 of 20 sessions lasted no longer."
    )


class AnalyticsPointSerializer(AnalyticsTotalsSerializer):
    start = serializers.DateField(help_text="Its first day within the range.")
    durations = SessionDurationsSerializer()


class AnalyticsSliceSerializer(serializers.Serializer[Any]):
    value = serializers.CharField(
        help_text='By hour: weekday and hour in UTC, "1-08" is Monday from eight to nine.'
    )
    sign_ins = serializers.IntegerField()


class SignInFailuresSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField()
    failures = serializers.IntegerField()


class AnalyticsSerializer(serializers.Serializer[Any]):
    """Sign-ins and sessions of a range of days, in UTC; those of today up to this moment."""

    group_by = serializers.ChoiceField(choices=Grouping.choices)
    totals = AnalyticsTotalsSerializer()
    durations = SessionDurationsSerializer()
    series = AnalyticsPointSerializer(
        many=True, help_text="By day; by week (from Monday) or month when grouped so."
    )
    groups = AnalyticsSliceSerializer(
        many=True, help_text="Sign-ins by what they are grouped by, the most first; else empty."
    )
    failures_by_reason = SignInFailuresSerializer(many=True)
    uncounted_days = serializers.ListField(
        child=serializers.DateField(),
        help_text="Days that are left out until they are counted; usually none.",
    )

    def get_fields(self) -> dict[str, Any]:
        """``from`` is a word of Python's own."""
        bounds: dict[str, Any] = {"from": serializers.DateField(), "to": serializers.DateField()}
        return {**bounds, **super().get_fields()}


class CSVRenderer(BaseRenderer):
    """What the view has made a table of, or a problem as JSON."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return "".join(lines_of(data)).encode()


DESCRIBED: dict[str, Any] = {
    "parameters": [
        OpenApiParameter(
            "from",
            OpenApiTypes.DATE,
            description=f"First day, in UTC; {USUAL_DAYS} days up to the last one when left out.",
        ),
        OpenApiParameter(
            "to",
            OpenApiTypes.DATE,
            description=f"Last day, today when left out; {MOST_DAYS} days in all at most.",
        ),
        OpenApiParameter(
            "group_by",
            enum=Grouping.values,
            default=str(Grouping.DAY),
            description="By what sign-ins are grouped; a file has a row for each.",
        ),
    ],
    "responses": {
        (200, "application/json"): AnalyticsSerializer,
        (200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, "A table with a line of names."),
    },
}


class AnalyticsViewSet(GenericViewSet[UserSession]):
    """What both endpoints share: reading what is asked, answering as JSON or CSV."""

    queryset = UserSession.objects.none()
    serializer_class = AnalyticsSerializer
    renderer_classes = [JSONRenderer, CSVRenderer]
    filter_backends: list[Any] = []
    pagination_class = None

    def answer(self, request: Request, *, user: User | None) -> Response:
        check_parameters(request, known=PARAMETERS)
        asked = request.query_params
        grouping = _grouping(asked.get("group_by", str(Grouping.DAY)))
        found = analytics(Period.read(asked.get("from"), asked.get("to")), user=user)
        if request.accepted_renderer.format == CSVRenderer.format:
            name = file_name(found, grouping)
            headers = {"Content-Disposition": f'attachment; filename="{name}"'}
            return Response(list(table_of(found, grouping)), headers=headers)
        return Response(body_of(found, grouping))


@extend_schema(tags=["me"])
class OwnAnalyticsViewSet(AnalyticsViewSet):
    """The caller's own sign-ins and sessions."""

    permission_classes = [OwnRowsPermission]
    action_permissions = {"retrieve": "users.view_usersession"}

    @extend_schema(summary="Read the numbers of your sign-ins and sessions", **DESCRIBED)
    def retrieve(self, request: Request) -> Response:
        return self.answer(request, user=current_user(request))


@extend_schema(tags=["analytics"])
class SessionAnalyticsViewSet(AnalyticsViewSet):
    """Everybody's sign-ins and sessions."""

    permission_classes = [ActionPermission]
    action_permissions = {"retrieve": PERMISSION}

    @extend_schema(
        summary="Read the numbers of everybody's sign-ins and sessions",
        description=f"For who holds `{PERMISSION}`.",
        **DESCRIBED,
    )
    def retrieve(self, request: Request) -> Response:
        if not current_user(request).has_perm(PERMISSION):
            raise NotAllowedError(f"You do not hold {PERMISSION}.")
        return self.answer(request, user=None)


def body_of(found: Analytics, grouping: Grouping) -> dict[str, Any]:
    is_series = grouping in PERIODS
    series = found.series(grouping if is_series else Grouping.DAY)
    groups = {} if is_series else groups_of(found, grouping)
    return {
        "from": found.period.first,
        "to": found.period.last,
        "group_by": str(grouping),
        "totals": found.totals(),
        "durations": found.durations(),
        "series": [
            {"start": start, **totals_of(counts), "durations": durations_of(counts)}
            for start, counts in series.items()
        ],
        "groups": [{"value": value, "sign_ins": number} for value, number in groups.items()],
        "failures_by_reason": [
            {"reason": reason, "failures": number}
            for reason, number in found.numbers("failure").items()
        ],
        "uncounted_days": found.uncounted,
    }


def _grouping(name: str) -> Grouping:
    try:
        return Grouping(name)
    except ValueError:
        message = f"Not one of: {', '.join(Grouping.values)}."
        raise ValidationError({"group_by": [ErrorDetail(message, code="invalid_choice")]}) from None
