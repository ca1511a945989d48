from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from core.api.filters import StrictFilterBackend
from core.api.permissions import ActionPermission
from core.context import Via
from core.models import AuditEvent
from items.history import FieldChange, changes_in
from items.models import Item
from items.services.versions import may_see_holder, names_of, versions_of
from users.api.callers import current_user
from users.models import User


class ActorSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(allow_null=True)
    username = serializers.CharField(
        allow_null=True,
        help_text="Null where you may not know the name: of somebody who is no member, say.",
    )


class PathChangeSerializer(serializers.Serializer[Any]):
    op = serializers.CharField(help_text="`add`, `remove` or `replace`.")
    path = serializers.CharField(help_text="A JSON Pointer (RFC 6901).")
    before = serializers.JSONField()
    after = serializers.JSONField()


class FieldChangeSerializer(serializers.Serializer[Any]):
    field = serializers.CharField()
    before = serializers.JSONField()
    after = serializers.JSONField()
    diff = serializers.CharField(
        allow_null=True, help_text="Of a long text, a unified diff instead of the values."
    )
    paths = PathChangeSerializer(many=True, help_text="Of `data`, what changed in it.")
    more_paths = serializers.IntegerField(help_text="How many changes in `data` are left out.")
    is_hidden = serializers.BooleanField(
        help_text="Whether a value is left out because it is not for you: where it came from."
    )


class ItemEventSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    at = serializers.DateTimeField(source="occurred_at")
    action = serializers.CharField(
        help_text="`create`, `update`, `delete`, `restore`, `move`, `revert` and so on."
    )
    via = serializers.ChoiceField(choices=Via.choices)
    version = serializers.IntegerField(
        allow_null=True, help_text="The item's version since; null where it was not recorded."
    )
    actor = ActorSerializer(allow_null=True, help_text="Who did it; null for nobody.")
    changes = FieldChangeSerializer(many=True)


@extend_schema(tags=["items"])
class ItemHistoryViewSet(GenericViewSet[AuditEvent]):
    """What the audit trail has of one item."""

    queryset = AuditEvent.objects.none()  # names the model; list() decides the rows
    serializer_class = ItemEventSerializer
    permission_classes = [ActionPermission]
    action_permissions = {"list": "items.view_item"}
    filter_backends = [StrictFilterBackend]
    orderings = {"at": "id"}
    default_ordering = "-at"

    @extend_schema(
        summary="Read the history of an item",
        description=(
            "Each version, and when it was deleted, restored or moved, newest first. You see what "
            "happened while the item belonged to you, or to a group whose items you may see."
        ),
    )
    def list(self, request: Request, pk: UUID) -> Response:
        viewer = current_user(request)
        visible = Item.objects.alive().visible_to(viewer).select_related("group")
        item = get_object_or_404(visible, pk=pk)
        self.check_object_permissions(request, item)
        rows: QuerySet[AuditEvent] = versions_of(item=item, viewer=viewer)
        page = self.paginate_queryset(self.filter_queryset(rows)) or []
        people = {event.actor_id for event in page if event.actor_id}
        names = names_of(item=item, viewer=viewer, people=people)
        return self.get_paginated_response(
            self.get_serializer([_shown(event, names, viewer) for event in page], many=True).data
        )


def _shown(event: AuditEvent, names: dict[UUID, str], viewer: User) -> dict[str, Any]:
    actor = None
    if event.actor_id:
        name = names.get(event.actor_id)
        actor = {"id": event.actor_id if name else None, "username": name}
    return {
        "id": event.pk,
        "occurred_at": event.occurred_at,
        "action": event.action,
        "via": event.via,
        "version": getattr(event, "version", None),
        "actor": actor,
        "changes": [_seen(change, viewer) for change in changes_in(event.changes)],
    }


def _seen(change: FieldChange, viewer: User) -> FieldChange:
    """Without the key of somebody whose items are not for the viewer to see."""
    if change.field not in {"owner", "group"}:
        return change
    shown = [
        value if value and may_see_holder(viewer, **_holder(change.field, value)) else None
        for value in (change.before, change.after)
    ]
    is_hidden = shown != [change.before, change.after]
    return FieldChange(change.field, shown[0], shown[1], is_hidden=is_hidden)


def _holder(field: str, key: str) -> dict[str, str | None]:
    return {"owner": None, "group": None, field: key}
