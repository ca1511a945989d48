"""The versions of an item, told from the audit trail, and going back to one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from core import audit
from core.errors import ConflictError, DomainError, NotAllowedError, StaleVersionError
from core.models import AuditEvent
from groups.tests.factories import GroupFactory, MembershipFactory
from items.models import Item, ItemKind
from items.services.bulk import Op, Operation, run_operations
from items.services.items import create_item, delete_item, restore_item, update_item
from items.services.moving import move_item
from items.services.versions import revert_item, state_at, versions_of
from items.tests.factories import ItemFactory
from users.models import User
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
edits = st.fixed_dictionaries(
    {},
    optional={
        "name": st.text("abcé' \"\\", min_size=1, max_size=9).map(lambda t: f"x{t}x"),
        "description": texts,
        "kind": st.sampled_from(ItemKind.values),
        "is_active": st.booleans(),
        "tags": st.lists(texts.map(lambda t: f"t{t}"), max_size=3, unique=True),
        "data": st.dictionaries(texts, values, max_size=4),
    },
)
STEPS = st.lists(
    st.one_of(
        edits,
        edits.map(lambda changes: ("bulk", changes)),
        st.sampled_from(["delete and restore", "to the group", "to me"]),
        st.integers(1, 9),
    ),
    max_size=8,
)


class TrailHoldsEveryVersion(TestCase):
    @settings(max_examples=25, deadline=None)
    @given(first=edits, steps=STEPS)
    def test_the_state_at_a_version_is_what_was_saved_then(self, first, steps):
        actor = UserFactory()
        group = GroupFactory(owner=actor)
        item = create_item(actor=actor, **{"name": "First", **first})
        saved = {1: stored(item)}
        for step in steps:
            take(step, actor, item, group)
            item = Item.objects.get(pk=item.pk)
            known = saved.setdefault(item.version, stored(item))
            assert known == stored(item), "a change without a version of its own"

        assert {version: state_at(item, version) for version in saved} == saved
        shown = {event.version for event in versions_of(item=item, viewer=actor)}
        assert shown == set(saved)


def stored(item):
    return audit.snapshot(Item.objects.get(pk=item.pk))


def take(step, actor, item, group):
    if isinstance(step, dict):
        update_item(actor=actor, item=item, **step)
    elif isinstance(step, tuple):
        run_operations(actor=actor, operations=[Operation(Op.UPDATE, item.pk, values=step[1])])
    elif isinstance(step, int):
        revert_item(actor=actor, item=item, to_version=min(step, item.version))
    elif step == "delete and restore":
        delete_item(actor=actor, item=item)
        restore_item(actor=actor, item=item)
    else:
        move_item(
            actor=actor, item=item, **({"owner": actor} if step == "to me" else {"group": group})
        )


@pytest.fixture
def actor():
    return UserFactory()


def test_going_back_makes_a_new_version_of_the_content_and_moves_nothing(actor):
    group = GroupFactory(owner=actor)
    item = create_item(actor=actor, name="One", tags=["a"], data={"a": [1, None]})
    update_item(actor=actor, item=item, name="Two", tags=[], data={}, is_active=False)
    move_item(actor=actor, item=item, group=group)

    back = revert_item(actor=actor, item=item, to_version=1, version=3)

    assert (back.version, back.name, back.tags, back.data) == (4, "One", ["a"], {"a": [1, None]})
    assert (back.is_active, back.group, back.owner) == (True, group, None)
    event = AuditEvent.objects.filter(model="item").latest("id")
    assert (event.action, event.actor_id) == ("revert", actor.pk)
    assert event.changes["version"] == [3, 4]
    assert event.changes["name"] == ["Two", "One"]
    assert revert_item(actor=actor, item=item, to_version=4).version == 4


def test_what_cannot_be_gone_back_to_is_told_apart(actor):
    item = create_item(actor=actor, name="One")
    update_item(actor=actor, item=item, name="Two")
    for version in (0, -1, 3, 2**31):
        with pytest.raises(DomainError, match="versions are 1 to 2") as refusal:
            revert_item(actor=actor, item=item, to_version=version)
        assert refusal.value.field == "version"
    with pytest.raises(StaleVersionError):
        revert_item(actor=actor, item=item, to_version=1, version=1)
    Item.objects.filter(pk=item.pk).update(version=9, name="Unrecorded")
    with pytest.raises(ConflictError, match="does not reach"):
        revert_item(actor=actor, item=item, to_version=1)
    with pytest.raises(NotAllowedError):
        revert_item(actor=UserFactory(), item=item, to_version=9)
    item.delete()
    with pytest.raises(ConflictError, match="deleted"):
        revert_item(actor=actor, item=item, to_version=9)


def test_an_item_older_than_the_trail_can_go_back_as_far_as_that_reaches(actor):
    item = ItemFactory(owner=actor, name="Before", version=5)
    update_item(actor=actor, item=item, name="After")

    assert revert_item(actor=actor, item=item, to_version=5).name == "Before"
    with pytest.raises(ConflictError, match="does not reach"):
        revert_item(actor=actor, item=item, to_version=4)


def test_a_move_shares_an_item_and_not_its_past(actor):
    """Whoever sees it now sees the times in which it was theirs or their group's."""
    membership = MembershipFactory(
        role__permissions=["items.view_item", "items.change_item"], group__owner=actor
    )
    member, group = membership.user, membership.group
    item = create_item(actor=actor, name="Private thought")
    update_item(actor=actor, item=item, name="Plan")
    move_item(actor=actor, item=item, group=group)
    update_item(actor=actor, item=item, name="Better plan")
    item.refresh_from_db()
    auditor = UserFactory(is_superuser=True)

    def seen_by(user):
        user = User.objects.get(pk=user.pk)
        return [e.version for e in versions_of(item=item, viewer=user).order_by("id")]

    assert seen_by(member) == [3, 4]
    assert seen_by(actor) == seen_by(auditor) == [1, 2, 3, 4]
    assert revert_item(actor=member, item=item, to_version=3).name == "Plan"
    for hidden in (1, 2):
        with pytest.raises(ConflictError, match="does not reach"):
            revert_item(actor=member, item=item, to_version=hidden)
    move_item(actor=actor, item=item, owner=actor)
    item.refresh_from_db()
    assert seen_by(actor) == [1, 2, 3, 4, 5, 6]
    move_item(actor=actor, item=item, group=group)
    item.refresh_from_db()
    assert seen_by(member) == [3, 4, 5, 7]
