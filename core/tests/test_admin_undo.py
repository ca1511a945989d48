"""Undoing a delete in the admin, for every model whose deletes can be undone."""

import re

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from authorization.models import Role
from authorization.tests.factories import RoleAssignmentFactory, RoleFactory
from core.admin_soft_delete import SoftDeleteAdmin
from core.ids import uuid7
from core.models import AuditEvent
from groups.models import Group
from groups.tests.factories import GroupFactory
from items.models import Item
from items.tests.factories import ItemFactory
from users.models import User
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

MAKERS = {User: UserFactory, Role: RoleFactory, Group: GroupFactory, Item: ItemFactory}
MODELS = [m for m, page in admin.site._registry.items() if isinstance(page, SoftDeleteAdmin)]
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')


@pytest.fixture
def root(client):
    user = UserFactory(is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


def url(model, page, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def offered(response):
    """What the button of the message would send, or nothing when there is none."""
    found = re.search(r'<form class="tl-undo"(.*?)</form>', response.content.decode(), re.DOTALL)
    if not found:
        return None
    return re.findall(r'name="deletion" value="([\w-]+)"', found[1])


def delete(client, model, *rows):
    keys = [str(row.pk) for row in rows]
    if len(rows) == 1:
        return client.post(url(model, "delete", keys[0]), {"post": "yes"}, follow=True)
    data = {"action": "delete_selected", "_selected_action": keys, "post": "yes"}
    return client.post(url(model, "changelist"), data, follow=True)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
@pytest.mark.parametrize("count", [1, 2])
def test_a_delete_is_undone_by_the_button_beside_its_message(client, root, model, count):
    rows = [MAKERS[model]() for _n in range(count)]
    earlier = MAKERS[model]()
    earlier.delete()

    deletions = offered(delete(client, model, *rows))
    gone = model.objects.filter(pk__in=[row.pk for row in rows], is_deleted=True)
    assert gone.count() == count
    answer = client.post(url(model, "undo"), {"deletion": deletions}, follow=True)

    assert "Restored: " in answer.content.decode()
    assert not model.objects.filter(pk__in=[row.pk for row in rows], is_deleted=True).exists()
    earlier.refresh_from_db()
    assert earlier.is_deleted
    assert AuditEvent.objects.filter(action="restore", actor=root).count() == count


def test_what_a_delete_took_along_comes_back_too(client, root):
    item = ItemFactory(owner=None, group=GroupFactory())

    deletions = offered(delete(client, Group, item.group))
    client.post(url(Group, "undo"), {"deletion": deletions})

    item.refresh_from_db()
    assert not item.is_deleted


def test_an_undo_is_a_post_with_a_token_of_the_session(root):
    client = Client(enforce_csrf_checks=True)
    client.force_login(root)
    item = ItemFactory()
    page = client.get(url(Item, "delete", item.pk)).content.decode()
    data = {"post": "yes", "csrfmiddlewaretoken": TOKEN.search(page)[1]}
    answer = client.post(url(Item, "delete", item.pk), data, follow=True)
    form = re.search(r'<form class="tl-undo".*?</form>', answer.content.decode(), re.DOTALL)[0]

    assert client.get(url(Item, "undo")).status_code == 405
    assert client.post(url(Item, "undo"), {"deletion": offered(answer)}).status_code == 403
    data = {"deletion": offered(answer), "csrfmiddlewaretoken": TOKEN.search(form)[1]}
    assert client.post(url(Item, "undo"), data).status_code == 302

    item.refresh_from_db()
    assert not item.is_deleted


def test_what_is_gone_or_was_never_there_is_a_message(client, root):
    item = ItemFactory()
    deletions = offered(delete(client, Item, item))
    item.refresh_from_db()
    item.hard_delete()

    for sent in (deletions, [str(uuid7())], ["nonsense"], []):
        answer = client.post(url(Item, "undo"), {"deletion": sent}, follow=True)
        assert "There is nothing to undo" in answer.content.decode(), sent


def test_what_cannot_come_back_is_a_message(client, root):
    group = GroupFactory()
    item = ItemFactory(owner=None, group=group)
    deletions = offered(delete(client, Item, item))
    group.delete()

    answer = client.post(url(Item, "undo"), {"deletion": deletions}, follow=True)

    assert "Restore that first" in answer.content.decode()
    item.refresh_from_db()
    assert item.is_deleted


def test_who_may_not_restore_is_neither_offered_it_nor_allowed(client, monkeypatch):
    user = UserFactory(is_staff=True)
    role = RoleFactory(permissions=["items.view_item", "items.delete_item"])
    RoleAssignmentFactory(user=user, role=role)
    client.force_login(user)
    mine, other = ItemFactory(), ItemFactory()
    assert offered(delete(client, Item, other))

    monkeypatch.setattr(SoftDeleteAdmin, "has_restore_permission", lambda *_args: False)
    assert offered(delete(client, Item, mine)) is None
    mine.refresh_from_db()
    answer = client.post(url(Item, "undo"), {"deletion": [str(mine.deletion_id)]})

    assert answer.status_code == 403
    mine.refresh_from_db()
    assert mine.is_deleted


def test_a_name_in_the_message_is_text(client, root):
    item = ItemFactory(name="<b>bold</b>")

    body = delete(client, Item, item).content.decode()

    assert "&lt;b&gt;bold&lt;/b&gt;" in body
    assert "<b>bold" not in body
