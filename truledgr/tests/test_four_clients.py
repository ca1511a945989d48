"""Two browsers and two apps of one person: told apart, listed, ended one by one and all at once."""

import pytest
from django.test import Client

from authentication.tests.clients import AppClient, BrowserClient
from authentication.tests.people import PASSWORD, make_user
from users.models import EndReason, UserSession

pytestmark = pytest.mark.django_db

SESSIONS = "/api/v1/me/sessions"
ANOTHER = "a heron waits beside the weir"

# Client, user agent, what the list must say of it: type, browser, operating system.
CLIENTS = {
    "laptop": (
        BrowserClient,
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/141.0.0.0 Safari/537.36"
        ),
        ("desktop", "Chrome 141", "Windows 10"),
    ),
    "phone": (
        BrowserClient,
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 "
            "(KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1"
        ),
        ("mobile", "Mobile Safari 18", "iOS 18.6"),
    ),
    "android app": (
        AppClient,
        "Ledger/2.1 (Linux; Android 15; Pixel 9) okhttp/4.12.0",
        ("mobile", "okhttp 4", "Android 15"),
    ),
    "mac app": (
        AppClient,
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 "
            "(KHTML, like Gecko) Ledger/2.1 Chrome/138.0.0.0 Electron/37.2.0 Safari/537.36"
        ),
        ("desktop", "Electron 37", "macOS"),
    ),
}


@pytest.fixture
def user():
    return make_user()


@pytest.fixture
def clients(user):
    """Each signed in; the apps name their device themselves."""
    signed_in = {}
    for number, (name, (kind, agent, _seen)) in enumerate(CLIENTS.items()):
        headers = {"User-Agent": agent}
        if kind is AppClient:
            headers["X-Device-ID"] = f"0f4e7c1a-58aa-4c0e-9d35-{number:012d}"
        client = kind()
        client.http = Client(headers=headers)
        signed_in[name] = client.sign_in(user)
    return signed_in


def listed(client):
    return client.request("GET", SESSIONS).json()["results"]


def ids_of(clients):
    """The id of each client's session, as its own list marks it."""
    return {
        name: next(row["id"] for row in listed(client) if row["is_current"])
        for name, client in clients.items()
    }


def signed_in(clients):
    return {name for name, client in clients.items() if client.is_signed_in()}


def test_each_is_listed_as_what_it_is(clients):
    ids = ids_of(clients)

    rows = {row["id"]: row for row in listed(clients["laptop"])}

    assert rows.keys() == set(ids.values())
    for name, (_kind, _agent, seen) in CLIENTS.items():
        row = rows[ids[name]]
        assert (row["device_type"], row["browser"], row["os"]) == seen, name
    assert len({row["device"] for row in rows.values()}) == len(CLIENTS)


@pytest.mark.parametrize("ended", CLIENTS)
def test_ending_one_refuses_its_very_next_request_and_leaves_the_others(clients, ended):
    ids = ids_of(clients)
    by = "laptop" if ended != "laptop" else "mac app"
    clients[by].step_up()

    assert clients[by].request("DELETE", f"{SESSIONS}/{ids[ended]}").status_code == 204

    assert clients[ended].request("GET", "/api/v1/me").status_code == 401
    assert signed_in(clients) == clients.keys() - {ended}
    row = UserSession.objects.get(pk=ids[ended])
    assert (row.end_reason, row.session_data) == (EndReason.REVOKED_BY_OWNER, "")


@pytest.mark.parametrize("by", CLIENTS)
def test_a_change_of_password_ends_all_but_the_one_it_is_made_in(clients, by):
    ids = ids_of(clients)
    clients[by].step_up()

    changed = clients[by].call(
        "POST",
        "account/password/change",
        {"current_password": PASSWORD, "new_password": ANOTHER},
    )

    assert changed.status_code == 200, changed.content
    assert signed_in(clients) == {by}
    others = UserSession.objects.filter(pk__in=[ids[name] for name in clients.keys() - {by}])
    assert set(others.values_list("end_reason", flat=True)) == {EndReason.PASSWORD_CHANGED}


def test_a_new_key_keeps_the_session_and_its_id(clients, user):
    before = ids_of(clients)

    for client in clients.values():
        client.step_up()

    assert ids_of(clients) == before
    assert UserSession.objects.active().filter(user=user).count() == len(CLIENTS)
