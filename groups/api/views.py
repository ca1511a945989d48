from __future__ import annotations

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.viewsets import GenericViewSet

from core.api.filters import StrictFilterBackend
from core.api.permissions import ActionPermission
from groups.api.filters import GroupFilterSet
from groups.api.serializers import GroupSerializer
from groups.models import Group, GroupQuerySet
from users.api.callers import current_user


@extend_schema(tags=["groups"])
@extend_schema_view(
    list=extend_schema(summary="List the groups you may see"),
    retrieve=extend_schema(summary="Read a group"),
)
class GroupViewSet(ListModelMixin, RetrieveModelMixin, GenericViewSet[Group]):
    """Groups that the caller owns, belongs to with a role that shows them, or may see by a role."""

    queryset = Group.objects.none()  # names the model; get_queryset decides the rows
    serializer_class = GroupSerializer
    permission_classes = [ActionPermission]
    action_permissions = {"list": "groups.view_group", "retrieve": "groups.view_group"}
    filter_backends = [StrictFilterBackend]
    filterset_class = GroupFilterSet
    orderings = {"name": "name", "created_at": "id", "updated_at": "updated_at"}
    default_ordering = "name"
    lookup_value_converter = "uuid"

    def get_queryset(self) -> GroupQuerySet:
        return Group.objects.alive().visible_to(current_user(self.request))
