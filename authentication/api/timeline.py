"""What has happened to the caller's account, from the audit trail."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.mixins import ListModelMixin
from rest_framework.viewsets import GenericViewSet

from authentication.timeline import KINDS, Entry, entry_of, timeline_of
from core.api.filters import MomentFilter, StrictFilterBackend
from core.api.permissions import OwnRowsPermission
from core.models import AuditEvent
from users.api.callers import current_user

BY = ("you", "staff", "")
OUTCOMES = ("success", "failure")


class TimelineEntrySerializer(serializers.Serializer[Any]):
    """An event about the account. What staff did is told without who and where from."""

    id = serializers.IntegerField()
    occurred_at = serializers.DateTimeField()
    kind = serializers.CharField(help_text=f"One of {', '.join(KINDS)}.")
    action = serializers.CharField(help_text="Stable, for programs.")
    words = serializers.CharField(help_text="What happened, for people.")
    subject = serializers.CharField(help_text="Such as the device's name, or how one signed in.")
    reason = serializers.CharField(help_text="Why, where there is something to say.")
    by = serializers.ChoiceField(choices=BY, help_text="Empty: not known.")
    ip = serializers.IPAddressField(allow_null=True)
    agent = serializers.CharField(help_text="Browser and system, of sign-ins.")
    outcome = serializers.ChoiceField(choices=OUTCOMES)

    def to_representation(self, instance: AuditEvent) -> dict[str, Any]:
        entry: Entry = entry_of(instance, self.context["user"])
        shown: dict[str, Any] = super().to_representation(entry)
        return shown


class TimelineFilterSet(django_filters.FilterSet):  # type: ignore[misc]
    kind = django_filters.ChoiceFilter(
        choices=[(kind, kind) for kind in KINDS], method="already_chosen"
    )
    occurred_after = MomentFilter(
        field_name="occurred_at", lookup_expr="gte", help_text="This moment or later."
    )
    occurred_before = MomentFilter(
        field_name="occurred_at", lookup_expr="lt", help_text="Earlier than this moment."
    )

    def already_chosen(
        self, queryset: QuerySet[AuditEvent], name: str, value: str
    ) -> QuerySet[AuditEvent]:
        """The view's ``get_queryset`` has asked for events of this kind only."""
        return queryset


@extend_schema(tags=["me"])
@extend_schema_view(
    list=extend_schema(
        summary="Read your security timeline",
        description=(
            "Sign-ins, refusals, and changes of what opens your account, by you or by staff; "
            "newest first."
        ),
    )
)
class TimelineViewSet(ListModelMixin, GenericViewSet[AuditEvent]):
    """The audit trail of the caller's own account."""

    queryset = AuditEvent.objects.none()  # names the model; get_queryset decides the rows
    serializer_class = TimelineEntrySerializer
    permission_classes = [OwnRowsPermission]
    action_permissions = {"list": "core.view_auditevent"}
    filter_backends = [StrictFilterBackend]
    filterset_class = TimelineFilterSet
    orderings = {"occurred_at": "id"}
    default_ordering = "-occurred_at"

    def get_queryset(self) -> QuerySet[AuditEvent]:
        kind = self.request.query_params.get("kind", "")
        return timeline_of(current_user(self.request), kind=kind)

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "user": self.request.user}
