"""The audit browser of the admin: what narrows it down, where it leads, what it costs."""

import csv
from datetime import timedelta
from io import StringIO
from uuid import UUID

import pytest
from django.urls import reverse

from core import admin as trail_admin
from core import trail_reading
from core.context import Via
from core.models import AuditEvent
from core.tests.test_audit_api import record
from groups.tests.factories import GroupFactory
from items.tests.factories import ItemFactory
from users.tests.factories import UserFactory, UserSessionFactory

pytestmark = pytest.mark.django_db

LIST = "/admin/core/auditevent/"


@pytest.fixture
def staff(client):
    user = UserFactory(username="root", is_staff=True, is_superuser=True)
    client.force_login(user)
    return user


def shown(client, **parameters):
    answer = client.get(LIST, parameters)
    assert answer.status_code == 200, answer.get("Location")
    return [event.pk for event in answer.context["cl"].result_list]


def page_of(client, event):
    answer = client.get(reverse("admin:core_auditevent_change", args=[event.pk]))
    assert answer.status_code == 200
    return answer.content.decode()


def test_each_filter_narrows_down_to_its_own_events(client, staff, monkeypatch):
    session, group = UUID(int=7), GroupFactory()
    ann, bob = UserFactory(username="ann"), UserFactory(username="bob")
    start = record().occurred_at
    early = record()
    found = {
        "by ann": record("ban", actor=ann),
        "as bob": record("ban", actor=bob, impersonator=lambda: staff),
        "group": record("ban", target=ItemFactory(owner=None, group=group)),
        "task": record("ban", via=Via.TASK),
        "session": record("ban", session_id=lambda: session),
        "request": record("ban", request_id="quoted-to-us"),
        "v4": record("ban", client_ip="192.0.2.77"),
        "v6": record("ban", client_ip="2001:db8::77"),
    }
    everything = [event.pk for event in reversed(found.values())]

    for parameters, names in (
        ({"actor": "ann"}, ["by ann"]),
        ({"actor": str(bob.pk)}, ["as bob"]),
        ({"actor": "nobody"}, []),
        ({"q": "bob"}, ["as bob"]),
        ({"group_id": str(group.pk)}, ["group"]),
        ({"model": "items.item"}, ["group"]),
        ({"via__exact": "task"}, ["task"]),
        ({"session_id": str(session)}, ["session"]),
        ({"request_id": "quoted-to-us"}, ["request"]),
        ({"client_ip": "192.0.2.77"}, ["v4"]),
        ({"client_ip": "192.0.2.0/24"}, ["v4"]),
        ({"client_ip": "2001:db8::/32"}, ["v6"]),
    ):
        listed = shown(client, action="ban", **parameters)
        assert listed == [found[name].pk for name in names], parameters
    assert shown(client, action="ban") == everything
    later = (start + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    assert shown(client, action="ban", until=later) == everything
    assert shown(client, **{"action": "ban", "from": later}) == []
    assert early.pk in shown(client, until=later)


@pytest.mark.parametrize(
    "parameters",
    [{"from": "yesterday"}, {"client_ip": "here"}, {"session_id": "x"}, {"group_id": "9" * 999}],
)
def test_what_cannot_be_read_leads_back_to_the_whole_list(client, staff, parameters):
    answer = client.get(LIST, parameters)

    assert (answer.status_code, answer["Location"]) == (302, f"{LIST}?e=1")


def test_a_page_costs_the_same_however_many_events_it_shows(
    client, staff, django_assert_num_queries
):
    record("ban", actor=staff)
    client.get(LIST)

    # 1. the session with its user  2. the count  3. the page
    with django_assert_num_queries(3):
        assert len(shown(client, action="ban")) == 1
    for _ in range(20):
        record("ban", actor=staff, target=ItemFactory(owner=None, group=GroupFactory()))
    with django_assert_num_queries(3):
        assert len(shown(client, action="ban")) == 21
    # 4. and 5. the keys of both moments
    with django_assert_num_queries(5):
        shown(client, **{"action": "ban", "from": "2020-01-01", "until": "2099-01-01T00:00"})


def test_what_no_index_serves_is_looked_for_so_far_and_the_page_says_so(client, staff, monkeypatch):
    old, new = record(request_id="quoted-to-us"), record(request_id="quoted-to-us")
    monkeypatch.setattr(trail_admin, "LOOKED_AT", AuditEvent.objects.latest("pk").pk - old.pk)
    period = {"until": "2099-01-01T00:00"}

    bounded = client.get(LIST, {"request_id": "quoted-to-us"})
    whole = client.get(LIST, {"request_id": "quoted-to-us", **period})

    assert [event.pk for event in bounded.context["cl"].result_list] == [new.pk]
    assert "Choose a period to look further back" in bounded.content.decode()
    assert [event.pk for event in whole.context["cl"].result_list] == [new.pk, old.pk]
    assert "Choose a period" not in whole.content.decode()


def test_an_event_leads_to_its_object_its_person_its_session_and_the_rest_of_its_request(
    client, staff
):
    item, session = ItemFactory(owner=None, group=GroupFactory()), UserSessionFactory(user=staff)
    context = {"request_id": "one-request", "session_id": lambda: session.pk, "actor": staff}
    first = record("create", target=item, client_ip="192.0.2.1", **context)
    second = record("ban", target=UserFactory(username="eve"), **context)
    record("seal", request_id="another-one")

    body = page_of(client, first)

    for name, key in (
        ("items_item", item.pk),
        ("users_user", staff.pk),
        ("users_usersession", session.pk),
        ("groups_group", item.group_id),
        ("core_auditevent", second.pk),
    ):
        assert reverse(f"admin:{name}_change", args=[key]) in body, name
    assert "user: eve" in body
    for query in (
        "request_id=one-request",
        "client_ip=192.0.2.1",
        f"session_id={session.pk}",
        f"group_id={item.group_id}",
    ):
        assert f"{LIST}?{query}" in body
    assert "seal" not in body.partition("tl-same-request")[2].partition("</ul>")[0]


def test_the_rest_of_a_request_is_looked_for_nearby_in_one_query(
    client, staff, monkeypatch, django_assert_num_queries
):
    monkeypatch.setattr(trail_reading, "NEAR", 2)
    events = [record(request_id="one-request") for _ in range(6)]

    near = trail_reading.same_request(events[2])

    assert [event.pk for event in near] == [events[n].pk for n in (4, 3, 1, 0)]
    page_of(client, events[1])  # the content type of events is looked up once for a process
    # 1. the session with its user  2. the event  3. the rest of its request
    with django_assert_num_queries(3):
        page_of(client, events[0])
    assert not trail_reading.same_request(record(request_id="")).exists()


def test_what_somebody_else_wrote_is_text_on_the_page(client, staff):
    evil = '"><script>alert(1)</script>'
    event = record("ban", target=UserFactory(username=evil[:150]), request_id=evil)

    for body in (page_of(client, event), client.get(LIST).content.decode()):
        assert "<script>alert(1)" not in body
    body = client.get(LIST, {"request_id": evil, "from": "2020-01-01"}).content.decode()
    assert "<script>alert(1)" not in body


# --- Taking it away -----------------------------------------------------------------------------


def test_the_list_is_taken_away_as_it_is_narrowed_down_and_that_is_an_event(client, staff):
    events = [record("ban"), record("ban"), record("seal")]
    body = client.get(LIST, {"action": "ban"}).content.decode()
    assert f'href="{LIST}export.csv?action=ban"' in body
    assert f'href="{LIST}export.jsonl?action=ban"' in body

    answer = client.get(f"{LIST}export.csv", {"action": "ban"})

    _names, *rows = csv.reader(StringIO(b"".join(answer.streaming_content).decode()))
    assert [row[0] for row in rows] == [str(events[1].pk), str(events[0].pk)]
    event = AuditEvent.objects.latest("pk")
    assert (event.action, event.actor_id) == ("export_audit_trail", staff.pk)
    assert event.changes["events"] == [None, 2]
    assert event.changes["filters"] == [None, '{"action":"ban"}']
    assert client.get(f"{LIST}export.csv", {"from": "x"}).status_code == 302


def test_who_may_not_see_the_trail_takes_nothing_away(client):
    client.force_login(UserFactory(is_staff=True))

    for path in (LIST, f"{LIST}export.csv", f"{LIST}export.jsonl"):
        assert client.get(path).status_code == 403
    assert not AuditEvent.objects.filter(action="export_audit_trail").exists()
