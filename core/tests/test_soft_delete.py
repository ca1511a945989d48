import pytest
from asgiref.sync import async_to_sync
from django.db import IntegrityError, transaction
from django.db.models import Count, ProtectedError
from django.utils import timezone

from authorization.tests.factories import RoleAssignmentFactory
from core.errors import ConflictError
from core.ids import uuid7
from core.models import AuditEvent
from core.tests.parallel import at_once
from groups.models import Group
from groups.tests.factories import GroupFactory, MembershipFactory
from items.models import Item
from items.tests.factories import ItemFactory
from users.models import User
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def group():
    """A group with three items."""
    group = GroupFactory()
    ItemFactory.create_batch(3, owner=None, group=group)
    return group


def test_delete_marks_the_row_and_its_tree_under_one_deletion_id(group):
    total, by_model = group.delete()

    assert (total, by_model) == (4, {"groups.Group": 1, "items.Item": 3})
    assert group.is_deleted
    deleted = set(Item.objects.values_list("is_deleted", "deleted_at", "deletion_id"))
    assert deleted == {(True, group.deleted_at, group.deletion_id)}


def test_delete_leaves_other_rows_alone(group):
    other = ItemFactory()

    group.delete()

    assert list(Item.objects.alive()) == [other]


def test_a_second_delete_changes_nothing(group):
    group.delete()
    first = Group.objects.values("deleted_at", "deletion_id").get()

    assert group.delete() == (0, {})
    assert Group.objects.values("deleted_at", "deletion_id").get() == first


def test_a_queryset_delete_is_soft_and_one_deletion():
    ItemFactory.create_batch(2)

    Item.objects.all().delete()

    assert Item.objects.deleted().count() == 2
    assert Item.objects.values("deletion_id").distinct().count() == 1


def test_a_delete_through_a_relation_is_soft(group):
    group.items.all().delete()

    assert Item.objects.deleted().count() == 3


def test_a_queryset_with_joins_and_distinct_is_deleted_softly(group):
    MembershipFactory.create_batch(2, group=group)

    Group.objects.filter(memberships__isnull=False).distinct().delete()

    group.refresh_from_db()
    assert group.is_deleted


def test_a_slice_is_refused(group):
    with pytest.raises(TypeError, match="slice"):
        Item.objects.all()[:1].delete()


def test_adelete_of_a_queryset_is_soft(group):
    async_to_sync(Item.objects.all().adelete)()

    assert Item.objects.deleted().count() == 3


def test_async_delete_and_restore_of_one_row():
    item = ItemFactory()

    async def there_and_back():
        await item.adelete()
        marked = item.is_deleted
        await item.arestore()
        return marked

    assert async_to_sync(there_and_back)()
    assert Item.objects.alive().count() == 1


def test_a_live_row_that_protects_refuses_the_delete():
    group = GroupFactory()
    ItemFactory(owner=group.owner)

    with pytest.raises(ProtectedError, match=r"Group\.owner"):
        group.owner.delete()

    assert Item.objects.alive().count() == 1
    assert User.objects.deleted().count() == 0


def test_a_row_of_a_model_without_soft_delete_protects_too():
    assignment = RoleAssignmentFactory()

    with pytest.raises(ProtectedError, match=r"RoleAssignment\.role"):
        assignment.role.delete()


def test_a_deleted_row_protects_nothing():
    group = GroupFactory()
    owner = group.owner
    group.delete()

    assert owner.delete() == (1, {"users.User": 1})


def test_set_null_links_stay_in_place():
    verifier = UserFactory()
    verified = UserFactory(is_verified=True, verified_at=timezone.now(), verified_by=verifier)

    verifier.delete()

    verified.refresh_from_db()
    assert verified.verified_by == verifier


def test_memberships_stay_and_mean_nothing():
    membership = MembershipFactory(role__permissions=["items.view_item"])

    membership.group.delete()

    membership.refresh_from_db()
    assert not Group.objects.alive().visible_to(membership.user).exists()


def test_restore_brings_back_exactly_what_went_along(group):
    gone_before = group.items.first()
    gone_before.delete()
    group.delete()

    total, by_model = group.restore()

    assert (total, by_model) == (3, {"groups.Group": 1, "items.Item": 2})
    assert list(Item.objects.deleted()) == [gone_before]


def test_restoring_one_of_several_roots_leaves_the_others_deleted():
    first, second = ItemFactory.create_batch(2)
    Item.objects.all().delete()
    first.refresh_from_db()

    first.restore()

    assert list(Item.objects.alive()) == [first]
    assert list(Item.objects.deleted()) == [second]


def test_restoring_one_of_two_groups_brings_back_only_its_items(group):
    other = GroupFactory()
    ItemFactory(owner=None, group=other)
    Group.objects.all().delete()
    group.refresh_from_db()

    group.restore()

    assert {item.group for item in Item.objects.alive()} == {group}


def test_restoring_a_live_row_changes_nothing(group):
    assert group.restore() == (0, {})


def test_a_row_whose_parent_is_deleted_names_the_parent(group):
    item = group.items.first()
    group.delete()
    item.refresh_from_db()

    with pytest.raises(ConflictError, match="Restore that first"):
        item.restore()


def test_a_restore_that_meets_a_live_twin_is_a_clear_error_and_restores_nothing(group):
    group.delete()
    GroupFactory(slug=group.slug)

    with pytest.raises(ConflictError, match="taken the place"):
        group.restore()

    assert Item.objects.alive().count() == 0


def test_a_deleted_row_frees_its_name():
    UserFactory(username="ann", email="ann@example.org").delete()

    UserFactory(username="Ann", email="ANN@example.org")

    assert User.objects.alive().count() == 1


def test_live_rows_are_unique_whatever_the_case():
    UserFactory(username="ann")

    with pytest.raises(IntegrityError), transaction.atomic():
        UserFactory(username="ANN")


def test_save_never_undeletes():
    item = ItemFactory()
    stale = Item.objects.get()
    item.delete()
    stale.name = "renamed"

    stale.save()

    item.refresh_from_db()
    assert item.is_deleted
    assert item.name == "renamed"


def test_save_refuses_to_be_told_to_change_the_marks():
    item = ItemFactory()

    with pytest.raises(ValueError, match="restore"):
        item.save(update_fields=["is_deleted"])


def test_save_of_a_deferred_instance_writes_only_what_was_loaded():
    ItemFactory(description="kept")
    item = Item.objects.only("name").get()
    item.name = "renamed"

    item.save()

    assert Item.objects.values("name", "description").get() == {
        "name": "renamed",
        "description": "kept",
    }


def test_the_database_itself_refuses_marks_that_disagree():
    item = ItemFactory()

    with pytest.raises(IntegrityError), transaction.atomic():
        Item.objects.filter(pk=item.pk).update(is_deleted=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        Item.objects.filter(pk=item.pk).update(deletion_id=uuid7())


def test_hard_delete_removes_rows_for_good_and_says_so(group):
    group.hard_delete()

    assert not Group.objects.exists()
    assert not Item.objects.exists()
    assert AuditEvent.objects.filter(action="hard_delete", model="group").count() == 1


def test_counts_through_a_relation_see_deleted_rows_unless_told(group):
    group.items.first().delete()

    assert group.items.count() == 3
    assert group.items.alive().count() == 2
    assert Group.objects.aggregate(n=Count("items"))["n"] == 3


def test_the_number_of_queries_does_not_depend_on_the_number_of_rows(
    group, django_assert_num_queries
):
    ItemFactory.create_batch(50, owner=None, group=group)

    # 1. savepoint  2. mark the group  3. mark the items  4.-5. audit events of both
    # 6. release the savepoint  7. the marks, read back
    with django_assert_num_queries(7):
        group.delete()


def test_every_deleted_and_restored_row_has_its_audit_event(group):
    group.delete()
    group.restore()

    for action in ("delete", "restore"):
        events = AuditEvent.objects.filter(action=action)
        assert events.filter(model="item", group_id=group.pk).count() == 3
        assert events.filter(model="group", object_label=group.name).count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_restores_at_once_restore_and_record_once():
    item = ItemFactory()
    item.delete()

    totals = at_once(*[lambda: Item.objects.filter(pk=item.pk).restore()[0]] * 4)

    assert sorted(totals) == [0, 0, 0, 1]
    assert AuditEvent.objects.filter(action="restore").count() == 1
