"""Files of items in the admin: the import page, and exports of the list."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from authorization.tests.factories import RoleAssignmentFactory, RoleFactory
from core.models import AuditEvent
from groups.tests.factories import GroupFactory
from items.admin import forms
from items.models import Item
from items.tests.factories import ItemFactory
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

ITEMS = "/admin/items/item/"
IMPORT = f"{ITEMS}import/"


@pytest.fixture
def root(client):
    user = UserFactory(username="root", is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


def file_of(content, name="items.csv"):
    return SimpleUploadedFile(name, content.encode())


def hidden(response):
    fields = re.findall(r'type="hidden" name="(\w+)" value="(.*?)"', response.content.decode())
    return dict(fields)


def body(response):
    return b"".join(response.streaming_content).decode()


def test_a_file_is_checked_first_and_then_imported(client, root):
    group = GroupFactory()

    sent = {"file": file_of("name\nPlan\n"), "mode": "create", "group": str(group.pk)}
    checked = client.post(IMPORT, sent)
    assert "nothing has been written" in checked.content.decode()
    assert "1 rows: 1 would be made" in checked.content.decode()
    assert not Item.objects.exists()
    done = client.post(IMPORT, hidden(checked), follow=True)

    assert "1 rows: 1 were made" in done.content.decode()
    item = Item.objects.get()
    assert (item.name, item.group, item.created_by) == ("Plan", group, root)
    assert AuditEvent.objects.get(model="item").via == "admin"


def test_bad_rows_are_listed_and_there_is_nothing_to_confirm(client, root, monkeypatch):
    lines = '{"name": "Plan", "kind": "<b>"}\n{"name": "Plan"}\n'

    answer = client.post(IMPORT, {"file": file_of(lines, "items.jsonl"), "mode": "create"})

    text = answer.content.decode()
    assert "1 row is bad" in text
    assert "Value &#x27;&lt;b&gt;&#x27; is not a valid choice." in text
    assert 'name="confirmed"' not in text
    assert not Item.objects.exists()


def test_a_large_file_is_chosen_once_more(client, root, monkeypatch):
    monkeypatch.setattr(forms, "MOST_CARRIED", 5)
    checked = client.post(IMPORT, {"file": file_of("name\nPlan\n"), "mode": "create"})
    assert "carried" not in hidden(checked)

    assert client.post(IMPORT, hidden(checked)).context["form"].errors.keys() == {"file"}
    client.post(IMPORT, {**hidden(checked), "file": file_of("name\nPlan\n")})

    assert Item.objects.get().owner == root


def test_what_is_no_import_is_said_at_the_form(client, root, settings):
    archived = GroupFactory(is_active=False)
    good = {"file": "name\nPlan\n", "mode": "create"}
    for wrong, said in (
        ({"file": ""}, "Choose a file."),
        ({"file": "", "carried": "§"}, "Choose a file."),
        ({"mode": "replace"}, "Select a valid choice"),
        ({"owner": "nonsense"}, "is not a valid UUID"),
        ({"group": str(archived.pk)}, "archived"),
        ({"group": str(GroupFactory().pk), "owner": str(root.pk)}, "not both"),
    ):
        sent = good | wrong
        if sent["file"]:
            sent["file"] = file_of(sent["file"])
        assert said in client.post(IMPORT, sent).content.decode(), wrong
    settings.ITEM_IMPORT_MAX_BYTES = 3
    answer = client.post(IMPORT, {"file": file_of("name\nPlan\n"), "mode": "create"})
    assert "too large" in answer.content.decode()
    assert not Item.objects.exists()


def test_only_who_may_add_items_imports_and_who_may_see_them_exports(client):
    user = UserFactory(is_staff=True)
    client.force_login(user)
    assert client.get(IMPORT).status_code == 403
    assert client.get(f"{ITEMS}export.csv").status_code == 403

    RoleAssignmentFactory(user=user, role=RoleFactory(permissions=["items.view_item"]))
    assert client.get(IMPORT).status_code == 403
    assert client.get(f"{ITEMS}export.csv").status_code == 200
    assert IMPORT not in client.get(ITEMS).content.decode()


def test_the_list_is_exported_as_it_is_filtered_and_the_selection_as_it_is(client, root):
    tasks = ItemFactory.create_batch(3, kind="task")
    ItemFactory(kind="note")
    ItemFactory(kind="task").delete()

    listed = client.get(f"{ITEMS}?kind__exact=task").content.decode()
    assert "export.csv?kind__exact=task" in listed
    exported = client.get(f"{ITEMS}export.jsonl?kind__exact=task")
    keys = [str(tasks[0].pk), str(tasks[2].pk)]
    chosen = client.post(ITEMS, {"action": "export_csv", "_selected_action": keys})

    assert body(exported).count("\n") == 3
    assert [line.partition(",")[0] for line in body(chosen).splitlines()] == ["id", *keys]
    assert chosen["Content-Disposition"] == 'attachment; filename="items.csv"'
    assert client.get(f"{ITEMS}export.csv?owner__id__exact=x").status_code == 302
