"""What was soft-deleted long ago goes for good, and nothing that something else still needs."""

from datetime import timedelta

import pytest
from django.db.models import ProtectedError
from django.utils import timezone

from authorization.models import Role
from authorization.tests.factories import RoleFactory
from core import deleted_rows
from core.deleted_rows import count_deleted, remove_deleted
from core.ids import uuid7
from core.models import AuditEvent
from core.retention import Outcome, rules_named
from core.rows import all_rows
from groups.models import Group
from groups.tests.factories import GroupFactory, MembershipFactory
from items.models import Item
from items.tests.factories import ItemFactory
from users.models import SessionActivity, User, UserSession
from users.tests.factories import UserFactory, UserSessionFactory

SECOND = timedelta(seconds=1)
FACTORIES = [UserFactory, GroupFactory, ItemFactory, RoleFactory]

pytestmark = pytest.mark.django_db


@pytest.fixture
def before():
    (rule,) = rules_named(["deleted"])
    return rule.before()


def deleted(row, at):
    """The row as if it had been deleted at that moment, whatever refers to it."""
    marks = {"is_deleted": True, "deleted_at": at, "deletion_id": uuid7()}
    all_rows(type(row), "default").filter(pk=row.pk).update(**marks)
    return row


def purge(before):
    """What a count and then a removal answer, which has to be the same."""
    counted = count_deleted(before)
    told = []
    assert remove_deleted(before, told.append) == counted
    assert sum(told) == counted.removed
    return counted


@pytest.mark.parametrize("factory", FACTORIES)
def test_a_row_goes_once_its_days_are_over(before, factory):
    model = factory._meta.model
    goes = deleted(factory(), before - SECOND)
    stays = [deleted(factory(), before), deleted(factory(), timezone.now()), factory()]

    assert purge(before) == Outcome(removed=1)

    assert not model.objects.filter(pk=goes.pk).exists()
    assert model.objects.filter(pk__in=[row.pk for row in stays]).count() == 3


def test_a_count_removes_nothing(before):
    rows = [deleted(factory(), before - SECOND) for factory in FACTORIES]

    assert count_deleted(before).removed == len(rows)

    assert all(type(row).objects.filter(pk=row.pk).exists() for row in rows)


def test_what_belongs_to_a_user_goes_with_them_and_the_trail_stays(before):
    user = UserFactory(username="ada")
    UserSessionFactory(user=user)
    MembershipFactory(user=user)
    SessionActivity.objects.create(user=user, activity_type="request")
    user.delete()
    deleted(user, before - SECOND)

    assert purge(before).removed == 1

    assert not UserSession.objects.exists()
    assert not SessionActivity.objects.exists()
    events = AuditEvent.objects.filter(object_id=str(user.pk)).order_by("id")
    assert [event.action for event in events] == ["delete", "hard_delete"]
    assert {event.object_label for event in events} == {"ada"}


def test_a_tree_deleted_at_once_goes_at_once(before):
    group = GroupFactory()
    owner = group.owner
    ItemFactory(owner=None, group=group)
    ItemFactory(owner=owner)
    for row in (*Item.objects.all(), group, owner):
        deleted(row, before - SECOND)

    assert purge(before) == Outcome(removed=4)

    assert (Item.objects.count(), Group.objects.count()) == (0, 0)
    assert not User.objects.filter(pk=owner.pk).exists()


@pytest.mark.parametrize("group_deleted_at", [None, timezone.now()])
def test_the_owner_of_a_group_that_stays_stays_and_it_is_said_why(before, group_deleted_at):
    group = GroupFactory()
    owner = deleted(group.owner, before - SECOND)
    if group_deleted_at:
        deleted(group, group_deleted_at)

    outcome = purge(before)

    assert (outcome.removed, outcome.kept) == (0, 1)
    assert outcome.notes == ("1 users stay: groups refer to them (groups.Group.owner)",)
    assert User.objects.filter(pk=owner.pk).exists()


def test_a_role_that_members_hold_stays(before):
    role = deleted(MembershipFactory().role, before - SECOND)

    assert purge(before).kept == 1
    assert Role.objects.filter(pk=role.pk).exists()


def test_a_live_row_is_never_taken_along(before):
    item = ItemFactory()
    deleted(item.owner, before - SECOND)
    recent = ItemFactory()
    deleted(recent, timezone.now())
    deleted(recent.owner, before - SECOND)

    assert (purge(before).removed, Item.objects.count()) == (0, 2)


def test_an_anonymised_account_stays_for_those_who_refer_to_it(before):
    user = deleted(UserFactory(), before - SECOND)
    User.objects.filter(pk=user.pk).update(anonymised_at=before)

    assert purge(before) == Outcome()
    assert User.objects.filter(pk=user.pk).exists()


def test_one_row_that_cannot_go_holds_no_other_up(before, monkeypatch):
    items = [deleted(ItemFactory(), before - SECOND) for _ in range(5)]
    real = deleted_rows.hard_delete

    def protected(rows):
        if rows.filter(pk=items[2].pk).exists():
            raise ProtectedError("still needed", {items[2]})
        return real(rows)

    monkeypatch.setattr(deleted_rows, "hard_delete", protected)

    assert remove_deleted(before, lambda _rows: None).removed == 4
    assert list(Item.objects.values_list("pk", flat=True)) == [items[2].pk]


def test_it_goes_in_batches(before, monkeypatch):
    monkeypatch.setattr(deleted_rows, "BATCH", 2)
    for _ in range(5):
        deleted(ItemFactory(), before - SECOND)
    told = []

    remove_deleted(before, told.append)

    assert told == [2, 2, 1]
