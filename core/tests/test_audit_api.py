"""The audit trail by API: who may read it, and what narrows it down."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import transaction
from django.utils import timezone

from core import audit
from core.api import audit as api
from core.context import Via
from core.models import AuditEvent
from core.tests.auditing import LIST, auditor, reader, record
from core.trail_reading import COLUMNS, since, until
from groups.tests.factories import GroupFactory
from items.tests.factories import ItemFactory
from users.tests.factories import UserFactory

__all__ = ["auditor", "reader"]

pytestmark = pytest.mark.django_db

SESSION, GROUP = UUID(int=7), UUID(int=8)


def ids(answer):
    assert answer.status_code == 200, answer.content
    return [event["id"] for event in answer.json()["results"]]


# --- Who may ----------------------------------------------------------------------------------


def test_only_who_holds_the_permission_everywhere_reads_the_trail(api, api_of, reader):
    event = record()
    owner = GroupFactory().owner  # holds everything on a group, and nothing everywhere
    files = [f"{LIST}/export.csv", f"{LIST}/export.jsonl"]

    for client, codes in ((api, (401, 401)), (api_of(owner), (403, 404)), (reader, (200, 200))):
        assert {client.get(path).status_code for path in [LIST, *files]} == {codes[0]}
        assert client.get(f"{LIST}/{event.pk}").status_code == codes[1]
        for method in ("post", "put", "patch", "delete"):
            expected = 401 if client is api else 405
            assert getattr(client, method)(LIST).status_code == expected
            assert getattr(client, method)(f"{LIST}/{event.pk}").status_code == expected


def test_a_token_without_the_scope_reads_nothing(api_of, auditor):
    client = api_of(auditor, scopes=["items.view_item"])

    assert client.get(LIST).status_code == 403
    assert client.get(f"{LIST}/export.csv").status_code == 403
    assert api_of(auditor, scopes=["core.view_auditevent"]).get(LIST).status_code == 200


# --- What is told -----------------------------------------------------------------------------


def test_an_event_tells_who_what_when_from_where_and_before_and_after(reader, auditor):
    item = ItemFactory(owner=None, group=GroupFactory(), name="Kettle")
    event = record(
        target=item,
        actor=auditor,
        changes={"name": ("Pot", "Kettle")},
        session_id=lambda: SESSION,
        client_ip="192.0.2.1",
    )

    told = reader.get(f"{LIST}/{event.pk}").json()

    assert tuple(told) == COLUMNS
    assert told["occurred_at"] == audit.iso_utc(event.occurred_at)
    assert (told["actor"], told["actor_label"]) == (str(auditor.pk), "auditor")
    assert (told["action"], told["via"], told["client_ip"]) == ("update", "api", "192.0.2.1")
    assert (told["app"], told["model"], told["object_id"]) == ("items", "item", str(item.pk))
    assert (told["object_label"], told["group"]) == ("Kettle", str(item.group_id))
    assert (told["session"], told["changes"]) == (str(SESSION), {"name": ["Pot", "Kettle"]})
    assert told == reader.get(LIST, {"page_size": 200}).json()["results"][0]


def test_pages_go_on_where_the_last_one_ended_and_cost_the_same(reader, django_assert_num_queries):
    made = [record().pk for _ in range(5)][::-1]
    reader.get(LIST)
    address, found = f"{LIST}?page_size=2&action=update", []

    while address:
        # 1. the token with its user  2. what the user may do  3. the page
        with django_assert_num_queries(3):
            answer = reader.get(address)
        found += ids(answer)
        record("create")  # newer than what is being read
        address = answer.json()["next"]

    assert found == made


# --- What narrows it down -----------------------------------------------------------------------


@pytest.fixture
def world(auditor):
    """One event of each kind, ``other`` being like none of them."""
    item = ItemFactory(owner=None, group=GroupFactory(pk=GROUP))
    ann, bob = UserFactory(username="ann"), UserFactory(username="bob")
    return {
        "by ann": record(actor=ann),
        "as bob": record(actor=bob, impersonator=lambda: auditor),
        "purge": record("purge"),
        "seal": record("seal"),
        "item": record(target=item),
        "task": record(via=Via.TASK),
        "session": record(session_id=lambda: SESSION),
        "request": record(request_id="quoted-to-us"),
        "v4": record(client_ip="192.0.2.77"),
        "v6": record(client_ip="2001:db8::77"),
        "other": record(client_ip="198.51.100.1"),
    }


def test_each_filter_narrows_down_to_its_own_events(reader, world):
    item = world["item"]
    ann = world["by ann"].actor_id
    asked = [
        ({"actor": "ann"}, ["by ann"]),
        ({"actor": str(ann)}, ["by ann"]),
        ({"actor": "nobody"}, []),
        ({"on_behalf_of": "bob"}, ["as bob"]),
        ({"action": "purge"}, ["purge"]),
        ({"action": "purge, seal"}, ["seal", "purge"]),
        ({"app": "items"}, ["item"]),
        ({"app": "nowhere"}, []),
        ({"model": "item"}, ["item"]),
        ({"model": "items.item"}, ["item"]),
        ({"model": "users.item"}, []),
        ({"object": f"items.item:{item.object_id}"}, ["item"]),
        ({"object": f"users.user:{item.object_id}"}, []),
        ({"group": str(GROUP)}, ["item"]),
        ({"via": "task", "action": "update"}, ["task"]),
        ({"session": str(SESSION)}, ["session"]),
        ({"request_id": "quoted-to-us"}, ["request"]),
        ({"client_ip": "192.0.2.77"}, ["v4"]),
        ({"client_ip": "2001:0db8::0077"}, ["v6"]),
        ({"network": "192.0.2.64/26"}, ["v4"]),
        ({"network": "192.0.2.1/26"}, []),
        ({"network": "2001:db8::/32"}, ["v6"]),
        ({"network": "192.0.2.0/24", "client_ip": "198.51.100.1"}, []),
    ]

    for parameters, names in asked:
        found = ids(reader.get(LIST, parameters))
        assert found == [world[name].pk for name in names], parameters


def test_every_filter_is_tried_above_or_below(reader):
    answer = reader.get(LIST, {"strange": "1"})

    assert answer.status_code == 400
    allowed = answer.json()["errors"][0]["detail"].partition("those are: ")[2].rstrip(".")
    assert set(allowed.split(", ")) == {
        "actor", "on_behalf_of", "action", "app", "model", "object", "group", "via", "session",
        "request_id", "client_ip", "network", "from", "until", "cursor", "page_size", "ordering",
    }  # fmt: skip


def at(moment, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("core.audit.timezone.now", lambda: moment)
        return record()


def test_a_period_holds_what_happened_in_it_to_the_microsecond(
    reader, monkeypatch, django_assert_num_queries
):
    start = timezone.now() + timedelta(days=1)
    events = [at(start + timedelta(hours=n), monkeypatch) for n in range(40)]
    lower, upper = events[10].occurred_at, events[30].occurred_at
    parameters = {"from": lower.isoformat(), "until": upper.isoformat(), "page_size": 200}
    reader.get(LIST)

    # 1. the token with its user  2. what the user may do  3. and 4. the keys of both moments
    # 5. the page
    with django_assert_num_queries(5):
        found = ids(reader.get(LIST, parameters))

    assert found == [event.pk for event in reversed(events[10:30])]
    just_after = (lower + timedelta(microseconds=1)).isoformat()
    assert events[10].pk not in ids(reader.get(LIST, parameters | {"from": just_after}))


def test_events_out_of_order_are_found_all_the_same(monkeypatch):
    """A statement that waited for a lock has an older moment than what got its key before it."""
    start = timezone.now() + timedelta(days=1)
    minutes = [0, 90, 40, 130, 100, 95, 400, 350, 500]
    events = [at(start + timedelta(minutes=n), monkeypatch) for n in minutes]

    for minute in range(0, 520, 5):
        moment = start + timedelta(minutes=minute)
        rows = AuditEvent.objects.filter(pk__gte=events[0].pk)
        later = {e.pk for e in events if e.occurred_at >= moment}
        assert set(since(rows, moment).values_list("pk", flat=True)) == later
        earlier = {e.pk for e in events if e.occurred_at < moment}
        assert set(until(rows, moment).values_list("pk", flat=True)) == earlier


def test_a_period_of_an_empty_trail_and_at_the_ends_of_the_calendar(reader):
    assert AuditEvent.objects.filter(action="nothing").count() == 0
    for bound in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"):
        for name in ("from", "until"):
            assert reader.get(LIST, {name: bound}).status_code == 200
    with transaction.atomic():
        rows = AuditEvent.objects.none()
        assert not since(rows, timezone.now()).exists()


def test_what_no_index_serves_is_looked_for_so_far_a_page_and_then_further(
    reader, monkeypatch, django_assert_num_queries
):
    made = [record(request_id="wanted-one")]
    made += [record(request_id="wanted-one" if n in {7, 8, 15} else "other") for n in range(20)]
    wanted = [event.pk for event in made if event.request_id == "wanted-one"]
    monkeypatch.setattr(api, "LOOKED_AT", 6)
    first = AuditEvent.objects.earliest("id").pk
    reader.get(LIST)

    for ordering, expected in (("-occurred_at", wanted[::-1]), ("occurred_at", wanted)):
        for size in (1, 50):
            parameters = f"request_id=wanted-one&ordering={ordering}&page_size={size}"
            address, found, pages = f"{LIST}?{parameters}", [], 0
            while address:
                # 1. the token with its user  2. what the user may do  3. the newest key
                # 4. the page
                with django_assert_num_queries(4):
                    answer = reader.get(address)
                found += ids(answer)
                address, pages = answer.json()["next"], pages + 1
            assert found == expected, parameters
            assert pages <= len(wanted) + (made[-1].pk - first) // 6 + 2
    for bounds, expected in (
        ({"from": made[8].occurred_at.isoformat()}, [3, 2, 1]),
        ({"until": made[8].occurred_at.isoformat()}, [0]),
    ):
        asked = {"request_id": "wanted-one", "page_size": 200, **bounds}
        monkeypatch.setattr(api, "LOOKED_AT", 10_000)
        assert ids(reader.get(LIST, asked)) == [wanted[position] for position in expected]


def test_bad_input_is_a_problem_that_names_the_parameter(reader):
    bad = {
        "actor": ["\0", "x" * 255],
        "action": ["x" * 65, ",".join(map(str, range(21)))],
        "object": ["items.item", "item:1", "items.item:" + "1" * 65, "Items.Item:1"],
        "group": ["7", "9" * 10_000],
        "via": ["door"],
        "session": ["x"],
        "client_ip": ["192.0.2", "1" * 10_000],
        "network": ["192.0.2.0/33", "192.0.2.0/24/24", "here"],
        "from": ["yesterday", "9" * 10_000],
        "until": ["2026-13-01"],
        "page_size": ["0", "201"],
        "cursor": ["x"],
        "ordering": ["id"],
    }

    for name, values in bad.items():
        for value in values:
            answer = reader.get(LIST, {name: value})
            assert answer.status_code == 400, (name, value)
            assert [error["field"] for error in answer.json()["errors"]] == [name]
    for key in ("0", "9" * 30, "9" * 5000, "-1", "x"):
        assert reader.get(f"{LIST}/{key}").status_code == 404
    assert reader.get(f"{LIST}/1?actor=ann").status_code == 400
    assert reader.get(f"{LIST}/export.csv?page_size=5").status_code == 400
    assert reader.get(f"{LIST}/export.csv?actor=%00").status_code == 400
