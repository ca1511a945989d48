from django.urls import path

from users.api.views import ProfileViewSet

urlpatterns = [
    path("me", ProfileViewSet.as_view({"get": "retrieve", "patch": "partial_update"}), name="me"),
]
