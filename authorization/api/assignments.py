"""Who holds which role everywhere, over HTTP."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from authorization.api.filters import RoleAssignmentFilterSet
from authorization.api.serializers import (
    AssignmentCreateSerializer,
    AssignmentUpdateSerializer,
    RoleAssignmentSerializer,
)
from authorization.models import RoleAssignment, RoleAssignmentQuerySet
from authorization.services import assignments as services
from authorization.services.rules import require
from core.api.filters import StrictFilterBackend
from core.api.permissions import ActionPermission
from core.api.shaping import ShapedViewSet, shape_parameters
from users.api.callers import current_user

SHAPE = shape_parameters(RoleAssignmentSerializer)


@extend_schema(tags=["roles"])
@extend_schema_view(list=extend_schema(summary="List who holds which role", parameters=SHAPE))
class RoleAssignmentViewSet(ShapedViewSet[RoleAssignment]):
    """All assignments for those who may look at them, else the caller's own; expired ones too."""

    queryset = RoleAssignment.objects.none()  # names the model; get_queryset decides the rows
    serializer_class = RoleAssignmentSerializer
    permission_classes = [ActionPermission]
    action_permissions = {
        "list": "authorization.view_roleassignment",
        "retrieve": "authorization.view_roleassignment",
        "create": "authorization.add_roleassignment",
        "partial_update": "authorization.change_roleassignment",
        "destroy": "authorization.delete_roleassignment",
    }
    problem_statuses = dict.fromkeys(("create", "partial_update", "destroy"), (409,))
    shaped = {"list": RoleAssignmentSerializer, "retrieve": RoleAssignmentSerializer}
    filter_backends = [StrictFilterBackend]
    filterset_class = RoleAssignmentFilterSet
    orderings = {"granted_at": "granted_at"}
    default_ordering = "-granted_at"
    lookup_value_converter = "int"

    def get_queryset(self) -> RoleAssignmentQuerySet:
        rows = RoleAssignment.objects.visible_to(current_user(self.request))
        return rows.select_related("user", "role")

    @extend_schema(summary="Read who holds a role, why and until when", parameters=SHAPE)
    def retrieve(self, request: Request, pk: Any) -> Response:
        return Response(self.shaped_body(self.get_serializer(self.get_object())))

    @extend_schema(
        summary="Give somebody a role",
        description="Of one who has it already, it sets the end and the reason anew (200).",
        request=AssignmentCreateSerializer,
        responses={201: RoleAssignmentSerializer, 200: RoleAssignmentSerializer},
    )
    def create(self, request: Request) -> Response:
        actor = current_user(request)
        require(actor, "authorization.add_roleassignment")  # before what they sent is looked at
        payload = AssignmentCreateSerializer(
            data=request.data, context=self.get_serializer_context()
        )
        payload.is_valid(raise_exception=True)
        given = payload.validated_data
        existed = RoleAssignment.objects.filter(user=given["user"], role=given["role"]).exists()
        assignment = services.assign_role(actor=actor, **given)
        code = status.HTTP_200_OK if existed else status.HTTP_201_CREATED
        response = Response(self.get_serializer(assignment).data, status=code)
        response["Location"] = reverse("roleassignment-detail", [assignment.pk], request=request)
        return response

    @extend_schema(
        summary="Set the end of an assignment, or its reason",
        request=AssignmentUpdateSerializer,
        responses=RoleAssignmentSerializer,
    )
    def partial_update(self, request: Request, pk: Any) -> Response:
        assignment = self.get_object()
        payload = AssignmentUpdateSerializer(data=request.data, partial=True)
        payload.is_valid(raise_exception=True)
        actor = current_user(request)
        changed = services.change_assignment(
            actor=actor, assignment=assignment, **payload.validated_data
        )
        return Response(self.get_serializer(changed).data)

    @extend_schema(
        summary="Take a role away", description="It is out of force with the next request."
    )
    def destroy(self, request: Request, pk: Any) -> Response:
        services.revoke_role(actor=current_user(request), assignment=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)
