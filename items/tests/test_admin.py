"""Items in the admin."""

import pytest

from authorization.tests.factories import RoleAssignmentFactory, RoleFactory
from core.models import AuditEvent
from groups.tests.factories import GroupFactory
from items.models import Item
from items.tests.factories import ItemFactory
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

ITEMS = "/admin/items/item/"


@pytest.fixture
def root(client):
    user = UserFactory(username="root", is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


def filled(item=None, **changes):
    values = {"name": "Plan", "kind": "note", "is_active": "on", "tags": "q3\nboard", "data": "{}"}
    if item:
        values |= {"name": item.name, "version_read": item.version}
    return values | changes


def change(item):
    return f"{ITEMS}{item.pk}/change/"


def test_adding_an_item_records_it_and_who_made_it(client, root):
    owner = UserFactory()

    client.post(ITEMS + "add/", filled(owner=str(owner.pk), data='{"rating": 5}'))

    item = Item.objects.get()
    assert (item.owner, item.created_by) == (owner, root)
    assert (item.tags, item.data) == (["q3", "board"], {"rating": 5})
    event = AuditEvent.objects.get(model="item")
    assert (event.action, event.actor_id, event.via) == ("create", root.pk, "admin")


@pytest.mark.parametrize("both", [True, False])
def test_an_item_has_one_owner_and_the_form_says_so(client, root, both):
    keys = {"owner": str(UserFactory().pk), "group": str(GroupFactory().pk)} if both else {}

    response = client.post(ITEMS + "add/", filled(**keys))

    assert response.status_code == 200
    assert list(response.context["adminform"].form.errors) == ["owner"]


def test_an_item_keeps_its_owner(client, root):
    item = ItemFactory()

    client.post(change(item), filled(item, owner=str(UserFactory().pk), name="Renamed"))

    changed = Item.objects.get(pk=item.pk)
    assert (changed.name, changed.owner_id) == ("Renamed", item.owner_id)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 201),
        ("name", "a\0b"),
        ("kind", "spaceship"),
        ("tags", "x" * 51),
        ("data", "[1]"),
        ("data", "{"),
        ("data", '{"a": "\\u0000"}'),
        ("data", '{"a": "\\ud800"}'),
    ],
)
def test_a_bad_value_is_an_error_at_its_field(client, root, field, value):
    item = ItemFactory()

    response = client.post(change(item), filled(item, **{field: value}))

    assert response.status_code == 200
    assert field in response.context["adminform"].form.errors


def test_a_change_counts_up_the_version_once(client, root):
    item = ItemFactory()
    client.post(change(item), filled(item, name="Renamed"))
    item.refresh_from_db()
    assert item.version == 2

    client.post(change(item), filled(item))

    item.refresh_from_db()
    assert item.version == 2
    assert AuditEvent.objects.filter(model="item", action="update").count() == 1


def test_a_change_over_somebody_elses_is_refused_and_keeps_what_was_typed(client, root):
    item = ItemFactory()
    Item.objects.filter(pk=item.pk).update(name="Theirs", version=2)

    response = client.post(change(item), filled(item, name="Mine"))

    assert response.status_code == 200
    assert "Somebody changed this item" in response.content.decode()
    assert 'value="Mine"' in response.content.decode()
    item.refresh_from_db()
    assert item.name == "Theirs"


def test_a_deleted_group_is_no_choice(client, root):
    group = GroupFactory()
    group.delete()

    response = client.post(ITEMS + "add/", filled(group=str(group.pk)))

    assert "group" in response.context["adminform"].form.errors


def test_an_archived_group_takes_no_items_and_that_is_a_message(client, root):
    group = GroupFactory(is_active=False)

    response = client.post(ITEMS + "add/", filled(group=str(group.pk)), follow=True)

    assert "archived" in response.content.decode()
    assert not Item.objects.exists()


def test_deleting_is_soft_and_restoring_brings_it_back(client, root):
    item = ItemFactory()

    page = client.get(f"{ITEMS}{item.pk}/delete/").content.decode()
    client.post(f"{ITEMS}{item.pk}/delete/", {"post": "yes"})
    item.refresh_from_db()
    assert item.is_deleted
    client.post(f"{ITEMS}{item.pk}/restore/")

    item.refresh_from_db()
    assert not item.is_deleted
    assert "<strong>1</strong> item<" in page
    actions = (
        AuditEvent.objects.filter(model="item").order_by("id").values_list("action", flat=True)
    )
    assert list(actions) == ["delete", "restore"]


def test_an_item_of_a_deleted_group_is_not_restored_alone(client, root):
    item = ItemFactory(owner=None, group=GroupFactory())
    item.group.delete()

    response = client.post(f"{ITEMS}{item.pk}/restore/", follow=True)

    assert "Restore that first" in response.content.decode()
    item.refresh_from_db()
    assert item.is_deleted


def test_many_items_are_deleted_and_restored_at_once(client, root):
    items = ItemFactory.create_batch(3, owner=UserFactory())
    keys = [str(item.pk) for item in items]

    confirm = client.post(ITEMS, {"action": "delete_selected", "_selected_action": keys})
    client.post(ITEMS, {"action": "delete_selected", "_selected_action": keys, "post": "yes"})
    assert Item.objects.deleted().count() == 3
    restore = {"action": "restore_selected", "_selected_action": keys, "confirmed": "yes"}
    client.post(ITEMS + "?state=deleted", restore)

    assert "<strong>3</strong> items" in confirm.content.decode()
    assert Item.objects.alive().count() == 3


def test_the_right_to_delete_is_asked_again_when_confirming(client):
    user = UserFactory(is_staff=True)
    RoleAssignmentFactory(user=user, role=RoleFactory(permissions=["items.view_item"]))
    client.force_login(user)
    item = ItemFactory()
    data = {"action": "delete_selected", "_selected_action": [str(item.pk)], "post": "yes"}

    client.post(ITEMS, data)
    answer = client.post(f"{ITEMS}{item.pk}/delete/", {"post": "yes"})

    assert answer.status_code == 403
    item.refresh_from_db()
    assert not item.is_deleted


def test_an_item_is_found_by_its_id(client, root):
    item, _other = ItemFactory.create_batch(2)

    shown = client.get(ITEMS, {"q": str(item.pk)}).context["cl"].result_list

    assert [row.pk for row in shown] == [item.pk]
