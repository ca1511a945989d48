"""Moving items in the admin, changing many at once, their history and the way back in it."""

import pytest

from authorization.tests.factories import RoleAssignmentFactory, RoleFactory
from core.models import AuditEvent
from groups.tests.factories import GroupFactory
from items.models import Item
from items.services.items import update_item
from items.tests.factories import ItemFactory
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

ITEMS = "/admin/items/item/"


@pytest.fixture
def root(client):
    user = UserFactory(username="root", is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


def page(item, name):
    return f"{ITEMS}{item.pk}/{name}/"


def act(client, name, *items, **fields):
    data = {"action": name, "_selected_action": [str(item.pk) for item in items], **fields}
    return client.post(ITEMS + fields.pop("query", ""), data, follow=True).content.decode()


def test_an_item_is_moved_and_that_is_a_new_version(client, root):
    item, group = ItemFactory(), GroupFactory()
    assert page(item, "move") in client.get(page(item, "change")).content.decode()
    assert "It belongs to" in client.get(page(item, "move")).content.decode()

    for wrong in (
        {"version_read": 1},
        {"version_read": 1, "group": str(group.pk), "owner": str(root.pk)},
        {"version_read": 7, "group": str(group.pk)},
        {"version_read": 1, "group": "nonsense"},
    ):
        assert client.post(page(item, "move"), wrong).context["form"].errors, wrong
    client.post(page(item, "move"), {"version_read": 1, "group": str(group.pk)})

    item.refresh_from_db()
    assert (item.group, item.owner, item.version) == (group, None, 2)
    assert AuditEvent.objects.filter(model="item", action="move", actor=root).count() == 1


@pytest.mark.parametrize(
    ("action", "fields", "changed"),
    [
        ("set_kind", {"kind": "task"}, {"kind": "task"}),
        ("deactivate", {}, {"is_active": False}),
        ("activate", {}, {}),
        ("move_to_group", {"group": True}, {"owner": None}),
    ],
)
def test_many_are_changed_when_that_is_confirmed(client, root, action, fields, changed):
    if fields.get("group"):
        fields = {"group": str(GroupFactory().pk)}
    items = ItemFactory.create_batch(3)

    asked = act(client, action, *items)
    assert 'name="confirmed"' in asked
    assert items[0].name in asked
    assert set(Item.objects.values_list("version", flat=True)) == {1}
    done = act(client, action, *items, confirmed="yes", **fields)

    assert "3 items were changed." in done
    for item in Item.objects.all():
        assert {name: getattr(item, name) for name in changed} == changed
        assert item.version == (2 if changed else 1)


def test_a_bad_value_is_asked_for_again_and_a_refusal_changes_nothing(client, root):
    items = ItemFactory.create_batch(2)
    archived = GroupFactory(is_active=False)

    assert "Select a valid choice" in act(client, "set_kind", *items, confirmed="yes", kind="ship")
    said = act(client, "move_to_group", *items, confirmed="yes", group=str(archived.pk))

    assert "archived" in said
    assert set(Item.objects.values_list("version", "group")) == {(1, None)}


def test_many_are_restored_when_that_is_confirmed_and_all_of_them_or_none(client, root):
    group = GroupFactory()
    loose, held = ItemFactory(), ItemFactory(owner=None, group=group)
    loose.delete()
    held.delete()
    group.delete()

    asked = act(client, "restore_selected", loose, held, query="?state=deleted")
    assert 'name="confirmed"' in asked
    sent = {"confirmed": "yes", "query": "?state=deleted"}
    refused = act(client, "restore_selected", loose, held, **sent)
    assert held.name in refused
    assert Item.objects.deleted().count() == 2
    assert "Restored: 1 item." in act(client, "restore_selected", loose, **sent)

    assert "set_kind" not in client.get(f"{ITEMS}?state=deleted").content.decode()


def test_who_may_only_look_gets_none_of_it(client):
    user = UserFactory(is_staff=True)
    RoleAssignmentFactory(user=user, role=RoleFactory(permissions=["items.view_item"]))
    client.force_login(user)
    item = ItemFactory()
    update_item(actor=item.owner, item=item, name="Second")

    for action in ("set_kind", "activate", "deactivate", "move_to_group", "restore_selected"):
        act(client, action, item, confirmed="yes", kind="task")
    assert client.get(page(item, "move")).status_code == 403
    assert client.post(page(item, "revert/1"), {"version_read": "2"}).status_code == 403

    history = client.get(page(item, "history")).content.decode()
    assert "Second" in history
    assert "Go back" not in history
    item.refresh_from_db()
    assert (item.version, item.kind, item.name) == (2, "note", "Second")


def test_the_history_reads_as_a_diff_and_leads_back(client, root):
    client.post(
        ITEMS + "add/",
        {
            "name": "First", "kind": "note", "is_active": "on", "owner": str(root.pk),
            "description": "one\ntwo", "data": '{"rating": 5, "by": {"x": 1}}', "tags": "a",
        },
    )  # fmt: skip
    item = Item.objects.get()
    update_item(
        actor=root, item=item, name="Second", description="one\n<two>", data={"rating": 6},
    )  # fmt: skip
    item.refresh_from_db()

    history = client.get(page(item, "history")).content.decode()
    assert '<span class="tl-removed">-two' in history
    assert '<span class="tl-added">+<mark>&lt;</mark>two<mark>&gt;</mark>' in history
    assert "≠ /rating" in history
    assert page(item, "revert/1") in history
    asked = client.get(page(item, "revert/1")).content.decode()
    assert "+two" in asked
    client.post(page(item, "revert/1"), {"version_read": "1"})
    item.refresh_from_db()
    assert item.name == "Second"
    client.post(page(item, "revert/1"), {"version_read": "2"})

    item.refresh_from_db()
    assert (item.name, item.data, item.version) == ("First", {"rating": 5, "by": {"x": 1}}, 3)
    same = client.get(page(item, "revert/1")).content.decode()
    assert "nothing to change" in same
    assert client.get(page(item, "revert/9")).status_code == 302


def test_items_are_found_by_words_by_whose_they_are_and_by_id(client, root):
    item = ItemFactory(name="Boat plan", description="sails", owner=UserFactory(username="anna"))
    ours = ItemFactory(owner=None, group=GroupFactory(slug="sales"))

    def found(**query):
        return [row.pk for row in client.get(ITEMS, query).context["cl"].result_list]

    assert found(q="sails boat") == found(owner_name="Anna") == found(q=str(item.pk)) == [item.pk]
    assert found(group_slug="sales") == [ours.pk]
    assert found(q="boat -plan") == []
