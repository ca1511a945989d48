"""The pages of the account that are ours; allauth's own come after them, under the same path."""

from django.urls import path

from authentication.views.sessions import (
    DevicesView,
    EndOtherSessionsView,
    EndSessionView,
    RenameDeviceView,
    SessionsView,
)
from authentication.views.tokens import MakeTokenView, RevokeTokenView, TokensView

urlpatterns = [
    path("sessions/", SessionsView.as_view(), name="account_sessions"),
    path(
        "sessions/end-others/", EndOtherSessionsView.as_view(), name="account_end_other_sessions"
    ),
    path("sessions/<uuid:pk>/end/", EndSessionView.as_view(), name="account_end_session"),
    path("devices/", DevicesView.as_view(), name="account_devices"),
    path("devices/<uuid:pk>/rename/", RenameDeviceView.as_view(), name="account_rename_device"),
    path("tokens/", TokensView.as_view(), name="account_tokens"),
    path("tokens/make/", MakeTokenView.as_view(), name="account_make_token"),
    path("tokens/<uuid:pk>/revoke/", RevokeTokenView.as_view(), name="account_revoke_token"),
]
