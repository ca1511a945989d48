"""Pages of groups for people, under ``/accounts/``."""

from django.urls import path

from groups.views import InvitationView

urlpatterns = [
    path("invitations/<str:token>/", InvitationView.as_view(), name="group_invitation"),
]
