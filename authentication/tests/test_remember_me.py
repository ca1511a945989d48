"""How long a session lasts, with and without "remember me": as documented, set and told."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as project_settings
from django.test import Client
from django.utils import timezone

from authentication.tests.account_clients import Headless
from authentication.tests.clients import LOGIN, OTP, AppClient, BrowserClient, make_app
from authentication.tests.codes import code_of
from authentication.tests.oauth import link, sign_in
from authentication.tests.people import PASSWORD, make_user
from users.models import UserSession

pytestmark = pytest.mark.django_db

DOCUMENT = Path(project_settings.BASE_DIR) / "docs/developer/sessions.md"
DAY = timedelta(days=1)


@pytest.fixture
def user():
    return make_user()


def on_the_page(user, **form):
    client = Client()
    client.post(LOGIN, {"login": user.username, "password": PASSWORD, **form})
    return client


def through(kind, user, **body):
    client = Headless(kind)
    body = {"username": user.username, "password": PASSWORD, **body}
    return client, client.call("post", "auth/login", body)


def lasts(session):
    """Its absolute and its idle limit, from now, to the day."""
    now = timezone.now()
    return [round((end - now) / DAY) for end in (session.expires_at, session.idle_expires_at)]


def test_a_remembered_session_outlives_the_browser_and_has_the_longer_limits(user):
    client = on_the_page(user, remember="on")
    session = UserSession.objects.get(user=user)

    assert session.is_remembered
    assert lasts(session) == [30, 7]
    assert int(client.cookies["sessionid"]["max-age"]) > 29 * 86_400


def test_one_that_is_not_goes_with_the_browser_and_has_the_servers_limits(user):
    client = on_the_page(user)
    session = UserSession.objects.get(user=user)

    assert not session.is_remembered
    assert lasts(session) == [1, 0]
    assert client.cookies["sessionid"]["max-age"] == ""
    assert client.cookies["sessionid"]["expires"] == ""


@pytest.mark.parametrize("kind", ["app", "browser"])
@pytest.mark.parametrize("wanted", [True, False])
def test_a_headless_sign_in_asks_for_it_too(user, kind, wanted):
    client, _response = through(kind, user, remember=wanted)

    assert client.is_signed_in()
    assert UserSession.objects.get(user=user).is_remembered is wanted


@pytest.mark.parametrize("value", ["true", 1, "no", [], {}])
def test_nothing_but_true_and_false_is_taken_for_an_answer(user, value):
    _client, response = through("app", user, remember=value)

    assert response.status_code == 400
    assert [error["param"] for error in response.json()["errors"]] == ["remember"]


@pytest.mark.parametrize("kind", [AppClient, BrowserClient])
def test_it_is_kept_while_a_second_factor_is_proven(user, kind):
    app = make_app(user)
    client = kind()
    body = {"username": user.username, "password": PASSWORD, "remember": True}
    assert client.call("POST", "auth/login", body).status_code == 401
    assert not UserSession.objects.filter(is_remembered=True).exists()

    client.call("POST", "auth/otp", {"code": code_of(app)})

    session = UserSession.objects.get(user=user)
    assert session.is_remembered
    assert lasts(session) == [30, 7]


def test_it_is_kept_on_the_pages_too(user):
    app = make_app(user)
    client = on_the_page(user, remember="on")

    client.post(OTP, {"code": code_of(app)})

    assert UserSession.objects.get(user=user).is_remembered


def test_who_must_use_a_second_factor_is_not_remembered(user):
    type(user).objects.update(totp_required=True)
    app = make_app(user)
    client = on_the_page(user, remember="on")

    client.post(OTP, {"code": code_of(app)})

    session = UserSession.objects.get(user=user)
    assert not session.is_remembered
    assert lasts(session) == [1, 0]
    assert client.cookies["sessionid"]["max-age"] == ""


def test_a_wrong_password_remembers_nothing_for_the_next_try(user):
    client = Client()
    client.post(LOGIN, {"login": user.username, "password": "no idea at all", "remember": "on"})
    client.post(LOGIN, {"login": user.username, "password": PASSWORD})

    assert not UserSession.objects.get(user=user).is_remembered


def test_the_list_of_sessions_says_so(user):
    client = on_the_page(user, remember="on")

    assert "Remembered" in client.get("/accounts/sessions/").content.decode()
    [row] = client.get("/api/v1/me/sessions").json()["results"]
    assert row["is_remembered"] is True


# --- What is documented, set and told is the same -------------------------------------------


def told():
    return Headless("app").call("get", "config").json()["data"]["session"]


def documented(name):
    """The default in the table of docs/developer/sessions.md."""
    row = re.search(rf"^\| `{name}` \| ([\d,]+) ", DOCUMENT.read_text(), re.MULTILINE)
    assert row, f"{name} has no row"
    return int(row.group(1).replace(",", ""))


@pytest.mark.parametrize(
    ("name", "setting", "key"),
    [
        ("SESSION_IDLE_SECONDS", "SESSION_IDLE_SECONDS", "idle_seconds"),
        ("SESSION_ABSOLUTE_SECONDS", "SESSION_COOKIE_AGE", "absolute_seconds"),
        (
            "SESSION_REMEMBERED_IDLE_SECONDS",
            "SESSION_REMEMBERED_IDLE_SECONDS",
            "remembered_idle_seconds",
        ),
        ("SESSION_REMEMBERED_SECONDS", "SESSION_REMEMBERED_SECONDS", "remembered_absolute_seconds"),
        ("DEVICE_TRUST_DAYS", "DEVICE_TRUST_DAYS", "device_trust_days"),
    ],
)
def test_asvs_7_1_1_the_documented_limits_are_those_set_and_told(name, setting, key):
    assert documented(name) == getattr(project_settings, setting) == told()[key]


def test_asvs_7_1_1_clients_are_told_the_limits_of_this_installation(settings):
    settings.SESSION_IDLE_SECONDS, settings.DEVICE_TRUST_DAYS = 600, 0

    assert (told()["idle_seconds"], told()["device_trust_days"]) == (600, 0)


def test_asvs_7_1_2_any_number_of_sessions_side_by_side_as_documented(user):
    clients = [AppClient().sign_in(user) for _each in range(12)]

    assert "any number" in DOCUMENT.read_text()
    assert all(client.is_signed_in() for client in clients)
    assert len(clients[0].request("GET", "/api/v1/me/sessions").json()["results"]) == 12


@pytest.fixture
def federated(user, corp, client):
    """A browser that has just signed in through the provider."""
    link(user)
    sign_in(client)
    return client


def test_asvs_7_1_3_a_session_begun_at_a_provider_has_the_limits_of_every_session(user, federated):
    session = UserSession.objects.get(user=user)

    assert "independent of the provider's" in DOCUMENT.read_text()
    assert session.login_method == "oauth:corp"
    assert lasts(session) == [1, 0]
    assert not session.is_remembered


def test_asvs_7_6_1_the_provider_is_not_asked_again_while_the_session_lasts(corp, federated):
    corp.requests.clear()

    assert federated.get("/api/v1/me").status_code == 200
    assert corp.requests == []


def test_asvs_7_6_1_a_session_begun_at_a_provider_ends_at_our_limit(federated):
    UserSession.objects.update(expires_at=timezone.now())

    assert federated.get("/api/v1/me").status_code == 401
