"""Inviting by e-mail, and answering an invitation by its token."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet, ViewSet

from authorization.models import Role, RoleScope
from core.api.filters import StrictFilterBackend
from core.api.permissions import ActionPermission
from core.api.serializers import StrictSerializer
from core.errors import NotAllowedError
from groups.models import Group, Invitation, InvitationQuerySet, Membership, MembershipRank
from groups.models.invitation import VIEW_INVITATION
from groups.services import invitations as services
from users.api.callers import current_user
from users.models import User

STATES = ("pending", "expired", "accepted", "declined", "withdrawn")
LONGEST_TOKEN = 200


class InvitationSerializer(serializers.ModelSerializer[Invitation]):
    state = serializers.SerializerMethodField()

    class Meta:
        model = Invitation
        fields = [
            "id", "group", "email", "role", "rank", "membership_expires_at", "state", "expires_at",
            "sent_at", "sent_count", "invited_by", "accepted_by", "accepted_at", "declined_at",
            "withdrawn_at", "created_at",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field({"type": "string", "enum": list(STATES)})
    def get_state(self, invitation: Invitation) -> str:
        return invitation.state


class InvitationCreateSerializer(StrictSerializer):
    email = serializers.EmailField(max_length=254)
    role = serializers.PrimaryKeyRelatedField(
        queryset=Role.objects.filter(scope=RoleScope.GROUP, is_deleted=False, is_active=True),
        pk_field=serializers.UUIDField(),
        required=False,
        help_text="What the new member may do; the group's default role when left out.",
    )
    rank = serializers.ChoiceField(choices=MembershipRank.choices, required=False)
    membership_expires_at = serializers.DateTimeField(
        required=False, allow_null=True, help_text="When the membership ends; never, when left out."
    )


class InvitationTokenSerializer(StrictSerializer):
    token = serializers.CharField(
        max_length=LONGEST_TOKEN, help_text="From the link in the mail.", write_only=True
    )


class JoinedGroupSerializer(serializers.ModelSerializer[Membership]):
    """The membership that an invitation has made."""

    class Meta:
        model = Membership
        fields = ["group", "role", "rank", "status", "joined_at", "expires_at"]
        read_only_fields = fields


class InvitationFilterSet(django_filters.FilterSet):  # type: ignore[misc]
    state = django_filters.ChoiceFilter(
        choices=[(state, state) for state in STATES], method="with_state"
    )

    def with_state(self, rows: InvitationQuerySet, _name: str, state: str) -> QuerySet[Invitation]:
        return rows.in_state(state)


class InvitationPermission(ActionPermission):
    """As in its group; members send again and take back what they have sent themselves."""

    def has_object_permission(self, request: Request, view: Any, obj: Any) -> bool:
        own = isinstance(obj, Invitation) and obj.invited_by_id == request.user.pk
        return own or super().has_object_permission(request, view, obj)


@extend_schema(tags=["groups"])
@extend_schema_view(
    list=extend_schema(
        summary="List the invitations of a group",
        description="Newest first, for those who hold `groups.view_invitation` on the group.",
    )
)
class InvitationViewSet(ListModelMixin, GenericViewSet[Invitation]):
    """Whom a group invited by e-mail. Nothing here tells whether an address has an account."""

    queryset = Invitation.objects.none()  # names the model; get_queryset decides the rows
    serializer_class = InvitationSerializer
    permission_classes = [InvitationPermission]
    action_permissions = {
        "list": VIEW_INVITATION,
        "create": "groups.add_invitation",
        "destroy": "groups.delete_invitation",
        "resend": "groups.add_invitation",
    }
    problem_statuses = {
        "create": (409,),
        "destroy": (409, "invitation_over"),
        "resend": (409, "invitation_over"),
    }
    filter_backends = [StrictFilterBackend]
    filterset_class = InvitationFilterSet
    orderings = {"created_at": "id"}
    default_ordering = "-created_at"
    lookup_value_converter = "uuid"

    def get_queryset(self) -> InvitationQuerySet:
        user, group = current_user(self.request), self._group()
        rows = Invitation.objects.filter(group=group)
        if self.action != "list":
            rows = rows.select_related("group", "role")
            may_see = user.has_perm(VIEW_INVITATION, group)
            return rows if may_see else rows.filter(invited_by=user)
        if not user.has_perm(VIEW_INVITATION, group):
            raise NotAllowedError("Only those who run the group see whom it has invited.")
        return rows

    def _group(self) -> Group:
        groups = Group.objects.alive().visible_to(current_user(self.request))
        return get_object_or_404(groups, pk=self.kwargs["group_pk"])

    @extend_schema(
        summary="Invite somebody by e-mail",
        description=(
            "Mails a link that works once. The answer is the same whether or not the address has "
            "an account. It takes `groups.add_invitation` on the group, or that the group lets its "
            "members invite; nobody offers a rank or a role beyond their own."
        ),
        request=InvitationCreateSerializer,
        responses={201: InvitationSerializer},
    )
    def create(self, request: Request, group_pk: Any) -> Response:
        group = self._group()
        payload = InvitationCreateSerializer(data=request.data)
        payload.is_valid(raise_exception=True)
        invitation = services.invite(
            actor=current_user(request), group=group, **payload.validated_data
        )
        body = self.get_serializer(invitation).data
        return Response(body, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Withdraw an invitation", description="Its link stops working.")
    def destroy(self, request: Request, group_pk: Any, pk: Any) -> Response:
        services.withdraw_invitation(actor=current_user(request), invitation=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        summary="Send an invitation again",
        description=(
            "With a new link, which replaces the one before. Five minutes apart, and five times "
            "in all."
        ),
        request=None,
        responses=InvitationSerializer,
    )
    @action(methods=["post"], detail=True)
    def resend(self, request: Request, group_pk: Any, pk: Any) -> Response:
        invitation = services.resend_invitation(
            actor=current_user(request), invitation=self.get_object()
        )
        return Response(self.get_serializer(invitation).data)


class AnswerPermission(ActionPermission):
    """The token in a mail permits to decline without an account; to accept takes one."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return getattr(view, "action", "") == "decline" or super().has_permission(request, view)


@extend_schema(tags=["groups"], request=InvitationTokenSerializer)
class AnswerViewSet(ViewSet):
    """Answering an invitation by the token of its mail."""

    permission_classes = [AnswerPermission]
    # A token limited to scopes joins no group without this one.
    action_permissions = {"accept": "groups.add_membership", "decline": None}
    problem_statuses = dict.fromkeys(("accept", "decline"), (409, "invitation_over"))

    @extend_schema(summary="Accept an invitation", responses=JoinedGroupSerializer)
    def accept(self, request: Request) -> Response:
        membership = services.accept_invitation(
            actor=current_user(request), token=_token_of(request)
        )
        return Response(JoinedGroupSerializer(membership).data)

    @extend_schema(
        summary="Decline an invitation",
        description="Without signing in, too.",
        responses={204: None},
    )
    def decline(self, request: Request) -> Response:
        user = request.user
        actor = user if isinstance(user, User) else None
        services.decline_invitation(token=_token_of(request), actor=actor)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _token_of(request: Request) -> str:
    payload = InvitationTokenSerializer(data=request.data)
    payload.is_valid(raise_exception=True)
    token: str = payload.validated_data["token"]
    return token
