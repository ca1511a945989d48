"""Many operations on items at once: the service."""

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.errors import ConflictError, DomainError, NoSuchError, NotAllowedError, StaleVersionError
from core.models import AuditEvent
from core.tests.parallel import at_once
from groups.models import Group
from groups.tests.factories import GroupFactory, MembershipFactory
from items.models import Item
from items.services.bulk import BulkError, Op, Operation, run_operations
from items.services.items import delete_item
from items.tests.factories import ItemFactory
from users.models import User
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

NOWHERE = "01890000-0000-7000-8000-000000000000"
EVERYTHING = ("items.view_item", "items.add_item", "items.change_item", "items.delete_item")


@pytest.fixture
def actor():
    return UserFactory()


def create(name="New", group=None, **values):
    return Operation(Op.CREATE, group=group and group.pk, values={"name": name, **values})


def update(item, version=None, **values):
    return Operation(Op.UPDATE, item.pk, version, values=values or {"name": "Changed"})


def delete(item, version=None):
    return Operation(Op.DELETE, item.pk, version)


def restore(item):
    return Operation(Op.RESTORE, item.pk)


def events():
    rows = AuditEvent.objects.filter(model="item").order_by("action", "id")
    return [(row.action, row.object_id, row.actor_id) for row in rows]


def test_all_are_done_and_recorded_as_single_ones_are(actor):
    group = MembershipFactory(
        user=actor, role__permissions=("groups.view_group", *EVERYTHING)
    ).group
    old, same, gone = ItemFactory.create_batch(3, owner=actor, data={"a": 1})
    lost = ItemFactory(owner=None, group=group)
    delete_item(actor=actor, item=lost)
    made_at = old.created_at

    done = run_operations(
        actor=actor,
        operations=[
            create("Mine", tags=["a"]), create("Ours", group), update(old, 1, name="New", data={}),
            update(same, name=same.name), delete(gone, 1), restore(lost),
        ],
    )  # fmt: skip

    mine, ours = done[:2]
    stored = {item.pk: item for item in Item.objects.all()}
    assert (stored[mine.pk].owner, stored[mine.pk].tags) == (actor, ["a"])
    assert (stored[ours.pk].group, stored[ours.pk].created_by) == (group, actor)
    assert (stored[old.pk].name, stored[old.pk].data, stored[old.pk].version) == ("New", {}, 2)
    assert stored[old.pk].created_at == done[2].created_at == made_at
    assert stored[old.pk].updated_at > old.updated_at
    assert (stored[same.pk].version, stored[same.pk].updated_at) == (1, same.updated_at)
    assert (stored[gone.pk].is_deleted, stored[lost.pk].is_deleted) == (True, False)
    assert [item.version for item in done] == [1, 1, 2, 1, 1, 1]
    by = actor.pk
    assert events() == [
        ("create", str(mine.pk), by),
        ("create", str(ours.pk), by),
        ("delete", str(lost.pk), by),
        ("delete", str(gone.pk), by),
        ("restore", str(lost.pk), by),
        ("update", str(old.pk), by),
    ]
    changes = dict(AuditEvent.objects.filter(model="item").values_list("action", "changes"))
    assert changes["update"] == {
        "name": [old.name, "New"],
        "data": ['{"a":1}', "{}"],
        "version": [1, 2],
    }
    made = AuditEvent.objects.get(action="create", object_id=str(ours.pk))
    assert (made.group_id, made.changes["name"]) == (group.pk, [None, "Ours"])


def test_one_fault_changes_nothing_and_every_fault_is_named(actor):
    viewer = MembershipFactory(
        user=actor, role__permissions=["items.view_item", "groups.view_group"]
    )
    seen = ItemFactory(owner=None, group=viewer.group)
    hidden, hidden_group = ItemFactory(), GroupFactory()
    archived = GroupFactory(owner=actor, is_active=False)
    fine, stale, twice, gone, lost = ItemFactory.create_batch(5, owner=actor)
    gone.delete()
    with_group = ItemFactory(owner=None, group=GroupFactory(owner=actor))
    Group.objects.filter(pk=with_group.group_id).delete()
    actor = User.objects.get(pk=actor.pk)
    unread = ValidationError("unread")
    expected = [
        (create("Fine"), None),
        (update(fine), None),
        (create(""), ValidationError),
        (create("Odd", data={"a": float("nan")}), DomainError),
        (create("There", viewer.group), NotAllowedError),
        (create("There", hidden_group), NoSuchError),
        (create("There", archived), ConflictError),
        (update(seen), NotAllowedError),
        (delete(ItemFactory(owner=None, group=viewer.group)), NotAllowedError),
        (update(hidden), Item.DoesNotExist),
        (Operation(Op.DELETE, NOWHERE), Item.DoesNotExist),
        (update(gone), Item.DoesNotExist),
        (restore(with_group), Item.DoesNotExist),
        (update(stale, 7), StaleVersionError),
        (update(twice), DomainError),
        (delete(twice), DomainError),
        (update(lost, tags=["a", "a"]), DomainError),
        (unread, ValidationError),
    ]
    before = list(Item.objects.order_by("pk").values())
    recorded = AuditEvent.objects.count()

    with pytest.raises(BulkError, match="16 operations failed") as refusal:
        run_operations(actor=actor, operations=[operation for operation, _fault in expected])

    found = {index: type(error) for index, error in refusal.value.errors.items()}
    assert found == {index: fault for index, (_one, fault) in enumerate(expected) if fault}
    assert list(Item.objects.order_by("pk").values()) == before
    assert AuditEvent.objects.count() == recorded


def test_no_operation_sees_another_one(actor):
    gone = ItemFactory(owner=actor)
    gone.delete()

    with pytest.raises(BulkError) as refusal:
        run_operations(actor=actor, operations=[restore(gone), update(gone)])

    assert len(refusal.value.errors) == 2


def test_the_number_of_statements_does_not_follow_the_number_of_rows(actor):
    group = GroupFactory(owner=actor)

    def statements(count):
        kept = ItemFactory.create_batch(count, owner=actor)
        going = ItemFactory.create_batch(count, owner=None, group=group)
        gone = ItemFactory.create_batch(count, owner=actor)
        Item.objects.filter(pk__in=[item.pk for item in gone]).delete()
        operations = [
            *(create(f"Mine {n}") for n in range(count)),
            *(create(f"Ours {n}", group) for n in range(count)),
            *map(update, kept), *map(delete, going), *map(restore, gone),
        ]  # fmt: skip
        user = User.objects.get(pk=actor.pk)
        with CaptureQueriesContext(connection) as context:
            run_operations(actor=user, operations=operations)
        return [query["sql"] for query in context]

    ten, hundred = statements(2), statements(20)

    # 1. savepoint  2. what the actor may do  3. which items they see  4. which groups they see
    # 5. people  6. groups  7. items: locked  8. insert  9. its events  10. update  11. its events
    # 12. savepoint  13. delete  14. its events  15. release  16. savepoint  17. the deleted, locked
    # 18. of a deleted owner?  19. of a deleted group?  20. events  21. restore  22. release
    # 23. release
    assert len(ten) == 23, ten
    assert len(hundred) == 23, hundred


@pytest.mark.django_db(transaction=True)
def test_two_lists_the_other_way_round_do_not_wait_for_ever():
    actor = UserFactory(is_superuser=True)
    items = ItemFactory.create_batch(8, owner=None, group=GroupFactory(owner=actor))
    there, back = items, items[::-1]

    outcomes = at_once(
        *(
            lambda rows=rows, n=n: run_operations(
                actor=User.objects.get(pk=actor.pk),
                operations=[update(item, name=f"By {n}") for item in rows],
            )
            for n, rows in enumerate([there, back] * 3)
        )
    )

    assert all(isinstance(outcome, list) for outcome in outcomes), outcomes
    assert set(Item.objects.values_list("version", flat=True)) == {7}
    assert Item.objects.values("name").distinct().count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_lists_that_read_the_same_versions_one_wins_whole():
    actor = UserFactory(is_superuser=True)
    items = ItemFactory.create_batch(4, owner=actor)

    outcomes = at_once(
        *(
            lambda n=n: run_operations(
                actor=User.objects.get(pk=actor.pk),
                operations=[update(item, 1, name=f"By {n}") for item in items],
            )
            for n in range(4)
        )
    )

    losers = [outcome for outcome in outcomes if isinstance(outcome, BulkError)]
    assert len(losers) == 3
    assert all(len(loser.errors) == 4 for loser in losers)
    assert set(Item.objects.values_list("version", flat=True)) == {2}
    assert Item.objects.values("name").distinct().count() == 1
