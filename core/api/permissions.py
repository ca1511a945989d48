"""Default deny: a view without a permission class of its own answers nobody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

if TYPE_CHECKING:  # rest_framework.views imports this module through the settings
    from rest_framework.views import APIView


class DenyAll(BasePermission):
    """The project's default: whoever adds a view has to say who may use it."""

    message = "This endpoint is open to nobody."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return False


class ActionPermission(BasePermission):
    """Each action of a view needs the permission that ``action_permissions`` names for it.

    ``None`` means any signed-in caller with any token; an action that is not named is refused.
    A token limited to scopes must hold the permission too. What concerns one object is asked of
    the object, so that owners and members pass; an action without an object is for the service
    to refuse.
    """

    message: str | None = None

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not request.user or not request.user.is_authenticated:
            return False
        if not _is_answered(request, view):
            return True  # DRF answers 405 next
        named, permission = _permission_for(request, view)
        if named and not token_allows(request, permission):
            self.message = f"The scopes of this token do not include {permission}."
            return False
        return named

    def has_object_permission(self, request: Request, view: APIView, obj: Any) -> bool:
        named, permission = _permission_for(request, view)
        return named and (permission is None or request.user.has_perm(permission, obj))


class OwnRowsPermission(ActionPermission):
    """For views that serve nothing but the caller's own rows.

    Being theirs is enough; the permissions named are asked of the token's scopes only.
    """

    def has_object_permission(self, request: Request, view: APIView, obj: Any) -> bool:
        return _permission_for(request, view)[0]


def _is_answered(request: Request, view: APIView) -> bool:
    method = (request.method or "").lower()
    return method in view.http_method_names and hasattr(view, method)


def _permission_for(request: Request, view: APIView) -> tuple[bool, str | None]:
    permissions: Mapping[str, str | None] = getattr(view, "action_permissions", {})
    action = getattr(view, "action", None) or (request.method or "").lower()
    if request.method == "OPTIONS":
        return True, None
    return action in permissions, permissions.get(action)


def token_allows(request: Request, permission: str | None) -> bool:
    """Whether the scopes of the caller's token, if it has any, include ``permission``."""
    allows = getattr(request.auth, "allows", None)
    return allows is None or permission is None or allows(permission)
