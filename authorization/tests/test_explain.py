"""What ``explain()`` and ``who_can()`` say; ``items/tests`` has that it is what is so."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from authorization.explaining import explain, grounds_for, who_can
from authorization.lookups import UnknownError, find_object, find_user
from authorization.models import Role, RoleAssignment
from authorization.tests.factories import RoleAssignmentFactory, RoleFactory
from core.errors import DomainError
from groups.models import Group, Membership
from groups.tests.factories import GroupFactory, MembershipFactory
from items.models import Item
from items.tests.factories import ItemFactory
from users.models import User
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

VIEW = "items.view_item"
THEN, ENDED = datetime(2026, 1, 2, 3, 4, tzinfo=UTC), datetime(2026, 2, 3, 4, 5, tzinfo=UTC)


def codes(grounds):
    return [ground.code for ground in grounds]


def lacks(user, permission=VIEW, obj=None):
    found = explain(user, permission, obj)
    assert not found.allowed
    assert not found.grants
    return codes(found.lacks)


@pytest.fixture
def member():
    """Of a group with one item, in a role that may look at it."""
    membership = MembershipFactory(role__permissions=[VIEW], role__name="Reader")
    ItemFactory(owner=None, group=membership.group)
    return membership


@pytest.fixture
def item(member):
    return Item.objects.select_related("group").get()


def test_a_role_is_told_with_who_gave_it_when_why_and_until_when():
    granter = UserFactory(username="root")
    end = timezone.now() + timedelta(days=1)
    assignment = RoleAssignmentFactory(
        role__permissions=[VIEW], role__name="Helper", granted_by=granter, granted_at=THEN,
        expires_at=end, reason="Summer",
    )  # fmt: skip

    found = explain(assignment.user, VIEW)

    assert found.allowed
    [ground] = found.grants
    assert (ground.code, ground.role, ground.granted_by) == ("role", assignment.role, granter)
    assert (ground.granted_at, ground.expires_at, ground.reason) == (THEN, end, "Summer")
    assert "Holds the role Helper everywhere (given by root, since 2026-01-02 03:04 UTC" in (
        ground.text
    )
    assert "because: Summer" in ground.text
    assert assignment.role in found.roles


def test_everything_that_grants_it_is_told(member, item):
    user = member.user
    RoleAssignmentFactory(user=user, role__permissions=[VIEW])
    Group.objects.update(owner=user)
    User.objects.filter(pk=user.pk).update(is_superuser=True)
    item.group.refresh_from_db()

    found = explain(user, VIEW, item)

    assert codes(found.grants) == ["superuser", "role", "group_owner", "membership"]
    assert codes(found.lacks) == []


def test_owners_and_public_groups_are_told():
    item, group = ItemFactory(), GroupFactory(is_public=True)

    assert codes(explain(item.owner, "items.delete_item", item).grants) == ["owner"]
    assert lacks(UserFactory(), "items.delete_item", item) == ["no_role", "not_owner"]
    assert codes(explain(UserFactory(), "groups.view_group", group).grants) == ["public_group"]


@pytest.mark.parametrize(
    ("assignment", "role", "expected"),
    [
        ({"expires_at": ENDED}, {}, ["assignment_expired"]),
        ({}, {"is_active": False}, ["role_inactive"]),
        ({"expires_at": ENDED}, {"is_active": False}, ["assignment_expired", "role_inactive"]),
        ({}, {"permissions": []}, ["role_lacks"]),
        ({"expires_at": ENDED}, {"permissions": []}, ["no_role"]),
    ],
)
def test_what_keeps_a_role_from_granting_it_is_told(assignment, role, expected):
    role = RoleFactory(**{"permissions": [VIEW], **role})

    assert lacks(RoleAssignmentFactory(role=role, **assignment).user) == expected


def test_a_deleted_role_that_is_still_assigned_is_told():
    assignment = RoleAssignmentFactory(role__permissions=[VIEW])
    Role.objects.filter(pk=assignment.role_id).update(
        is_deleted=True, deleted_at=timezone.now(), deletion_id=assignment.role_id
    )

    assert lacks(assignment.user) == ["role_deleted"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"status": "invited"}, "membership_invited"),
        ({"status": "requested"}, "membership_requested"),
        ({"status": "left"}, "membership_left"),
        ({"status": "banned", "reason": "Spam"}, "membership_banned"),
        ({"expires_at": ENDED}, "membership_expired"),
    ],
)
def test_what_keeps_a_membership_from_granting_it_is_told(member, item, change, expected):
    Membership.objects.update(**change)

    found = explain(member.user, VIEW, item)

    assert not found.allowed
    assert codes(found.lacks) == ["no_role", expected]
    [ground] = found.lacks[1:]
    assert (ground.role, ground.rank) == (member.role, "member")
    if expected == "membership_banned":
        assert ground.text.endswith("is banned from the group (because: Spam).")
    if expected == "membership_expired":
        assert ground.text.endswith("ended 2026-02-03 04:05 UTC.")


def test_what_keeps_a_group_from_granting_it_is_told(member, item):
    assert lacks(UserFactory(), VIEW, item) == ["no_role", "no_membership"]
    assert lacks(member.user, "items.change_item", item) == ["no_role", "role_lacks"]

    Role.objects.filter(pk=member.role_id).update(is_active=False)
    assert lacks(member.user, VIEW, item) == ["no_role", "role_inactive"]

    Role.objects.filter(pk=member.role_id).update(is_active=True)
    Group.objects.update(is_active=False)
    archived = find_object(f"items.item:{item.pk}")
    assert lacks(member.user, VIEW, archived) == ["no_role", "group_archived"]

    item.group.delete()
    deleted = find_object(f"items.item:{item.pk}")
    assert lacks(member.user, VIEW, deleted) == ["no_role", "object_deleted", "group_deleted"]


def test_of_an_account_that_is_out_of_use_what_would_count_is_told_too(member, item):
    User.objects.filter(pk=member.user_id).update(is_active=False)
    found = explain(member.user, VIEW, item)
    assert codes(found.lacks) == ["account_inactive", "no_role", "membership"]
    assert found.lacks[-1].text.startswith("Would count, could the account be used: Is a member")

    member.user.delete()
    assert lacks(member.user, VIEW, item)[0] == "account_deleted"
    assert lacks(AnonymousUser(), VIEW, item) == ["anonymous"]


def test_what_is_allowed_tells_what_has_ended_but_not_what_was_never_there(member, item):
    RoleAssignmentFactory(user=member.user, role__permissions=[VIEW], expires_at=ENDED)
    RoleAssignmentFactory(user=member.user)

    assert codes(explain(member.user, VIEW, item).lacks) == ["assignment_expired"]


def test_an_expired_assignment_does_not_count_because_somebody_else_holds_the_role():
    """The trap of two chained filters: each is true, of another row."""
    expired = RoleAssignmentFactory(role__permissions=[VIEW], expires_at=ENDED)
    holding = RoleAssignmentFactory(role=expired.role)

    assert not User.objects.get(pk=expired.user_id).has_perm(VIEW)
    assert lacks(expired.user) == ["assignment_expired"]
    assert list(who_can(VIEW)) == [holding.user]
    assert list(User.objects.with_perm(VIEW)) == [holding.user]


def test_an_expired_membership_does_not_count_because_another_member_is_in_force(member, item):
    expired = MembershipFactory(group=member.group, role=member.role, expires_at=ENDED)

    assert not User.objects.get(pk=expired.user_id).has_perm(VIEW, item)
    assert set(who_can(VIEW, item)) == {member.user, member.group.owner}


def test_roles_that_would_grant_it_are_those_that_whoever_asks_may_see(member, item):
    everywhere = RoleFactory(permissions=[VIEW])
    custom = set(Role.objects.filter(is_system=False))

    assert custom & set(explain(member.user, VIEW, item).roles) == {everywhere, member.role}
    assert custom & set(explain(member.user, VIEW).roles) == {everywhere}
    shown = explain(member.user, VIEW, item, viewer=member.user).roles
    assert custom & set(shown) == {member.role}


def test_it_is_about_this_moment_whatever_the_user_was_asked_before(member, item):
    user = User.objects.get(pk=member.user_id)
    assert user.has_perm(VIEW, item)

    member.delete()

    assert user.has_perm(VIEW, item)
    assert not explain(user, VIEW, item).allowed


def test_the_reasons_of_many_cost_as_many_queries_as_those_of_one(
    member, item, django_assert_num_queries
):
    for _n in range(3):
        RoleAssignmentFactory(role__permissions=[VIEW])
        MembershipFactory(group=member.group, role=member.role)
    # 1. whether there is such a permission  2. who may
    with django_assert_num_queries(2):
        users = list(who_can(VIEW, item))
    assert len(users) == 8

    for asked in (users[:1], users):
        # 1. roles held everywhere  2. memberships
        with django_assert_num_queries(2):
            assert len(grounds_for(asked, VIEW, item)) == len(asked)


@pytest.mark.parametrize(
    ("label", "near"),
    [
        ("items.view_itm", "Did you mean items.view_item"),
        ("view_item", "Did you mean items.view_item"),
        ("item.view_item", "Did you mean items.view_item"),
        ("Items.View_Item", "Did you mean items.view_item"),
        ("zzz", "Name one as app.codename."),
        ("", "Name one as app.codename."),
        ("x" * 400, "Longer than 300 characters."),
        ("items.view_item\0", "Null characters"),
    ],
)
def test_an_unknown_permission_is_refused_with_near_ones(label, near):
    for ask in (lambda: explain(UserFactory(), label), lambda: who_can(label)):
        with pytest.raises(DomainError) as caught:
            ask()
        assert near in caught.value.message
        assert caught.value.field == "permission"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("items.itm:1", "Did you mean items.item?"),
        ("users.user:1", "of others only what is held everywhere counts"),
        ("items.item", "Not the id of a item"),
        ("items.item:x", "Not the id of a item: 'x'."),
        ("groups.membership:99999999999999999999", "Not the id of a membership"),
        ("groups.membership:" + "9" * 200, "Not the id of a membership"),
        ("items.item:\ud800", "lone surrogate"),
    ],
)
def test_an_unreadable_object_is_refused(text, said):
    with pytest.raises(DomainError) as caught:
        find_object(text)

    assert said in caught.value.message
    assert caught.value.field == "object"


def test_objects_and_users_are_found_by_what_people_call_them():
    item, membership = ItemFactory(), MembershipFactory()
    assignment = RoleAssignment.objects.create(user=item.owner, role=RoleFactory())
    for obj in (item, membership, membership.group, assignment):
        assert find_object(f"{obj._meta.label}:{obj.pk}") == obj
    with pytest.raises(UnknownError):
        find_object(f"items.item:{membership.group_id}")

    for name in (item.owner.username.upper(), item.owner.email, str(item.owner.pk)):
        assert find_user(name) == item.owner
    with pytest.raises(UnknownError):
        find_user("nobody")
