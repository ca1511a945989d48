from django.urls import path
from rest_framework.routers import SimpleRouter

from authorization.api.assignments import RoleAssignmentViewSet
from authorization.api.explaining import ExplanationViewSet, WhoCanViewSet
from authorization.api.permissions import OwnPermissionsViewSet, PermissionsViewSet
from authorization.api.roles import RoleViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("roles", RoleViewSet)
router.register("role-assignments", RoleAssignmentViewSet)

urlpatterns = [
    path("permissions", PermissionsViewSet.as_view({"get": "retrieve"}), name="permissions"),
    path(
        "permissions/explain",
        ExplanationViewSet.as_view({"get": "explain"}),
        name="permissions-explain",
    ),
    path("permissions/who-can", WhoCanViewSet.as_view({"get": "list"}), name="permissions-who-can"),
    path(
        "me/permissions",
        OwnPermissionsViewSet.as_view({"get": "retrieve"}),
        name="me-permissions",
    ),
    *router.urls,
]
