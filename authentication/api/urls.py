from django.urls import path
from rest_framework.routers import SimpleRouter

from authentication.api.devices import DeviceViewSet
from authentication.api.password_resets import PasswordResetViewSet
from authentication.api.personal_data import DeletionViewSet, ExportViewSet
from authentication.api.sessions import SessionViewSet
from authentication.api.timeline import TimelineViewSet
from authentication.api.views import TokenViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("me/tokens", TokenViewSet)
router.register("me/password-resets", PasswordResetViewSet)
router.register("me/sessions", SessionViewSet)
router.register("me/devices", DeviceViewSet)
router.register("me/timeline", TimelineViewSet)

urlpatterns = [
    *router.urls,
    path("me/export", ExportViewSet.as_view({"post": "create"}), name="export"),
    path(
        "me/deletion",
        DeletionViewSet.as_view({"get": "retrieve", "post": "create", "delete": "destroy"}),
        name="deletion",
    ),
]
