"""Joining and leaving by oneself, and being let in."""

from datetime import timedelta

import pytest
from django.utils import timezone

from authorization.models import Role
from authorization.tests.factories import RoleAssignmentFactory, RoleFactory
from core.errors import ConflictError, DomainError, NotAllowedError
from core.models import AuditEvent
from groups.models import Group, Membership
from groups.services import members as services
from groups.tests.factories import MembershipFactory, anew, member_of, owned_group
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

YESTERDAY, TOMORROW = -timedelta(days=1), timedelta(days=1)


def soon(delta=TOMORROW):
    return timezone.now() + delta


def trail_of(membership):
    events = AuditEvent.objects.filter(model="membership", object_id=str(membership.pk))
    return list(events.order_by("id").values_list("action", flat=True))


def count(group):
    return Group.objects.values_list("member_count", flat=True).get(pk=group.pk)


def test_an_open_and_public_group_is_joined_at_once_and_left():
    group = owned_group(is_public=True, is_open=True)
    user = UserFactory()

    joined = services.join_group(actor=user, group=group)

    assert (joined.status, joined.rank, joined.role.slug) == ("active", "member", "group-member")
    assert count(group) == 2
    assert anew(user).has_perm("items.add_item", group)
    with pytest.raises(ConflictError, match="already"):
        services.join_group(actor=user, group=group)
    services.leave_group(actor=user, group=group)
    assert count(group) == 1
    assert not anew(user).has_perm("items.add_item", group)
    with pytest.raises(ConflictError, match="not a member"):
        services.leave_group(actor=user, group=group)
    services.join_group(actor=user, group=group)
    assert trail_of(joined) == ["join", "leave", "join"]


@pytest.mark.parametrize("is_open", [True, False])
def test_another_group_is_asked_and_somebody_in_it_approves(is_open):
    """Open, but not public: only staff see it without belonging to it."""
    group = owned_group(is_public=not is_open, is_open=is_open)
    permissions = ["groups.view_group"] if is_open else []
    user = RoleAssignmentFactory(role=RoleFactory(permissions=permissions)).user
    admin = member_of(group, "group-admin", rank="admin").user
    member = member_of(group).user

    request = services.join_group(actor=user, group=group)
    again = services.join_group(actor=user, group=group)

    assert (request.status, again.pk) == ("requested", request.pk)
    assert not anew(user).has_perm("items.view_item", group)
    for nobody in (member, user, UserFactory()):
        for answer in (services.approve_request, services.decline_request):
            with pytest.raises(NotAllowedError):
                answer(actor=nobody, membership=request)
    services.decline_request(actor=admin, membership=request)
    with pytest.raises(ConflictError, match="no request"):
        services.approve_request(actor=admin, membership=request)
    services.join_group(actor=user, group=group)
    approved = services.approve_request(actor=admin, membership=request)
    assert (approved.status, approved.granted_by, count(group)) == ("active", admin, 4)
    assert trail_of(request) == ["request", "decline", "request", "approve"]


def test_a_private_group_that_one_does_not_see_is_not_joined():
    group, stranger = owned_group(is_open=True), UserFactory()

    with pytest.raises(NotAllowedError):
        services.join_group(actor=stranger, group=group)

    assert not Membership.objects.filter(user=stranger).exists()


def test_who_was_invited_joins_as_what_they_were_invited_to():
    group = owned_group()
    invited = member_of(group, "group-viewer", rank="admin", status="invited", joined_at=None)
    late = member_of(group, status="invited", joined_at=None, expires_at=soon(YESTERDAY))

    joined = services.join_group(actor=invited.user, group=group)

    assert (joined.status, joined.rank, joined.role.slug) == ("active", "admin", "group-viewer")
    with pytest.raises(NotAllowedError):
        services.join_group(actor=late.user, group=group)
    services.leave_group(actor=late.user, group=group)
    late.refresh_from_db()
    assert late.status == "left"


def test_who_was_banned_neither_joins_nor_is_approved_nor_accepts_an_invitation():
    group = owned_group(is_public=True, is_open=True)
    member = member_of(group)

    with pytest.raises(DomainError, match="reason"):
        services.ban_member(actor=group.owner, group=group, user=member.user, reason=" ")
    banned = services.ban_member(
        actor=group.owner, group=group, user=member.user, reason="Sold the boat"
    )

    assert (banned.status, banned.reason, count(group)) == ("banned", "Sold the boat", 1)
    assert not anew(member.user).has_perm("items.view_item", group)
    with pytest.raises(NotAllowedError, match="banned"):
        services.join_group(actor=member.user, group=group)
    with pytest.raises(NotAllowedError, match="banned"):
        services.admit(
            group=group,
            user=member.user,
            role=services.default_role(group),
            rank="member",
            expires_at=None,
            invited_by=group.owner,
        )
    with pytest.raises(ConflictError, match="no request"):
        services.approve_request(actor=group.owner, membership=member)
    with pytest.raises(ConflictError, match="Lift the ban"):
        services.add_member(actor=group.owner, group=group, user=member.user)
    with pytest.raises(ConflictError, match="banned already"):
        services.ban_member(actor=group.owner, group=group, user=member.user, reason="Again")
    services.unban_member(actor=group.owner, membership=member)
    assert services.join_group(actor=member.user, group=group).status == "active"
    assert trail_of(member) == ["ban", "unban", "join"]


def test_somebody_who_never_belonged_can_be_banned_too():
    group, pest = owned_group(is_public=True, is_open=True), UserFactory()

    services.ban_member(actor=group.owner, group=group, user=pest, reason="Spam elsewhere")

    with pytest.raises(NotAllowedError):
        services.join_group(actor=pest, group=group)


def test_nobody_joins_a_group_that_is_archived_or_deleted():
    archived = owned_group(is_public=True, is_open=True, is_active=False)
    deleted = owned_group(is_public=True, is_open=True)
    deleted.delete()

    for made, words in ((archived, "archived"), (deleted, "deleted")):
        group = Group.objects.get(pk=made.pk)
        with pytest.raises(ConflictError, match=words):
            services.join_group(actor=UserFactory(), group=group)
        with pytest.raises(ConflictError, match=words):
            services.add_member(actor=group.owner, group=group, user=UserFactory())
        with pytest.raises(ConflictError, match=words):
            services.admit(
                group=group,
                user=UserFactory(),
                role=services.default_role(group),
                rank="member",
                expires_at=None,
                invited_by=None,
            )


def test_a_full_group_takes_nobody_by_any_way_until_somebody_expires():
    group = owned_group(is_public=True, is_open=True, max_members=2)
    temporary = member_of(group, expires_at=soon())
    request = member_of(group, status="requested", joined_at=None)
    invited = member_of(group, status="invited", joined_at=None)
    expired = member_of(group, expires_at=soon(YESTERDAY))
    owner = group.owner

    for way in (
        lambda: services.join_group(actor=UserFactory(), group=group),
        lambda: services.join_group(actor=invited.user, group=group),
        lambda: services.approve_request(actor=owner, membership=request),
        lambda: services.add_member(actor=owner, group=group, user=UserFactory()),
        lambda: services.change_member(actor=owner, membership=expired, expires_at=soon()),
    ):
        with pytest.raises(ConflictError, match="full"):
            way()
    Membership.objects.filter(pk=temporary.pk).update(expires_at=soon(YESTERDAY))

    services.join_group(actor=UserFactory(), group=group)

    assert count(group) == 2


def test_who_was_given_an_end_does_not_get_rid_of_it_by_coming_back():
    group = owned_group(is_public=True, is_open=True)
    end = soon()
    temporary = member_of(group, expires_at=end)

    services.leave_group(actor=temporary.user, group=group)
    back = services.join_group(actor=temporary.user, group=group)
    assert (back.status, back.expires_at) == ("active", end)

    Membership.objects.filter(pk=back.pk).update(expires_at=soon(YESTERDAY))
    assert services.join_group(actor=temporary.user, group=group).status == "requested"
    approved = services.approve_request(actor=group.owner, membership=back)
    assert (approved.status, approved.expires_at) == ("active", None)


def test_the_group_says_which_role_who_joins_holds_and_who_hears_of_requests(mailoutbox):
    settings = {"default_role": "group-viewer", "mail_requests_to_admins": True}
    group = owned_group(is_public=True, settings=settings)
    admin = member_of(group, "group-admin", rank="admin").user
    member_of(group, "group-viewer", rank="admin")  # may not approve
    user = UserFactory()

    request = services.join_group(actor=user, group=group)

    assert request.role.slug == "group-viewer"
    assert {mail.to[0] for mail in mailoutbox} == {group.owner.email, admin.email}
    body = mailoutbox[0].body
    assert group.name in body
    assert user.username in body
    services.leave_group(actor=user, group=group)
    services.join_group(actor=user, group=group)
    assert len(mailoutbox) == 2, "once a day for each person"


def test_a_default_role_that_is_gone_is_that_of_a_member():
    group = owned_group(is_public=True, is_open=True, settings={"default_role": "gone"})

    assert services.join_group(actor=UserFactory(), group=group).role.slug == "group-member"


def test_members_are_added_by_who_may_and_a_closed_account_is_not():
    group = owned_group()
    admin = member_of(group, "group-admin", rank="admin").user
    member = member_of(group).user
    viewer = Role.objects.get(slug="group-viewer")
    closed = UserFactory()
    closed.delete()

    added = services.add_member(
        actor=admin, group=group, user=UserFactory(), role=viewer, reason=" Cox "
    )

    assert (added.role, added.reason, added.invited_by) == (viewer, "Cox", admin)
    assert trail_of(added) == ["add"]
    with pytest.raises(NotAllowedError):
        services.add_member(actor=member, group=group, user=UserFactory())
    with pytest.raises(NotAllowedError, match="own place"):
        root = UserFactory(is_superuser=True)
        services.add_member(actor=root, group=group, user=root)
    with pytest.raises(ConflictError, match="already"):
        services.add_member(actor=admin, group=group, user=member)
    with pytest.raises(ConflictError, match="closed"):
        services.add_member(actor=admin, group=group, user=closed)
    with pytest.raises(DomainError, match="past"):
        services.add_member(
            actor=admin, group=group, user=UserFactory(), expires_at=soon(YESTERDAY)
        )
    for role in (RoleFactory(), Role.objects.get(slug="administrator")):
        with pytest.raises(DomainError, match="scope group"):
            services.add_member(actor=group.owner, group=group, user=UserFactory(), role=role)


def test_removing_rows_for_good_brings_each_count_up_to_date():
    groups = [owned_group(is_public=True, is_open=True) for _ in range(2)]
    user = UserFactory()
    for group in groups:
        services.join_group(actor=user, group=group)
    kept = MembershipFactory()

    removed = services.remove_memberships(Membership.objects.filter(user=user))

    assert removed == 2
    assert [count(group) for group in groups] == [1, 1]
    assert Membership.objects.filter(pk=kept.pk).exists()
    assert AuditEvent.objects.filter(model="membership", action="delete").count() == 2
