import threading
import time

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from core.errors import ConflictError, DomainError, NotAllowedError, StaleVersionError
from core.models import AuditEvent
from core.tests.parallel import at_once
from groups.tests.factories import GroupFactory, MembershipFactory
from items.models import Item
from items.services import items as services
from items.tests.factories import ItemFactory
from users.models import User
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def actor():
    return UserFactory()


def group_with(actor, *permissions):
    return MembershipFactory(user=actor, role__permissions=permissions).group


def test_an_item_without_owner_or_group_is_the_actors(actor):
    item = services.create_item(actor=actor, name="Mine")

    item.refresh_from_db()
    assert (item.owner, item.group, item.created_by, item.version) == (actor, None, actor, 1)


def test_a_creation_is_recorded_once_with_its_actor(actor):
    item = services.create_item(actor=actor, name="Mine")

    event = AuditEvent.objects.get(model="item")
    assert (event.action, event.actor, event.object_id) == ("create", actor, str(item.pk))
    assert event.changes["name"] == [None, "Mine"]


def test_an_item_can_be_added_where_a_role_of_the_group_allows_it(actor):
    group = group_with(actor, "items.add_item")

    item = services.create_item(actor=actor, name="Ours", group=group)

    assert (item.owner, item.group) == (None, group)


def test_an_item_cannot_be_added_without_the_permission(actor):
    group = group_with(actor, "items.view_item")

    with pytest.raises(NotAllowedError, match="may not add") as refusal:
        services.create_item(actor=actor, name="Ours", group=group)

    assert refusal.value.field == "group"
    assert not Item.objects.exists()


def test_an_archived_group_takes_no_new_items(actor):
    group = GroupFactory(owner=actor, is_active=False)

    with pytest.raises(ConflictError, match="archived"):
        services.create_item(actor=actor, name="Ours", group=group)


def test_a_deleted_group_takes_no_new_items(actor):
    group = group_with(actor, "items.add_item")
    group.delete()

    with pytest.raises(ConflictError, match="deleted"):
        services.create_item(actor=actor, name="Ours", group=group)


def test_an_item_cannot_be_made_for_somebody_else(actor):
    with pytest.raises(NotAllowedError, match="somebody else"):
        services.create_item(actor=actor, name="Yours", owner=UserFactory())


def test_an_item_cannot_be_made_for_a_deleted_user():
    superuser, gone = UserFactory(is_superuser=True), UserFactory()
    gone.delete()

    with pytest.raises(ConflictError, match="owner has been deleted"):
        services.create_item(actor=superuser, name="Late", owner=gone)


def test_an_item_has_one_owner_or_one_group(actor):
    with pytest.raises(DomainError, match="not both"):
        services.create_item(actor=actor, name="Both", owner=actor, group=GroupFactory())


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("tags", "red", "list of strings"),
        ("tags", ["a", 1], "list of strings"),
        ("tags", ["x"] * 2, "more than once"),
        ("tags", [" "], "1 to 50"),
        ("tags", ["x" * 51], "1 to 50"),
        ("tags", [str(n) for n in range(21)], "More than 20"),
        ("tags", ["\0"], "Null characters"),
        ("data", [], "JSON object"),
        ("data", {"a": "\ud800"}, "lone surrogate"),
        ("data", {"a\0": 1}, "Null characters"),
        ("data", {"a": float("inf")}, "Not a number"),
        ("data", {"a": "x" * 65_536}, "Larger than 64 KiB"),
    ],
)
def test_a_value_that_cannot_be_kept_is_refused_by_field(actor, field, value, message):
    with pytest.raises(DomainError, match=message) as refusal:
        services.create_item(actor=actor, name="Odd", **{field: value})

    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("field", "value"), [("name", ""), ("name", "x" * 201), ("kind", "spaceship")]
)
def test_the_models_own_rules_hold(actor, field, value):
    with pytest.raises(ValidationError) as refusal:
        services.create_item(actor=actor, **{"name": "Fine", field: value})

    assert set(refusal.value.error_dict) == {field}


def test_the_version_counts_changes_and_not_saves(actor):
    item = ItemFactory(owner=actor, name="One")

    changed = services.update_item(actor=actor, item=item, name="Two")
    same = services.update_item(actor=actor, item=item, name="Two")

    assert (changed.version, same.version) == (2, 2)
    assert AuditEvent.objects.filter(model="item", action="update").count() == 1


def test_a_stale_version_changes_nothing(actor):
    item = ItemFactory(owner=actor, name="One")
    services.update_item(actor=actor, item=item, version=1, name="Two")

    with pytest.raises(StaleVersionError, match="version is 2 now"):
        services.update_item(actor=actor, item=item, version=1, name="Three")

    item.refresh_from_db()
    assert (item.name, item.version) == ("Two", 2)


def test_somebody_elses_item_cannot_be_changed_deleted_or_restored(actor):
    item = ItemFactory()

    for refused in (
        lambda: services.update_item(actor=actor, item=item, name="Mine now"),
        lambda: services.delete_item(actor=actor, item=item),
        lambda: services.restore_item(actor=actor, item=item),
    ):
        with pytest.raises(NotAllowedError):
            refused()


def test_an_owner_cannot_be_changed_through_update(actor):
    with pytest.raises(TypeError, match="owner"):
        services.update_item(actor=actor, item=ItemFactory(owner=actor), owner=UserFactory())


def test_a_deleted_item_cannot_be_changed(actor):
    item = ItemFactory(owner=actor)
    services.delete_item(actor=actor, item=item)

    with pytest.raises(ConflictError, match="deleted"):
        services.update_item(actor=actor, item=item, name="Ghost")


def test_delete_and_restore_are_recorded_with_their_actor(actor):
    item = ItemFactory(owner=actor)

    services.delete_item(actor=actor, item=item)
    restored = services.restore_item(actor=actor, item=item)

    assert not restored.is_deleted
    events = AuditEvent.objects.filter(model="item").order_by("id").values_list("action", "actor")
    assert list(events) == [("delete", actor.pk), ("restore", actor.pk)]


def test_restoring_what_is_not_deleted_changes_nothing(actor):
    item = ItemFactory(owner=actor)

    services.restore_item(actor=actor, item=item)

    assert not AuditEvent.objects.filter(model="item").exists()


def test_an_item_of_a_deleted_group_cannot_be_restored():
    superuser = UserFactory(is_superuser=True)
    item = ItemFactory(owner=None, group=GroupFactory())
    item.group.delete()

    with pytest.raises(ConflictError, match="Restore that first"):
        services.restore_item(actor=superuser, item=item)


def test_items_of_a_deleted_group_come_back_with_it_but_for_those_gone_before(actor):
    group = GroupFactory(owner=actor)
    kept, gone = (ItemFactory(owner=None, group=group) for _ in range(2))
    services.delete_item(actor=actor, item=gone)
    group.delete()

    group.restore()

    assert list(Item.objects.alive()) == [kept]
    assert services.restore_item(actor=User.objects.get(pk=actor.pk), item=gone) == gone


# --- Many at a time -------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_of_writers_that_read_the_same_version_one_wins():
    actor = UserFactory(is_superuser=True)
    item = ItemFactory(owner=actor)

    outcomes = at_once(
        *(
            lambda n=n: services.update_item(actor=actor, item=item, version=1, name=f"By {n}")
            for n in range(6)
        )
    )

    winners = [outcome for outcome in outcomes if isinstance(outcome, Item)]
    losers = [outcome for outcome in outcomes if isinstance(outcome, StaleVersionError)]
    item.refresh_from_db()
    assert (len(winners), len(losers)) == (1, 5)
    assert (item.name, item.version) == (winners[0].name, 2)


@pytest.mark.django_db(transaction=True)
def test_every_one_of_parallel_changes_is_counted():
    actor = UserFactory(is_superuser=True)
    item = ItemFactory(owner=actor)

    at_once(
        *(
            lambda n=n: services.update_item(actor=actor, item=item, name=f"By {n}")
            for n in range(6)
        )
    )

    item.refresh_from_db()
    assert item.version == 7


@pytest.mark.django_db(transaction=True)
def test_no_item_survives_in_a_group_that_is_deleted_meanwhile():
    actor = UserFactory(is_superuser=True)
    group = GroupFactory(owner=actor)
    in_the_group = threading.Event()
    save = services.audit.save

    def slow_create():
        return services.create_item(actor=actor, name="Late", group=group)

    def delete_once_it_is_locked():
        in_the_group.wait(timeout=10)
        group.delete()

    def save_slowly(*args, **kwargs):
        in_the_group.set()
        time.sleep(0.3)  # the delete runs into the lock now
        return save(*args, **kwargs)

    services.audit.save = save_slowly
    try:
        at_once(slow_create, delete_once_it_is_locked)
    finally:
        services.audit.save = save

    assert Item.objects.count() == 1
    assert not Item.objects.alive().exists(), connection.vendor


@pytest.mark.django_db(transaction=True)
def test_no_item_is_restored_to_somebody_who_is_deleted_meanwhile():
    actor = UserFactory(is_superuser=True)
    item = ItemFactory()
    services.delete_item(actor=actor, item=item)
    item.refresh_from_db()

    at_once(
        lambda: services.restore_item(actor=actor, item=item),
        lambda: User.objects.filter(pk=item.owner_id).delete(),
    )

    assert not Item.objects.alive().exists()
