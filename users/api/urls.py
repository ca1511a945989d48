from django.urls import path

from users.api.analytics import OwnAnalyticsViewSet, SessionAnalyticsViewSet
from users.api.views import ProfileViewSet

urlpatterns = [
    path("me", ProfileViewSet.as_view({"get": "retrieve", "patch": "partial_update"}), name="me"),
    path(
        "me/sessions/analytics",
        OwnAnalyticsViewSet.as_view({"get": "retrieve"}),
        name="own-session-analytics",
    ),
    path(
        "analytics/sessions",
        SessionAnalyticsViewSet.as_view({"get": "retrieve"}),
        name="session-analytics",
    ),
]
