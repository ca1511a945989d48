"""Roles over HTTP: looked at by many, changed by those who hold what they hold."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from authorization.api.filters import RoleFilterSet
from authorization.api.serializers import (
    HeldPermissionSerializer,
    PermissionGrantSerializer,
    RoleCloneSerializer,
    RoleComparisonSerializer,
    RoleCreateSerializer,
    RoleDetailSerializer,
    RoleSerializer,
    RoleUpdateSerializer,
    shown_of,
)
from authorization.comparing import compare_roles
from authorization.labels import permissions_named
from authorization.models import Role, RoleQuerySet
from authorization.services import roles as services
from authorization.services.rules import require
from core.api.filters import StrictFilterBackend, check_parameters
from core.api.pagination import refuse
from core.api.permissions import ActionPermission
from core.api.shaping import ShapedViewSet, shape_parameters
from core.json_values import flaw_of_text
from users.api.callers import current_user

WITH = OpenApiParameter("with", UUID, required=True, description="The role to compare it with.")


@extend_schema(tags=["roles"])
@extend_schema_view(
    list=extend_schema(summary="List roles", parameters=shape_parameters(RoleSerializer))
)
class RoleViewSet(ShapedViewSet[Role]):
    """All roles for those who may look at them; else those of groups and the caller's own."""

    queryset = Role.objects.none()  # names the model; get_queryset decides the rows
    serializer_class = RoleSerializer
    permission_classes = [ActionPermission]
    action_permissions = {
        "list": "authorization.view_role",
        "retrieve": "authorization.view_role",
        "compare": "authorization.view_role",
        "create": "authorization.add_role",
        "clone": "authorization.view_role",
        "partial_update": "authorization.change_role",
        "destroy": "authorization.delete_role",
        "restore": "authorization.delete_role",
        "grant": "authorization.add_rolepermission",
        "withdraw": "authorization.delete_rolepermission",
    }
    problem_statuses = dict.fromkeys(
        ("create", "clone", "partial_update", "destroy", "restore", "grant", "withdraw"), (409,)
    )
    shaped = {"list": RoleSerializer, "retrieve": RoleDetailSerializer}
    filter_backends = [StrictFilterBackend]
    filterset_class = RoleFilterSet
    # Keys are UUIDv7: by key is by the moment of making.
    orderings = {"name": "name", "created_at": "id", "updated_at": "updated_at"}
    default_ordering = "name"
    lookup_value_converter = "uuid"

    def get_queryset(self) -> RoleQuerySet:
        user = current_user(self.request)
        if self.action == "list" and self.request.query_params.get("deleted") == "true":
            return Role.objects.restorable_by(user)
        visible = Role.objects.visible_to(user).alive()
        if self.action == "restore":
            return visible | Role.objects.restorable_by(user)
        return visible

    def filter_queryset(self, queryset: Any) -> Any:
        if self.action == "compare":
            check_parameters(self.request, known={"with"})
            return queryset
        return super().filter_queryset(queryset)

    @extend_schema(
        summary="Read a role and what it holds",
        parameters=shape_parameters(RoleDetailSerializer),
        responses=RoleDetailSerializer,
    )
    def retrieve(self, request: Request, pk: Any) -> Response:
        return Response(self.shaped_body(self._detailed(self.get_object())))

    @extend_schema(
        summary="Make a role",
        description="It can hold what you hold yourself, and nothing else.",
        request=RoleCreateSerializer,
        responses={201: RoleDetailSerializer},
    )
    def create(self, request: Request) -> Response:
        actor = current_user(request)
        require(actor, "authorization.add_role")  # before what they sent is looked at
        payload = RoleCreateSerializer(data=request.data)
        payload.is_valid(raise_exception=True)
        return self._made(services.create_role(actor=actor, **payload.validated_data))

    @extend_schema(
        summary="Change a role",
        description="Not a system role, nor one that holds more than you or than its holders' "
        "rights allow you to touch.",
        request=RoleUpdateSerializer,
        responses=RoleDetailSerializer,
    )
    def partial_update(self, request: Request, pk: Any) -> Response:
        role = self.get_object()
        payload = RoleUpdateSerializer(data=request.data, partial=True)
        payload.is_valid(raise_exception=True)
        actor = current_user(request)
        return self._shown(services.update_role(actor=actor, role=role, **payload.validated_data))

    @extend_schema(
        summary="Delete a role",
        description="One that nobody holds; others answer 409. It can be restored.",
    )
    def destroy(self, request: Request, pk: Any) -> Response:
        services.delete_role(actor=current_user(request), role=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        summary="Restore a deleted role",
        description="One that is not deleted stays as it is.",
        request=None,
        responses=RoleDetailSerializer,
    )
    @action(methods=["post"], detail=True)
    def restore(self, request: Request, pk: Any) -> Response:
        role = self.get_object()
        return self._shown(services.restore_role(actor=current_user(request), role=role))

    @extend_schema(
        summary="Clone a role",
        description="Of a system role, too: the clone is yours to change. Nobody holds it.",
        request=RoleCloneSerializer,
        responses={201: RoleDetailSerializer},
    )
    @action(methods=["post"], detail=True)
    def clone(self, request: Request, pk: Any) -> Response:
        role = self.get_object()
        actor = current_user(request)
        require(actor, "authorization.add_role")
        payload = RoleCloneSerializer(data=request.data)
        payload.is_valid(raise_exception=True)
        return self._made(services.clone_role(actor=actor, role=role, **payload.validated_data))

    @extend_schema(
        summary="Compare two roles", parameters=[WITH], responses=RoleComparisonSerializer
    )
    @action(methods=["get"], detail=True)
    def compare(self, request: Request, pk: Any) -> Response:
        left = self.get_object()
        comparison = compare_roles(left, self._other_role())
        return Response(RoleComparisonSerializer(comparison).data)

    def _other_role(self) -> Role:
        try:
            key = UUID(self.request.query_params.get("with", ""))
        except ValueError:
            raise refuse("with", "Give the id of a role.") from None
        other = self.get_queryset().filter(pk=key).first()
        if other is None:
            raise refuse("with", "There is no such role.", code="does_not_exist")
        return other

    @extend_schema(
        summary="Let a role hold a permission",
        request=PermissionGrantSerializer,
        responses={201: HeldPermissionSerializer},
    )
    @action(methods=["post"], detail=True, url_path="permissions")
    def grant(self, request: Request, pk: Any) -> Response:
        role = self.get_object()
        payload = PermissionGrantSerializer(data=request.data)
        payload.is_valid(raise_exception=True)
        actor = current_user(request)
        held = services.grant_permission(actor=actor, role=role, **payload.validated_data)
        [shown] = shown_of([held], for_whom=actor)
        return Response(shown, status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="Take a permission from a role",
        parameters=[
            OpenApiParameter("permission", str, OpenApiParameter.PATH, description="`app.codename`")
        ],
        responses={204: None},
    )
    @action(methods=["delete"], detail=True, url_path="permissions/<str:permission>")
    def withdraw(self, request: Request, pk: Any, permission: str) -> Response:
        role = self.get_object()
        if flaw_of_text(permission):
            raise Http404
        named = permissions_named([permission]).get(permission)
        held = role.role_permissions.select_related("role").filter(permission=named).first()
        if named is None or held is None:
            raise Http404
        services.withdraw_permission(actor=current_user(request), held=held)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _made(self, role: Role) -> Response:
        response = self._shown(role, status.HTTP_201_CREATED)
        response["Location"] = reverse("role-detail", [role.pk], request=self.request)
        return response

    def _detailed(self, role: Role) -> RoleDetailSerializer:
        return RoleDetailSerializer(role, context=self.get_serializer_context())

    def _shown(self, role: Role, code: int = status.HTTP_200_OK) -> Response:
        return Response(self._detailed(role).data, status=code)
