"""One rule, many shapes: all of them agree on every row of random worlds.

``has_perm(permission, obj)``, ``visible_to(user, permission)``, ``explain()``, ``who_can()``,
``with_perm()`` and ``get_all_permissions(obj)``.
"""

import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from authorization.backends import GrantsItself
from authorization.explaining import explain, grounds_for, who_can
from authorization.grounds import explained_models
from authorization.tests.factories import RoleAssignmentFactory
from groups.models import Group, Invitation
from groups.tests.factories import GroupFactory, MembershipFactory
from items.models import Item
from items.tests.access_world import PERMISSIONS, make_world
from items.tests.factories import ItemFactory
from users.models import User

VIEW, CHANGE = "items.view_item", "items.change_item"
SAMPLE, EXPLAINED = 4, 8  # objects of a kind, and questions, in each world


def fresh(user):
    return User.objects.get(pk=user.pk)


class OneRuleManyShapes(TestCase):
    # A world is a seed: there is nothing to shrink.
    @settings(
        max_examples=10,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
        phases=[Phase.reuse, Phase.generate],
    )
    @given(random=st.randoms(use_true_random=True))
    def test_they_agree_on_every_row(self, random):
        world = make_world(random)
        triples = []
        for model, permissions in PERMISSIONS.items():
            for permission in permissions:
                self.rows_agree(world, model, permission)
                self.holders_agree(world, permission, None)
                rows = world.rows(model)
                for obj in random.sample(rows, min(SAMPLE, len(rows))):
                    self.holders_agree(world, permission, obj)
                triples += [(user, permission, obj) for obj in rows for user in world.users]
        for user, permission, obj in random.sample(triples, EXPLAINED):
            self.explanation_agrees(user, permission, obj)

    def rows_agree(self, world, model, permission):
        rows = world.rows(model)
        if model is Invitation:  # those of deleted groups are shown to nobody
            rows = [row for row in rows if not row.group.is_deleted]
        for user in world.users:
            visible = set(model.objects.visible_to(user, permission))
            assert visible == {row for row in rows if user.has_perm(permission, row)}

    def holders_agree(self, world, permission, obj):
        permitted = {user for user in world.users if user.has_perm(permission, obj)}
        grounds = grounds_for(world.users, permission, obj)

        assert set(who_can(permission, obj)) == permitted
        assert {u for u in world.users if grounds.get(u.pk) and u.can_sign_in} == permitted
        assert not AnonymousUser().has_perm(permission, obj)

    def explanation_agrees(self, user, permission, obj):
        found = explain(user, permission, obj)

        assert found.allowed == user.has_perm(permission, obj) == bool(found.grants)
        assert found.allowed or found.lacks
        assert found.allowed == (permission in user.get_all_permissions(obj))


def test_every_model_whose_rows_grant_something_can_be_explained():
    granting = {
        model._meta.label_lower for model in apps.get_models() if issubclass(model, GrantsItself)
    }

    assert granting == explained_models().keys()
    assert granting == {model._meta.label_lower for model in PERMISSIONS}


@pytest.mark.django_db
def test_an_item_of_a_deleted_group_is_not_visible_to_its_members():
    membership = MembershipFactory(role__permissions=[VIEW])
    ItemFactory(owner=None, group=membership.group)
    membership.group.delete()
    Item.objects.update(is_deleted=False, deleted_at=None, deletion_id=None)

    assert not Item.objects.alive().visible_to(fresh(membership.user)).exists()


@pytest.mark.django_db
def test_who_owns_a_group_sees_its_items_member_or_not():
    group = GroupFactory()
    item = ItemFactory(owner=None, group=group)

    assert list(Item.objects.alive().visible_to(group.owner)) == [item]
    assert group.owner.has_perm(CHANGE, item)


@pytest.mark.django_db
def test_all_checks_of_a_request_are_one_query_and_a_list_of_what_is_visible_one_more(
    django_assert_num_queries,
):
    membership = MembershipFactory(role__permissions=[VIEW])
    RoleAssignmentFactory(user=membership.user, role__permissions=["users.view_user"])
    ItemFactory(owner=None, group=membership.group)
    item = Item.objects.select_related("group").get()
    user = fresh(membership.user)

    # 1. what the user may do, everywhere and in groups
    with django_assert_num_queries(1):
        assert user.has_perm(VIEW, item)
        assert not user.has_perm(CHANGE, item)
        assert user.has_perm("users.view_user")
        assert user.has_perms(["users.view_user", VIEW], item)
        assert user.has_module_perms("users")
        assert not user.has_module_perms("items")
        assert not user.has_perm("groups.change_group", item.group)
        visible = Item.objects.alive().visible_to(user)
        groups = Group.objects.visible_to(user, VIEW)
    # 1. the items  2. the groups
    with django_assert_num_queries(2):
        assert len(visible) == len(groups) == 1


@pytest.mark.django_db
def test_what_is_given_and_taken_during_a_request_counts_from_the_next_one():
    membership = MembershipFactory(role__permissions=[VIEW])
    item = ItemFactory(owner=None, group=membership.group)
    now = fresh(membership.user)
    assert now.has_perm(VIEW, item)
    assert not now.has_perm(CHANGE, item)

    RoleAssignmentFactory(user=membership.user, role__permissions=[CHANGE])
    membership.delete()

    assert now.has_perm(VIEW, item)
    assert not now.has_perm(CHANGE, item)
    assert not fresh(now).has_perm(VIEW, item)
    assert fresh(now).has_perm(CHANGE, item)
