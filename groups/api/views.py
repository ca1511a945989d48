from __future__ import annotations

from typing import Any

from django.db.models import Q
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from core.api.client_ids import made
from core.api.conditional import answer_if_changed, etag_of, expected_version
from core.api.filters import StrictFilterBackend
from core.api.pagination import refuse
from core.api.permissions import ActionPermission, OwnRowsPermission
from core.api.schema import ETAG, ETAG_OF_READING, IF_MATCH, IF_NONE_MATCH
from core.api.shaping import ColumnsViewSet, shape_parameters
from groups.api.expanding import known_people
from groups.api.filters import GroupFilterSet
from groups.api.member_serializers import OwnMembershipSerializer
from groups.api.serializers import (
    GroupCreateSerializer,
    GroupDetailSerializer,
    GroupSerializer,
    GroupUpdateSerializer,
    TransferSerializer,
    restorable_until,
)
from groups.models import Group, GroupQuerySet, Membership
from groups.models.membership import BELONGING
from groups.services import groups as services
from groups.services import members, ownership
from users.api.callers import current_user
from users.models import User

# What somebody does about their own place, or is asked of a group that grants nothing: the token's
# scopes count, and the service decides.
LEFT_TO_THE_SERVICE = frozenset({"join", "leave", "restore"})


EXPANDERS = {"owner": known_people}


@extend_schema(tags=["groups"])
@extend_schema_view(
    list=extend_schema(
        summary="List the groups you may see",
        parameters=shape_parameters(GroupSerializer, EXPANDERS),
    )
)
class GroupViewSet(ColumnsViewSet[Group]):
    """Groups that the caller owns, belongs to with a role that shows them, or may see by a role.

    Public ones too, unless they are archived.
    """

    queryset = Group.objects.none()  # names the model; get_queryset decides the rows
    serializer_class = GroupSerializer
    permission_classes = [ActionPermission]
    action_permissions = {
        "list": "groups.view_group",
        "retrieve": "groups.view_group",
        "create": "groups.add_group",
        "partial_update": "groups.change_group",
        "destroy": "groups.delete_group",
        "restore": "groups.delete_group",
        "archive": "groups.delete_group",
        "unarchive": "groups.delete_group",
        "transfer": "groups.change_group",
        "join": "groups.add_membership",
        "leave": "groups.delete_membership",
    }
    problem_statuses = {
        "create": (409, "id_taken"),
        "partial_update": (409, 412, 428),
        "destroy": (409, 412, 428),
        "restore": (409,),
        "archive": (409,),
        "unarchive": (409,),
        "transfer": (409,),
        "join": (409,),
        "leave": (409,),
    }
    shaped = {"list": GroupSerializer, "retrieve": GroupDetailSerializer}
    expanders = EXPANDERS
    derived = {"restorable_until": ("deleted_at", restorable_until)}
    filter_backends = [StrictFilterBackend]
    filterset_class = GroupFilterSet
    orderings = {"name": "name", "created_at": "id", "updated_at": "updated_at"}
    default_ordering = "name"
    lookup_value_converter = "uuid"

    def get_permissions(self) -> list[BasePermission]:
        if self.action in LEFT_TO_THE_SERVICE:
            return [OwnRowsPermission()]
        return super().get_permissions()  # type: ignore[return-value]

    def get_queryset(self) -> GroupQuerySet:
        user = current_user(self.request)
        groups = Group.objects.visible_to(user)
        if self.action == "list" and self.request.query_params.get("deleted") == "true":
            return Group.objects.restorable_by(user)
        if self.action == "restore":
            restorable = Group.objects.restorable_by(user).values("pk")
            visible = groups.alive().values("pk")
            return Group.objects.filter(
                Q(is_deleted=False, pk__in=visible) | Q(is_deleted=True, pk__in=restorable)
            )
        if self.action in LEFT_TO_THE_SERVICE:
            # Who was invited may join what they do not see yet, and leave what grants nothing.
            own = Membership.objects.filter(user=user, status__in=BELONGING).values("group")
            alive = Group.objects.alive()
            return alive.filter(Q(pk__in=groups.values("pk")) | Q(pk__in=own))
        return groups.alive()

    @extend_schema(
        summary="Read a group",
        description="With what you are in it, and what you may do there.",
        parameters=[
            ETAG_OF_READING,
            IF_NONE_MATCH,
            *shape_parameters(GroupDetailSerializer, EXPANDERS),
        ],
        responses={200: GroupDetailSerializer, 304: None},
    )
    def retrieve(self, request: Request, pk: Any) -> Response:
        group = self.get_object()
        body = self.shaped_body(self._detailed(group))
        return answer_if_changed(request, body, etag_of(group.version, body))

    @extend_schema(
        summary="Make a group",
        description="You own it, as its first member.",
        parameters=[ETAG],
        request=GroupCreateSerializer,
        responses={201: GroupDetailSerializer, 200: GroupDetailSerializer},
    )
    def create(self, request: Request) -> Response:
        payload = GroupCreateSerializer(data=request.data)
        payload.is_valid(raise_exception=True)
        group, is_new = made(
            payload.validated_data,
            services.create_group,
            services.create_group_once,
            actor=current_user(request),
        )
        response = self._shown(group, status.HTTP_201_CREATED if is_new else status.HTTP_200_OK)
        response["Location"] = reverse("group-detail", [group.pk], request=request)
        return response

    @extend_schema(
        summary="Change a group",
        description="`settings` are replaced as a whole; an option that is left out has its "
        "default.",
        parameters=[ETAG, IF_MATCH],
        request=GroupUpdateSerializer,
        responses=GroupDetailSerializer,
    )
    def partial_update(self, request: Request, pk: Any) -> Response:
        group = self.get_object()
        version = expected_version(request, group.version)
        payload = GroupUpdateSerializer(data=request.data, partial=True)
        payload.is_valid(raise_exception=True)
        actor = current_user(request)
        return self._shown(
            services.update_group(
                actor=actor, group=group, version=version, **payload.validated_data
            )
        )

    @extend_schema(
        summary="Delete a group",
        description="With its items; it can be restored.",
        parameters=[IF_MATCH],
    )
    def destroy(self, request: Request, pk: Any) -> Response:
        group = self.get_object()
        version = expected_version(request, group.version)
        services.delete_group(actor=current_user(request), group=group, version=version)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        summary="Restore a deleted group",
        description="With what was deleted along with it. One that is not deleted stays as it is.",
        parameters=[ETAG],
        request=None,
        responses=GroupDetailSerializer,
    )
    @action(methods=["post"], detail=True)
    def restore(self, request: Request, pk: Any) -> Response:
        group = services.restore_group(actor=current_user(request), group=self.get_object())
        return self._shown(group)

    @extend_schema(
        summary="Archive a group",
        description="It grants nothing to its members until it is brought back.",
        parameters=[ETAG],
        request=None,
        responses=GroupDetailSerializer,
    )
    @action(methods=["post"], detail=True)
    def archive(self, request: Request, pk: Any) -> Response:
        group = services.archive_group(actor=current_user(request), group=self.get_object())
        return self._shown(group)

    @extend_schema(
        summary="Bring back an archived group",
        parameters=[ETAG],
        request=None,
        responses=GroupDetailSerializer,
    )
    @action(methods=["post"], detail=True)
    def unarchive(self, request: Request, pk: Any) -> Response:
        group = services.unarchive_group(actor=current_user(request), group=self.get_object())
        return self._shown(group)

    @extend_schema(
        summary="Hand a group over",
        description="To an active member. Its owner does this, or who may do everywhere all that "
        "the owner of a group may.",
        parameters=[ETAG],
        request=TransferSerializer,
        responses=GroupDetailSerializer,
    )
    @action(methods=["post"], detail=True)
    def transfer(self, request: Request, pk: Any) -> Response:
        group = self.get_object()
        payload = TransferSerializer(data=request.data)
        payload.is_valid(raise_exception=True)
        values = dict(payload.validated_data)
        # Only members are known by their id: others are as good as not there.
        to = User.objects.alive().filter(pk=values.pop("to"), memberships__group=group).first()
        if to is None:
            raise refuse("to", "Nobody in this group has this id.", code="does_not_exist")
        actor = current_user(request)
        return self._shown(ownership.transfer_ownership(actor=actor, group=group, to=to, **values))

    @extend_schema(
        summary="Join a group",
        description="At once where it is public and open, or has invited you; else it is a "
        "request, which somebody in the group approves. See `status`.",
        request=None,
        responses=OwnMembershipSerializer,
    )
    @action(methods=["post"], detail=True)
    def join(self, request: Request, pk: Any) -> Response:
        membership = members.join_group(actor=current_user(request), group=self.get_object())
        return Response(OwnMembershipSerializer(membership).data)

    @extend_schema(
        summary="Leave a group",
        description="Takes back a request, and refuses an invitation, too.",
        request=None,
        responses={204: None},
    )
    @action(methods=["post"], detail=True)
    def leave(self, request: Request, pk: Any) -> Response:
        members.leave_group(actor=current_user(request), group=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _detailed(self, group: Group) -> GroupDetailSerializer:
        return GroupDetailSerializer(group, context=self.get_serializer_context())

    def _shown(self, group: Group, code: int = status.HTTP_200_OK) -> Response:
        body = self._detailed(group).data
        # Who is in it, and what the caller may do there, changes without a new version.
        return Response(body, status=code, headers={"ETag": etag_of(group.version, body)})
