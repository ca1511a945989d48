"""Events of somebody who acts as somebody else name both, and no older event's hash changes."""

from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from types import SimpleNamespace
from uuid import UUID

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import RequestFactory

from core import audit, seals
from core.audit_sql import EventRow
from core.context import context_of, current, entered
from core.models import AuditEvent
from core.tests.test_seals import triggers_off
from items.models import Item
from items.tests.factories import ItemFactory
from users.models import User
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

ONE = UUID(int=1)
OLD = EventRow(
    occurred_at=datetime(2026, 1, 31, 8, tzinfo=UTC),
    action="update",
    actor_id=ONE,
    actor_label="ann",
    via="web",
    session_id=None,
    request_id="abcd1234",
    client_ip="192.0.2.1",
    app="items",
    model="item",
)
OLD_CONTEXT = (
    '["2026-01-31T08:00:00.000000Z","update","00000000-0000-0000-0000-000000000001","ann","web",'
    'null,"abcd1234","192.0.2.1","items","item"]'
)


@pytest.fixture
def ann():
    return UserFactory(username="ann")


@pytest.fixture
def bob():
    return UserFactory(username="bob")


@pytest.fixture
def as_bob(ann, bob):
    """A request in which ann acts as bob."""
    request = RequestFactory().get("/")
    request.user, request.impersonator = bob, ann
    with entered(context_of(request)):
        yield


def names(event):
    return (event.actor_id, event.actor_label, event.on_behalf_of_id, event.on_behalf_of_label)


def test_the_text_of_other_events_is_what_it_was():
    assert audit.canonical_context(OLD) == OLD_CONTEXT


@pytest.mark.parametrize(
    "columns",
    [
        {"on_behalf_of_id": ONE, "on_behalf_of_label": "bob"},
        {"on_behalf_of_id": ONE},
        {"on_behalf_of_label": ""},
    ],
)
def test_the_text_covers_whom_the_actor_acted_as(columns):
    assert audit.canonical_context(OLD._replace(**columns)) != OLD_CONTEXT


def test_both_are_named_whomever_a_service_names(as_bob, ann, bob):
    item = Item(name="Kettle", owner=bob)
    audit.save(item)
    item.name = "Pot"
    audit.save(item, actor=bob)

    both = (ann.pk, "ann", bob.pk, "bob")
    assert [names(event) for event in AuditEvent.objects.filter(model="item")] == [both, both]
    assert seals.verify().findings == []


def test_a_set_of_rows_names_both_and_sql_makes_the_same_hash(as_bob, ann, bob):
    ItemFactory.create_batch(3, owner=bob)

    audit.update(Item.objects.all(), name="Pot", actor=bob)
    audit.update(User.objects.filter(pk=bob.pk), locale="pt")

    events = AuditEvent.objects.filter(action="update")
    assert {names(event) for event in events} == {(ann.pk, "ann", bob.pk, "bob")}
    assert events.count() == 4
    assert seals.verify().findings == []


def test_what_the_impersonator_does_as_themselves_names_only_them(as_bob, ann):
    audit.save(Item(name="Kettle", owner=ann), actor=ann)

    assert names(AuditEvent.objects.first()) == (ann.pk, "ann", None, None)


def test_who_acts_as_nobody_else_is_the_actor_alone(ann):
    with entered(replace(current(), actor=lambda: ann)):
        audit.save(Item(name="Kettle", owner=ann))

    assert names(AuditEvent.objects.first()) == (ann.pk, "ann", None, None)


def test_taking_the_other_name_out_again_shows(as_bob, bob):
    audit.save(Item(name="Kettle", owner=bob))
    event = AuditEvent.objects.first()

    with triggers_off() as events:
        events.filter(pk=event.pk).update(on_behalf_of_id=None, on_behalf_of_label=None)

    [finding] = seals.verify().findings
    assert finding.startswith(f"event {event.pk} ")


def test_the_admin_shows_ann_as_bob(as_bob, client, bob):
    item = Item(name="Kettle", owner=bob)
    audit.save(item)
    event = AuditEvent.objects.first()
    client.force_login(UserFactory(is_staff=True, is_superuser=True))

    listed = client.get("/admin/core/auditevent/").content.decode()
    shown = client.get(f"/admin/core/auditevent/{event.pk}/change/").content.decode()
    history = client.get(f"/admin/items/item/{item.pk}/history/").content.decode()
    found = client.get("/admin/core/auditevent/", {"q": "bob"}).content.decode()

    assert ">ann</a> as <a" in listed
    assert ">bob</a>" in listed
    assert f"/admin/users/user/{bob.pk}/change/" in shown
    assert "ann as bob" in history
    assert ">bob</a>" in found


BEFORE = ("core", "0002_audit_events_append_only")
OLD_COLUMNS = (
    "occurred_at, action, actor_id, actor_label, via, session_id, request_id, client_ip, app, "
    "model, object_id, object_label, group_id, changes, row_hash"
)


def insert_old_event():
    """As the release before the columns wrote it."""
    old = OLD._replace(actor_id=None)
    text = audit.canonical_text(
        old, object_id="7", group_id=None, changes_text="{}", object_label="Kettle"
    )
    values = [*old[:10], "7", "Kettle", None, "{}", sha256(text.encode()).hexdigest()]
    values[0] = connection.ops.adapt_datetimefield_value(values[0])
    marks = ", ".join(["%s"] * len(values))
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO audit_events ({OLD_COLUMNS}) VALUES ({marks})", values)


@pytest.mark.django_db(transaction=True)
def test_rows_from_before_the_columns_verify_after_them_and_stay_append_only():
    MigrationExecutor(connection).migrate([BEFORE])
    try:
        insert_old_event()
    finally:
        executor = MigrationExecutor(connection)
        executor.migrate(executor.loader.graph.leaf_nodes("core"))
    request = SimpleNamespace(
        user=UserFactory(), impersonator=UserFactory(), path="/", headers={}, META={}
    )
    with entered(context_of(request)):
        audit.save(Item(name="Pot", owner=request.user))

    old, new = AuditEvent.objects.filter(model="item").order_by("id")
    assert (old.on_behalf_of_id, new.on_behalf_of_id) == (None, request.user.pk)
    assert seals.verify().findings == []
    with pytest.raises(Exception, match="append-only"):
        AuditEvent.objects.update(action="nothing")
