"""What a session of somebody who acts as somebody else is, and what it is not."""

import pytest
from django.test import Client

from authentication.step_up import is_recent
from authentication.tests.headless import HeadlessClient
from authentication.tests.impersonation.acting import (
    STOP,
    acting_as,
    impersonations,
    make_desk,
    somebody,
    who,
)
from authentication.tests.people import make_user
from core import seals
from core.models import AuditEvent
from items.tests.factories import ItemFactory
from users.models import UserSession

bob = pytest.fixture(somebody)
pytestmark = pytest.mark.django_db


@pytest.fixture
def root():
    return make_user(username="root", is_staff=True, is_superuser=True)


def test_every_page_names_both_and_says_how_long_and_how_to_stop(bob):
    client = acting_as(bob, by=make_desk(username="ann"))

    for address in ("/accounts/sessions/", "/api/docs/", "/privacy/"):
        body = client.get(address).content.decode()
        assert "<strong>ann</strong> acts as <strong>bob</strong>" in body, address
        assert "30 minutes left" in body
        assert f'action="{STOP}"' in body


def test_no_banner_for_anybody_else(bob, client):
    client.force_login(bob)

    assert "acts as" not in client.get("/accounts/sessions/").content.decode()
    assert "acts as" not in client.get("/api/docs/").content.decode()


def test_a_change_is_refused_in_the_words_of_each_door(bob):
    client = acting_as(bob)

    api = client.post("/api/v1/items", {"name": "Pot"}, content_type="application/json")
    flow = client.post("/api/auth/browser/v1/account/password/change")
    page = client.post("/accounts/tokens/make/", {"name": "mine"})

    assert (api.status_code, api.json()["code"]) == (403, "read_only_session")
    assert (flow.status_code, flow.json()["errors"][0]["code"]) == (403, "read_only_session")
    assert page.status_code == 403
    assert "Not while you act as somebody else" in page.content.decode()
    assert "acts as" in page.content.decode()


def test_a_session_that_may_change_something_changes_items_and_no_credentials(bob, root):
    item = ItemFactory(owner=bob, name="Kettle")
    client = acting_as(bob, by=root, allow_changes="on")

    changed = client.patch(
        f"/api/v1/items/{item.pk}",
        {"name": "Pot"},
        content_type="application/json",
        headers={"If-Match": "*"},
    )

    assert changed.status_code == 200
    item.refresh_from_db()
    assert item.name == "Pot"
    for address in ("/api/v1/me", "/api/v1/me/tokens", "/api/v1/itemsy", "/accounts/tokens/make/"):
        refused = client.post(address, {"name": "x"}, content_type="application/json")
        assert refused.status_code == 403, address


def test_both_are_named_in_the_trail_of_what_is_changed(bob, root):
    client = acting_as(bob, by=root, allow_changes="on")

    made = client.post(
        "/api/v1/items", {"name": "Pot", "kind": "note"}, content_type="application/json"
    )

    assert made.status_code == 201, made.content
    event = AuditEvent.objects.get(action="create", model="item")
    assert (event.actor_id, event.actor_label) == (root.pk, "root")
    assert (event.on_behalf_of_id, event.on_behalf_of_label) == (bob.pk, "bob")
    assert event.session_id == impersonations().get().pk
    assert seals.verify().findings == []


def test_the_administration_stays_closed(bob):
    client = acting_as(bob)

    for address in ("/admin/", "/admin/users/user/", "/admin/logout/", "/admin/login/"):
        assert client.get(address).status_code == 403, address


def test_it_never_counts_as_stepped_up(bob):
    request = acting_as(bob).get("/accounts/sessions/").wsgi_request

    assert not is_recent(request)


def test_not_even_for_a_user_who_has_nothing_to_prove():
    request = acting_as(make_user(password=None)).get("/accounts/sessions/").wsgi_request

    assert not is_recent(request)


@pytest.mark.parametrize("kind", ["api", "app flows"])
def test_its_key_is_no_session_token(bob, kind):
    key = acting_as(bob).cookies["sessionid"].value

    if kind == "api":
        answer = Client().get("/api/v1/me", headers={"X-Session-Token": key})
    else:
        answer = HeadlessClient("app", key).call("GET", "auth/session")

    assert answer.status_code in {401, 410}


@pytest.mark.parametrize("header", ["Authorization", "X-Session-Token"])
def test_no_other_credential_is_sent_beside_it(bob, header):
    client = acting_as(bob)

    answer = client.get("/api/v1/me", headers={header: "Bearer tl_pat_x"})

    assert (answer.status_code, answer.json()["code"]) == (403, "read_only_session")


def test_no_rotation_makes_it_last_longer(bob, monkeypatch):
    client = acting_as(bob)
    session = client.session
    session.cycle_key()
    session.save()
    client.cookies["sessionid"] = session.session_key
    row = impersonations().get()
    UserSession.objects.filter(pk=row.pk).update(expires_at=row.expires_at.replace(year=2100))
    until = session["impersonation"]["until"]

    with monkeypatch.context() as later:
        later.setattr(
            "authentication.impersonation.sessions.timezone.now",
            lambda: row.created_at.fromisoformat(until),
        )
        answer = client.get("/api/v1/me")

    assert (answer.status_code, answer.json()["code"]) == (401, "impersonation_ended")
    row.refresh_from_db()
    assert row.end_reason == "impersonation_ended"


def test_a_request_costs_four_queries_more(bob, django_assert_num_queries):
    client = acting_as(bob)

    # 1. session and user  2. the impersonator  3. their own session  4. the rights of the user
    # 5. those of the impersonator
    with django_assert_num_queries(5):
        assert who(client) == "bob"


def test_what_stands_in_the_banner_is_escaped():
    evil = make_user(username="evil", first_name="<script>")
    type(evil).objects.filter(pk=evil.pk).update(username="<script>x</script>")
    evil.refresh_from_db()

    body = acting_as(evil).get("/accounts/sessions/").content.decode()

    assert "<script>x" not in body
