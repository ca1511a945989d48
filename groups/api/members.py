"""Members of one group, and the caller's own memberships."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from core.api.filters import StrictFilterBackend, check_parameters
from core.api.pagination import refuse
from core.api.permissions import ActionPermission, OwnRowsPermission
from core.api.shaping import ShapedViewSet, shape_parameters
from groups.api.expanding import known_roles
from groups.api.filters import MemberFilterSet, OwnMembershipFilterSet
from groups.api.member_serializers import (
    BanSerializer,
    MemberCreateSerializer,
    MemberSerializer,
    MemberUpdateSerializer,
    OwnMembershipSerializer,
)
from groups.models import Group, Membership, MembershipQuerySet
from groups.models.membership import BELONGING, CHANGE_MEMBERSHIP, VIEW_MEMBERSHIP
from groups.services import members as services
from users.api.callers import current_user
from users.models import User

USER = OpenApiParameter("user_pk", UUID, OpenApiParameter.PATH, description="The member's user id.")
GROUP = OpenApiParameter("group_pk", UUID, OpenApiParameter.PATH, description="The group's id.")


EXPANDERS = {"role": known_roles}


@extend_schema(tags=["groups"], parameters=[GROUP])
@extend_schema_view(
    list=extend_schema(
        summary="List the members of a group",
        description="For its members. Where the group's option `members_see_members` is off, "
        "those see only themselves and who runs the group. Requests, bans and who has left are "
        "for those who may change memberships.",
        parameters=shape_parameters(MemberSerializer, EXPANDERS),
    )
)
class MemberViewSet(ShapedViewSet[Membership]):
    """Who belongs to a group, without their e-mail addresses."""

    queryset = Membership.objects.none()  # names the model; get_queryset decides the rows
    serializer_class = MemberSerializer
    permission_classes = [ActionPermission]
    action_permissions = {
        "list": VIEW_MEMBERSHIP,
        "create": "groups.add_membership",
        "partial_update": CHANGE_MEMBERSHIP,
        "destroy": "groups.delete_membership",
        "approve": "groups.add_membership",
        "decline": "groups.add_membership",
        "ban": "groups.delete_membership",
        "unban": "groups.delete_membership",
    }
    problem_statuses = {
        "create": (409,),
        "partial_update": (409,),
        "destroy": (409,),
        "approve": (409,),
        "decline": (409,),
        "ban": (409,),
        "unban": (409,),
    }
    shaped = {"list": MemberSerializer}
    expanders = EXPANDERS
    filter_backends = [StrictFilterBackend]
    filterset_class = MemberFilterSet
    orderings = {"created_at": "id"}
    default_ordering = "created_at"

    def get_queryset(self) -> MembershipQuerySet:
        rows = Membership.objects.visible_to(current_user(self.request)).filter(group=self._group())
        if self.action == "list" and "status" not in self.request.query_params:
            rows = rows.unexpired()
        return rows.select_related("user", "role")

    def get_serializer_context(self) -> dict[str, Any]:
        context = dict(super().get_serializer_context())
        if "group_pk" in self.kwargs:  # not while the document is made
            user = current_user(self.request)
            context["sees_reasons"] = user.has_perm(CHANGE_MEMBERSHIP, self._group())
        return context

    @extend_schema(
        summary="Add a member",
        description="Whether they have asked or not, in a rank below your own.",
        request=MemberCreateSerializer,
        responses={201: MemberSerializer},
    )
    def create(self, request: Request, group_pk: UUID) -> Response:
        group = self._group()
        values = self._payload(MemberCreateSerializer, request)
        user = User.objects.active().filter(pk=values.pop("user")).first()
        if user is None:
            raise refuse("user", "There is no account with this id.", code="does_not_exist")
        actor = current_user(request)
        membership = services.add_member(actor=actor, group=group, user=user, **values)
        return self._shown(membership, status.HTTP_201_CREATED)

    @extend_schema(
        summary="Change a member",
        description="Role, rank or end. Of those below you, and to what is below you.",
        parameters=[USER],
        request=MemberUpdateSerializer,
        responses=MemberSerializer,
    )
    def partial_update(self, request: Request, group_pk: UUID, user_pk: UUID) -> Response:
        membership = self._membership(user_pk)
        values = self._payload(MemberUpdateSerializer, request, partial=True)
        return self._shown(
            services.change_member(actor=current_user(request), membership=membership, **values)
        )

    @extend_schema(
        summary="Remove a member",
        description="They may join or ask again; ban them if they shall not.",
        parameters=[USER],
    )
    def destroy(self, request: Request, group_pk: UUID, user_pk: UUID) -> Response:
        membership = self._membership(user_pk)
        services.remove_member(actor=current_user(request), membership=membership)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        summary="Approve a request to join",
        parameters=[USER],
        request=None,
        responses=MemberSerializer,
    )
    def approve(self, request: Request, group_pk: UUID, user_pk: UUID) -> Response:
        membership = self._membership(user_pk)
        return self._shown(
            services.approve_request(actor=current_user(request), membership=membership)
        )

    @extend_schema(
        summary="Decline a request to join",
        parameters=[USER],
        request=None,
        responses=MemberSerializer,
    )
    def decline(self, request: Request, group_pk: UUID, user_pk: UUID) -> Response:
        membership = self._membership(user_pk)
        return self._shown(
            services.decline_request(actor=current_user(request), membership=membership)
        )

    @extend_schema(
        summary="Ban a member",
        description="They can neither join nor accept an invitation until the ban is lifted.",
        parameters=[USER],
        request=BanSerializer,
        responses=MemberSerializer,
    )
    def ban(self, request: Request, group_pk: UUID, user_pk: UUID) -> Response:
        membership = self._membership(user_pk)
        values = self._payload(BanSerializer, request)
        actor = current_user(request)
        return self._shown(
            services.ban_member(actor=actor, group=membership.group, user=membership.user, **values)
        )

    @extend_schema(
        summary="Lift a ban",
        description="They may join or ask again.",
        parameters=[USER],
        request=None,
        responses=MemberSerializer,
    )
    def unban(self, request: Request, group_pk: UUID, user_pk: UUID) -> Response:
        membership = self._membership(user_pk)
        return self._shown(
            services.unban_member(actor=current_user(request), membership=membership)
        )

    def _group(self) -> Group:
        """The group, if the caller may see it and use this verb on it; read once."""
        known: Group | None = getattr(self, "_known_group", None)
        if known is None:
            if self.action != "list":
                check_parameters(self.request, known=())
            groups = Group.objects.alive().visible_to(current_user(self.request))
            known = get_object_or_404(groups, pk=self.kwargs["group_pk"])
            self.check_object_permissions(self.request, known)
            self._known_group = known
        return known

    def _membership(self, user_pk: UUID) -> Membership:
        rows = self.get_queryset()
        membership: Membership = get_object_or_404(rows, user=user_pk)
        membership.group = self._group()
        return membership

    def _payload(self, kind: Any, request: Request, *, partial: bool = False) -> dict[str, Any]:
        payload = kind(data=request.data, partial=partial)
        payload.is_valid(raise_exception=True)
        return dict(payload.validated_data)

    def _shown(self, membership: Membership, code: int = status.HTTP_200_OK) -> Response:
        return Response(self.get_serializer(membership).data, status=code)


@extend_schema(tags=["me"])
@extend_schema_view(
    list=extend_schema(
        summary="List your memberships",
        description="Also what you have asked for or were invited to, and what has expired.",
    )
)
class OwnMembershipViewSet(ListModelMixin, GenericViewSet[Membership]):
    """The caller's place in each live group."""

    queryset = Membership.objects.none()
    serializer_class = OwnMembershipSerializer
    permission_classes = [OwnRowsPermission]
    action_permissions = {"list": VIEW_MEMBERSHIP}
    filter_backends = [StrictFilterBackend]
    filterset_class = OwnMembershipFilterSet
    orderings = {"created_at": "id"}
    default_ordering = "-created_at"

    def get_queryset(self) -> MembershipQuerySet:
        own = Membership.objects.filter(
            user=current_user(self.request), status__in=BELONGING, group__is_deleted=False
        )
        return own.select_related("group", "role")
