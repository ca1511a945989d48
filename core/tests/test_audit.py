import contextlib
import json
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import DatabaseError, transaction
from django.db.models import F
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from core import audit, seals
from core.context import Via, acting
from core.models import AuditEvent
from core.tests.parallel import at_once
from groups.models import Group
from groups.tests.factories import GroupFactory
from items.models import Item
from items.tests.factories import ItemFactory
from users.models import User
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def last_event():
    return AuditEvent.objects.first()


def test_an_event_says_who_what_when_and_through_which_door():
    actor = UserFactory(username="ann")
    group = GroupFactory(name="Crew")
    before = datetime.now(UTC)

    with acting(via=Via.COMMAND, actor=actor) as context:
        item = Item(name="Kettle", owner=None, group=group)
        audit.save(item)

    event = last_event()
    assert (event.action, event.app, event.model) == ("create", "items", "item")
    assert (event.object_id, event.object_label) == (str(item.pk), "Kettle")
    assert (event.actor, event.actor_label, event.via) == (actor, "ann", Via.COMMAND)
    assert (event.group_id, event.request_id) == (group.pk, context.request_id)
    assert before <= event.occurred_at <= datetime.now(UTC)
    assert event.changes["name"] == [None, "Kettle"]


def test_an_update_shows_the_changed_fields_before_and_after():
    item = ItemFactory(name="Kettle", is_active=True)
    before = audit.snapshot(item)
    item.name, item.is_active = "Pot", False

    audit.save(item, before=before)

    assert last_event().changes == {"is_active": [True, False], "name": ["Kettle", "Pot"]}


def test_a_save_without_a_snapshot_reads_what_is_stored():
    item = ItemFactory(name="Kettle")
    item.name = "Pot"

    audit.save(item)

    assert last_event().changes == {"name": ["Kettle", "Pot"]}


def test_a_save_that_changes_nothing_records_nothing():
    item = ItemFactory()

    assert audit.save(item) is False
    assert not AuditEvent.objects.filter(model="item").exists()


def test_secrets_are_redacted_and_unlisted_fields_left_out():
    user = UserFactory()
    user.set_password("a secret that nobody may read")
    user.bio = "not on the list"

    audit.save(user)

    assert last_event().changes == {"password": ["[redacted]", "[redacted]"]}


def test_a_rolled_back_write_leaves_no_event():
    item = ItemFactory()
    item.name = "renamed"

    with pytest.raises(RuntimeError), transaction.atomic():
        audit.save(item)
        raise RuntimeError

    assert not AuditEvent.objects.filter(model="item").exists()


def test_a_write_whose_event_cannot_be_written_fails_too(monkeypatch):
    item = ItemFactory(name="Kettle")
    item.name = "Pot"
    monkeypatch.setattr(audit, "insert_one_sql", lambda _using: "INSERT INTO nowhere VALUES (%s)")

    with pytest.raises(DatabaseError), transaction.atomic():
        with contextlib.suppress(DatabaseError):
            audit.save(item)
        assert Item.objects.exists()  # Refused: the transaction is lost, whoever swallows what.

    item.refresh_from_db()
    assert item.name == "Kettle"


def test_an_event_outside_a_transaction_is_refused(transactional_db):
    item = ItemFactory()

    with pytest.raises(transaction.TransactionManagementError, match="transaction of the write"):
        audit.record(action="look", target=item)


def test_the_context_reaches_async_code():
    actor = UserFactory()
    item = ItemFactory()
    item.name = "renamed"

    async def rename():
        with acting(via=Via.TASK, actor=actor):
            await sync_to_async(audit.save)(item)

    async_to_sync(rename)()

    assert last_event().actor == actor


def test_the_trail_outlives_its_actor():
    actor = UserFactory(username="ann")
    with acting(via=Via.TASK, actor=actor):
        audit.save(Item(name="Kettle", owner=UserFactory()))

    actor.hard_delete()

    event = AuditEvent.objects.get(action="create", model="item")
    assert (event.actor_id, event.actor_label) == (actor.pk, "ann")


# --- Sets of rows ---------------------------------------------------------------------------


def test_an_audited_update_records_each_row_in_two_queries(django_assert_num_queries):
    group = GroupFactory()
    ItemFactory.create_batch(20, owner=None, group=group, kind="note")

    # 1. INSERT … SELECT of the events  2. the UPDATE
    with django_assert_num_queries(2):
        changed = audit.update(group.items.all(), kind="task")

    assert changed == 20
    events = AuditEvent.objects.filter(action="update", model="item", group_id=group.pk)
    assert [event.changes for event in events] == [{"kind": ["note", "task"]}] * 20


def test_an_audited_update_skips_rows_that_have_the_values_already():
    ItemFactory(name="same")
    other = ItemFactory(name="other")

    assert audit.update(Item.objects.all(), name="same") == 1
    assert AuditEvent.objects.get(model="item").object_id == str(other.pk)


def test_an_audited_update_names_only_the_fields_that_differ():
    ItemFactory(name="same", kind="note")

    audit.update(Item.objects.all(), name="same", kind="task")

    assert last_event().changes == {"kind": ["note", "task"]}


def test_an_audited_update_moves_updated_at_and_takes_expressions_elsewhere():
    group = GroupFactory()
    stamp = group.updated_at

    audit.update(Group.objects.all(), name="renamed", member_count=F("member_count") + 1)

    group.refresh_from_db()
    assert group.updated_at > stamp
    assert group.member_count == 1


def test_an_audited_update_refuses_an_expression_that_it_could_not_show():
    with pytest.raises(TypeError, match="plain values only"):
        audit.update(Item.objects.all(), name=F("description"))


def test_an_audited_update_refuses_a_field_that_sql_cannot_spell():
    ItemFactory()

    with pytest.raises(TypeError, match="one at a time"):
        audit.update(Item.objects.all(), data={})


def test_an_audited_update_redacts_too():
    UserFactory()

    audit.update(User.objects.all(), password="!unusable")

    assert last_event().changes == {"password": ["[redacted]", "[redacted]"]}


def test_an_audited_update_of_unlisted_fields_records_nothing():
    UserFactory()

    assert audit.update(User.objects.all(), bio="not on the list") == 1
    assert not AuditEvent.objects.filter(model="user").exists()


def test_an_audited_update_of_nothing_changes_nothing():
    assert audit.update(Item.objects.none(), name="x") == 0


class SameHashEverywhere(TestCase):
    """What SQL writes for a set of rows is what Python would have written for each."""

    @settings(max_examples=60, deadline=None)
    @given(
        old=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30),
        new=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30),
    )
    def test_any_text_survives(self, old, new):
        group = GroupFactory()
        ItemFactory(owner=None, group=group, name=old, description="before\n")

        audit.update(group.items.all(), name=new, is_active=False, group=None, owner=group.owner)

        event = last_event()
        assert event.changes["is_active"] == [True, False]
        assert event.changes["group"] == [str(group.pk), None]
        assert event.changes["owner"] == [None, str(group.owner_id)]
        assert event.changes.get("name", [old, old]) == [old, new]
        assert seals.verify().findings == []


def test_moments_are_spelt_alike_by_both_ways_of_writing():
    moment = datetime(2026, 1, 31, 8, 0, tzinfo=UTC)
    later = datetime(2026, 1, 31, 8, 0, 0, 123456, tzinfo=UTC)
    user = UserFactory()
    token = user.api_tokens.create(name="t", prefix="p", token_hash="h", expires_at=moment)

    audit.update(user.api_tokens.all(), expires_at=later)

    expected = ["2026-01-31T08:00:00.000000Z", "2026-01-31T08:00:00.123456Z"]
    assert last_event().changes == {"expires_at": expected}
    assert audit.snapshot(token)["expires_at"] == expected[0]
    assert seals.verify().findings == []


def test_leaf_keeps_what_json_holds_and_spells_the_rest():
    assert audit.leaf(True) is True
    assert audit.leaf(7) == 7
    assert audit.leaf({"b": 1, "a": [1.5]}) == '{"a":[1.5],"b":1}'
    assert audit.leaf("nul\0free") == "nulfree"


@pytest.mark.django_db(transaction=True)
def test_parallel_updates_record_each_change_once():
    group = GroupFactory()
    ItemFactory.create_batch(30, owner=None, group=group, name="start")
    items = Item.objects.filter(group=group)

    changed = at_once(*[partial(audit.update, items.all(), name=f"name {n}") for n in range(6)])

    assert changed == [30] * 6
    for item in group.items.all():
        chain = AuditEvent.objects.filter(object_id=str(item.pk), action="update").order_by("id")
        steps = [event.changes["name"] for event in chain]
        assert len(steps) == 6
        assert steps[0][0] == "start"
        assert steps[-1][1] == item.name
        assert all(before[1] == after[0] for before, after in pairwise(steps))


def test_every_model_with_a_spec_names_fields_that_it_has():
    for model in (Group, Item, User):
        spec = audit.spec_of(model)
        names = {field.name for field in model._meta.fields}
        assert set(spec.fields) <= names
        assert set(spec.redacted) <= set(spec.fields)


def test_canonical_json_is_sorted_and_compact():
    assert audit.canonical_json({"b": [1], "a": "é"}) == '{"a":"é","b":[1]}'
    assert json.loads(audit.canonical_json({"a": "\u2028"})) == {"a": "\u2028"}
