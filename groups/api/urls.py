from django.urls import path
from rest_framework.routers import SimpleRouter

from groups.api.invitations import AnswerViewSet, InvitationViewSet
from groups.api.members import MemberViewSet, OwnMembershipViewSet
from groups.api.views import GroupViewSet

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("groups", GroupViewSet)
router.register("groups/<uuid:group_pk>/invitations", InvitationViewSet, basename="invitation")

MEMBERS = "groups/<uuid:group_pk>/members"
ONE_MEMBER = f"{MEMBERS}/<uuid:user_pk>"
MEMBER_ACTIONS = ("approve", "decline", "ban", "unban")

urlpatterns = [
    path("me/memberships", OwnMembershipViewSet.as_view({"get": "list"}), name="own-memberships"),
    path(MEMBERS, MemberViewSet.as_view({"get": "list", "post": "create"}), name="member-list"),
    path(
        ONE_MEMBER,
        MemberViewSet.as_view({"patch": "partial_update", "delete": "destroy"}),
        name="member-detail",
    ),
    *(
        path(f"{ONE_MEMBER}/{name}", MemberViewSet.as_view({"post": name}), name=f"member-{name}")
        for name in MEMBER_ACTIONS
    ),
    path("invitations/accept", AnswerViewSet.as_view({"post": "accept"}), name="invitation-accept"),
    path(
        "invitations/decline", AnswerViewSet.as_view({"post": "decline"}), name="invitation-decline"
    ),
    *router.urls,
]
