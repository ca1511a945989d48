"""All permissions in words, and those of the caller."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from authorization.access import access_of, objects_held
from authorization.api.serializers import (
    OwnPermissionsSerializer,
    PermissionListSerializer,
)
from authorization.labels import by_module, every_permission
from authorization.models import Role
from core.api.filters import check_parameters
from core.api.permissions import ActionPermission
from users.api.callers import current_user

GROUPS = "groups"


class PermissionsViewSet(ViewSet):
    permission_classes = [ActionPermission]
    action_permissions = {"retrieve": None}

    @extend_schema(
        summary="List all permissions in words, by module",
        tags=["roles"],
        responses=PermissionListSerializer,
    )
    def retrieve(self, request: Request) -> Response:
        check_parameters(request, known=())
        modules = {"modules": by_module(every_permission())}
        return Response(PermissionListSerializer(modules).data)


class OwnPermissionsViewSet(ViewSet):
    permission_classes = [ActionPermission]
    action_permissions = {"retrieve": None}

    @extend_schema(
        summary="Read what you may do, everywhere and in each group",
        description="A token with scopes is told what is left of it within them.",
        tags=["me"],
        responses=OwnPermissionsSerializer,
    )
    def retrieve(self, request: Request) -> Response:
        check_parameters(request, known=())
        user = current_user(request)
        scopes = set(getattr(request.auth, "scopes", None) or ())
        within = scopes.intersection if scopes else set[str]
        body = {
            "everywhere": sorted(within(user.get_all_permissions())),
            "groups": self._groups(user, scopes, within),
        }
        return Response(OwnPermissionsSerializer(body).data)

    def _groups(
        self, user: Any, scopes: set[str], within: Callable[[set[str]], set[str]]
    ) -> list[dict[str, Any]]:
        held = access_of(user).objects.get(GROUPS, {})
        names: dict[UUID, str] = {row.pk: str(row) for row in objects_held(user, GROUPS)}
        roles = Role.objects.in_bulk({key for key in held.values() if key is not None})
        found = []
        for key, role in held.items():
            allowed = access_of(user).permissions_on(GROUPS, key)
            found.append(
                {
                    "id": key,
                    "name": names.get(key, ""),
                    "role": roles.get(role) if role else None,
                    "holds_everything": allowed is None and not scopes,
                    "permissions": sorted(scopes if allowed is None else within(allowed)),
                }
            )
        return sorted(found, key=lambda group: (group["name"], str(group["id"])))
