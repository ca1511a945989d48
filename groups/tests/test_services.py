"""Memberships: who may give which role, and the count of members."""

from functools import partial

import pytest

from authorization.models import RoleScope
from authorization.tests.factories import RoleAssignmentFactory, RoleFactory
from core.errors import ConflictError, DomainError, NotAllowedError
from core.models import AuditEvent
from core.tests.parallel import at_once
from groups.models import Membership
from groups.services import memberships as services
from groups.tests.factories import GroupFactory, MembershipFactory
from users.tests.factories import UserFactory


@pytest.fixture
def root(db):
    return UserFactory(is_superuser=True)


def member_role(*permissions):
    return RoleFactory(scope=RoleScope.GROUP, permissions=permissions)


def new(group, user=None, **fields):
    fields.setdefault("role", member_role())
    return Membership(group=group, user=user or UserFactory(), **fields)


def test_joining_and_leaving_keep_the_count_and_are_recorded(root):
    group = GroupFactory()

    first = services.save_membership(actor=root, membership=new(group))
    services.save_membership(actor=root, membership=new(group, status="invited"))
    group.refresh_from_db()
    assert group.member_count == 1
    assert first.joined_at is not None
    services.remove_memberships(Membership.objects.filter(pk=first.pk))

    group.refresh_from_db()
    assert group.member_count == 0
    events = AuditEvent.objects.filter(model="membership").order_by("id")
    assert [event.action for event in events] == ["create", "create", "delete"]
    assert {event.group_id for event in events} == {group.pk}


def test_a_change_of_status_changes_the_count(root):
    group = GroupFactory()
    membership = services.save_membership(actor=root, membership=new(group))

    membership.status = "left"
    services.save_membership(actor=root, membership=membership)

    group.refresh_from_db()
    assert group.member_count == 0


def test_a_full_group_takes_nobody_more(root):
    group = GroupFactory(max_members=1)
    services.save_membership(actor=root, membership=new(group))

    with pytest.raises(ConflictError, match="full"):
        services.save_membership(actor=root, membership=new(group))

    group.refresh_from_db()
    assert (group.member_count, group.memberships.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_a_group_is_not_overfilled_by_two_at_once():
    root = UserFactory(is_superuser=True)
    group = GroupFactory(max_members=3)
    waiting = [new(group) for _ in range(8)]

    outcomes = at_once(
        *[partial(services.save_membership, actor=root, membership=m) for m in waiting]
    )

    full = [outcome for outcome in outcomes if isinstance(outcome, ConflictError)]
    group.refresh_from_db()
    assert (group.member_count, group.memberships.count(), len(full)) == (3, 3, 5)


def test_nobody_gives_a_group_role_that_holds_more_than_they_do(db):
    actor = UserFactory()
    RoleAssignmentFactory(user=actor, role=RoleFactory(permissions=["groups.add_membership"]))
    group = GroupFactory()

    with pytest.raises(NotAllowedError, match="do not hold"):
        services.save_membership(
            actor=actor, membership=new(group, role=member_role("items.delete_item"))
        )


def test_the_owner_of_a_group_gives_any_role_in_it(db):
    group = GroupFactory()

    membership = services.save_membership(
        actor=group.owner, membership=new(group, role=member_role("items.delete_item"))
    )

    assert membership.granted_by == group.owner


def test_a_role_of_another_scope_is_refused(root):
    with pytest.raises(DomainError, match="scope group"):
        services.save_membership(actor=root, membership=new(GroupFactory(), role=RoleFactory()))


def test_a_deleted_group_takes_nobody(root):
    group = GroupFactory()
    group.delete()

    with pytest.raises(ConflictError, match="deleted"):
        services.save_membership(actor=root, membership=new(group))


def test_removing_from_several_groups_brings_each_count_up_to_date(root):
    groups = GroupFactory.create_batch(2)
    for group in groups:
        services.save_membership(actor=root, membership=new(group))
    kept = MembershipFactory()

    removed = services.remove_memberships(Membership.objects.exclude(pk=kept.pk))

    assert removed == 2
    for group in groups:
        group.refresh_from_db()
        assert group.member_count == 0
