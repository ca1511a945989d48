"""Rules for every model of the admin: a history, or why there is none; words for an empty list."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Permission

from authorization.models import RoleAssignment
from authorization.tests.factories import RoleFactory
from core import audit
from core.context import ActingContext, Via, entered
from core.models import AuditEvent
from groups.tests.factories import GroupFactory
from items.models import Item
from items.services.items import create_item, update_item
from truledgr.tests.test_admin_everywhere import MAKERS, MODELS, url
from users.models import User
from users.tests.factories import UserFactory

LONG = "The quick brown fox jumps over the lazy dog.\nIt does so every day."
EMAIL_ADDRESS = apps.get_model("account", "EmailAddress")
SOCIAL_ACCOUNT = apps.get_model("socialaccount", "SocialAccount")


@pytest.fixture
def root(client):
    user = UserFactory(username="root", is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


def text_of(response):
    return " ".join(response.content.decode().split())


def history_of(client, model, key):
    return client.get(url(model, "history", key))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_every_model_is_audited_or_says_why_it_has_no_history(model):
    model_admin = admin.site._registry[model]

    assert bool(audit.spec_of(model)) != bool(model_admin.why_no_history)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_every_model_says_what_its_empty_list_would_hold(model):
    hint = str(admin.site._registry[model].empty_hint)

    assert hint.endswith(".")
    assert len(hint) > 30


@pytest.mark.django_db
def test_every_list_without_rows_says_which_ones_and_what_to_do(client, root):
    for model in MODELS:
        if model in {User, Permission, AuditEvent, EMAIL_ADDRESS} or "Session" in model.__name__:
            continue  # whoever looks has made one
        model._base_manager.all().delete()
        shown = text_of(client.get(url(model, "changelist")))

        assert f"There are no {model._meta.verbose_name_plural} yet." in shown
        assert str(admin.site._registry[model].empty_hint) in shown
        may_add = admin.site._registry[model].has_add_permission(client.get("/").wsgi_request)
        assert (f'class="button" href="{url(model, "add")}"' in shown) == may_add
        assert "action-select" not in shown
        assert ('class="button" href="/admin/items/item/import/"' in shown) == (model is Item)


@pytest.mark.django_db
def test_a_list_in_which_nothing_is_found_leads_back_to_all_of_it(client, root):
    for model in MODELS:
        shown = text_of(client.get(f"{url(model, 'changelist')}?q=nothing-is-called-so"))

        names = model._meta.verbose_name_plural
        assert f"No {names} match." in shown
        assert f'<a href="?">Show {names} without search and filters</a>' in shown
        assert "yet." not in shown


@pytest.mark.django_db
def test_a_history_marks_the_words_of_a_long_text_and_the_places_in_json(client, root):
    item = create_item(actor=root, name="Diary", description=LONG, data={"mood": "calm", "n": 1})
    update_item(
        actor=root,
        item=item,
        description=LONG.replace("lazy", "sleeping"),
        data={"mood": "calm", "n": 2},
    )

    shown = text_of(history_of(client, Item, item.pk))

    assert "over the <mark>lazy</mark> dog." in shown
    assert "over the <mark>sleeping</mark> dog." in shown
    assert '<span class="tl-same"> It does so every day. </span>' in shown
    assert "<code>≠ /n</code>" in shown
    assert "/mood</code>" not in shown


@pytest.mark.django_db
def test_each_event_leads_to_itself_and_to_what_else_its_request_did(client, root):
    context = ActingContext(
        via=Via.WEB, client_ip="192.0.2.7", request_id="r-1234567", actor=lambda: root
    )
    with entered(context):
        item = create_item(actor=root, name="Diary")
    event = AuditEvent.objects.get(model="item", object_id=str(item.pk))

    shown = text_of(history_of(client, Item, item.pk))

    assert url(AuditEvent, "change", event.pk) in shown
    assert f'{url(AuditEvent, "changelist")}?request_id=r-1234567">same request</a>' in shown
    assert "· root · Web page · 192.0.2.7" in shown
    assert url(Item, "history", item.pk) in text_of(client.get(url(AuditEvent, "change", event.pk)))


@pytest.mark.django_db
def test_whoever_may_not_see_the_trail_gets_no_links_into_it(client):
    item = create_item(actor=UserFactory(), name="Diary")
    staff = UserFactory(is_staff=True)
    role = RoleFactory(permissions=["items.view_item"])
    RoleAssignment.objects.create(user=staff, role=role)
    client.force_login(staff)

    response = client.get(url(Item, "history", item.pk))

    assert "auditevent" not in text_of(response)


@pytest.mark.django_db
def test_what_is_removed_for_good_keeps_its_history_for_who_may_see_all_of_it(client, root):
    group = GroupFactory(name="Rowing club")
    key = group.pk
    group.delete()
    group.hard_delete()

    response = history_of(client, type(group), key)
    root.is_superuser = False
    root.save()
    refused = history_of(client, type(group), key)

    assert "has been removed for good" in text_of(response)
    assert "Rowing club" in text_of(response)
    assert "Hard delete" in text_of(response)
    assert refused.status_code == 403


@pytest.mark.django_db
@pytest.mark.parametrize("model", [EMAIL_ADDRESS, SOCIAL_ACCOUNT], ids=lambda m: m.__name__)
def test_what_belongs_to_an_account_leads_to_the_history_of_its_owner(client, root, model):
    row = MAKERS[model]()

    shown = text_of(history_of(client, model, row.pk))

    assert str(admin.site._registry[model].why_no_history) in shown
    assert f'<a href="{url(User, "history", row.user.pk)}">History of {row.user}</a>' in shown
    assert "Nothing has been recorded" not in shown


@pytest.mark.django_db
def test_a_history_takes_as_many_queries_for_ten_events_as_for_one(
    client, root, django_assert_num_queries
):
    group = GroupFactory()

    def change(times):
        for n in range(times):
            group.description = f"{group.description}{n}"
            audit.save(group)

    change(1)
    # 1. the session with its user  2. the group  3. the count of its events  4. the events
    with django_assert_num_queries(4):
        history_of(client, type(group), group.pk)
    change(10)

    with django_assert_num_queries(4):
        response = history_of(client, type(group), group.pk)

    assert len(response.context["entries"]) > 10
