"""``visible_to()`` and ``has_perm()`` are one rule in two shapes: they agree on every row."""

from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from authorization.tests.factories import RoleAssignmentFactory
from groups.models import Group, MembershipStatus
from groups.tests.factories import GroupFactory, MembershipFactory
from items.models import Item
from items.tests.factories import ItemFactory
from users.models import User
from users.tests.factories import UserFactory

VIEW, CHANGE = "items.view_item", "items.change_item"


def fresh(user):
    return User.objects.get(pk=user.pk)


class OneRuleTwoShapes(TestCase):
    @settings(max_examples=80, deadline=None)
    @given(
        status=st.sampled_from(MembershipStatus.values),
        held=st.sampled_from([[], [VIEW], [CHANGE], [VIEW, CHANGE]]),
        membership_ends=st.sampled_from([None, -1, 1]),
        everywhere=st.sampled_from([None, [VIEW], [CHANGE]]),
        assignment_ends=st.sampled_from([None, -1, 1]),
        off=st.sampled_from(["", "user", "group", "archived", "role", "disabled"]),
        superuser=st.booleans(),
    )
    def test_they_agree_on_every_live_row(
        self, status, held, membership_ends, everywhere, assignment_ends, off, superuser
    ):
        def moment(days):
            return None if days is None else timezone.now() + timedelta(days=days)

        user = UserFactory(is_superuser=superuser)
        membership = MembershipFactory(
            user=user, status=status, expires_at=moment(membership_ends), role__permissions=held
        )
        if everywhere is not None:
            RoleAssignmentFactory(
                user=user, role__permissions=everywhere, expires_at=moment(assignment_ends)
            )
        ItemFactory(owner=user)
        ItemFactory()
        ItemFactory(owner=None, group=membership.group)
        ItemFactory(owner=None, group=GroupFactory())
        ItemFactory(owner=None, group=GroupFactory(owner=user))
        switch_off(off, user=user, membership=membership)
        user = fresh(user)

        for permission in (VIEW, CHANGE):
            visible = set(Item.objects.alive().visible_to(user, permission))
            permitted = {i for i in Item.objects.alive() if user.has_perm(permission, i)}
            assert visible == permitted

        visible = set(Group.objects.alive().visible_to(user))
        assert visible == {
            group for group in Group.objects.alive() if user.has_perm("groups.view_group", group)
        }


def switch_off(what, *, user, membership):
    if what == "user":
        Group.objects.filter(owner=user).update(owner=membership.group.owner)
        user.delete()
    elif what == "disabled":
        User.objects.filter(pk=user.pk).update(is_active=False)
    elif what == "group":
        membership.group.delete()
    elif what == "archived":
        Group.objects.filter(pk=membership.group_id).update(is_active=False)
    elif what == "role":
        type(membership.role).objects.filter(pk=membership.role_id).update(is_active=False)


@pytest.mark.django_db
def test_an_item_of_a_deleted_group_is_not_visible_to_its_members():
    membership = MembershipFactory(role__permissions=[VIEW])
    ItemFactory(owner=None, group=membership.group)
    Group.objects.filter(pk=membership.group_id).update(
        is_deleted=True, deleted_at=timezone.now(), deletion_id=membership.group_id
    )

    assert not Item.objects.alive().visible_to(fresh(membership.user)).exists()


@pytest.mark.django_db
def test_who_owns_a_group_sees_its_items_member_or_not():
    group = GroupFactory()
    item = ItemFactory(owner=None, group=group)

    assert list(Item.objects.alive().visible_to(group.owner)) == [item]
    assert group.owner.has_perm(CHANGE, item)


@pytest.mark.django_db
def test_a_list_of_what_is_visible_costs_two_queries(django_assert_num_queries):
    membership = MembershipFactory(role__permissions=[VIEW])
    ItemFactory(owner=None, group=membership.group)
    user = fresh(membership.user)

    # 1. what the user may do, everywhere and in groups  2. the items
    with django_assert_num_queries(2):
        assert len(Item.objects.alive().visible_to(user)) == 1
