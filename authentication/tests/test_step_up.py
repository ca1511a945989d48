"""Stepping up: proving again, in a session, what a sign-in asks for."""

import time
from datetime import timedelta

import pytest
from django.test import RequestFactory
from django.utils import timezone

from authentication import step_up
from authentication.models import APIToken, TOTPDevice
from authentication.tests.clients import (
    LOGIN,
    STEP_UP,
    AppClient,
    BrowserClient,
    error_codes,
    make_app,
    make_backup_codes,
)
from authentication.tests.codes import code_of
from authentication.tests.people import PASSWORD, make_user
from core.models import AuditEvent
from users.models import EndReason, UserSession
from users.sessions import SessionStore, end_sessions

pytestmark = pytest.mark.django_db
both_clients = pytest.mark.parametrize("client_class", [AppClient, BrowserClient])
SENSITIVE = "account/second-factors"  # POST: starts to set up an app


@pytest.fixture
def user():
    return make_user()


def key_of(client):
    return client.token or client.http.session.session_key


def is_open(client):
    return client.call("POST", SENSITIVE, {}).status_code == 200


def forget_codes():
    """As if the time step of the last code were long past."""
    TOTPDevice.objects.update(last_step=0)


@pytest.fixture
def later(monkeypatch):
    """Let that many seconds go by."""

    def go_by(seconds):
        now = time.time() + seconds
        monkeypatch.setattr(step_up.time, "time", lambda: now)

    return go_by


def signed_in_without_password(client, user, *, seconds_ago=0):
    """As OAuth signs in: no password, the sign-in in allauth's record of the session."""
    user.set_unusable_password()
    user.save()
    client.force_login(user)
    session = client.session
    record = {"method": "socialaccount", "at": time.time() - seconds_ago}
    session["account_authentication_methods"] = [record]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
    return client


# --- What it asks for -----------------------------------------------------------------------


@both_clients
def test_a_sign_in_by_password_opens_nothing_sensitive(client_class, user):
    client = client_class().sign_in(user)

    assert not is_open(client)
    client.step_up()
    assert is_open(client)


@both_clients
def test_asvs_7_2_4_the_old_token_is_dead_after_a_step_up(client_class, user):
    client = client_class().sign_in(user)
    before = key_of(client)

    client.step_up()

    assert key_of(client) != before
    assert client.is_signed_in()
    old = AppClient(token=before)
    assert not old.is_signed_in()
    assert old.call("GET", "auth/session").status_code == 410


@both_clients
def test_who_has_a_second_factor_proves_it_too(client_class, user):
    app = make_app(user)
    client = client_class().sign_in(user, code_of(app))
    forget_codes()

    without = client.call("POST", "auth/reauthenticate", {"password": PASSWORD})
    wrong = client.call("POST", "auth/reauthenticate", {"password": "no", "code": code_of(app)})
    assert (without.status_code, error_codes(without)) == (400, ["required"])
    assert (wrong.status_code, error_codes(wrong)) == (400, ["incorrect_password"])
    assert not is_open(client)

    client.step_up(code=code_of(app))
    assert is_open(client)


def test_a_wrong_password_does_not_use_the_code_up(user):
    app = make_app(user)
    client = AppClient().sign_in(user, code_of(app))
    forget_codes()
    client.call("POST", "auth/reauthenticate", {"password": "no", "code": code_of(app)})

    client.step_up(code=code_of(app))

    assert is_open(client)


def test_wrong_codes_count_as_at_a_sign_in(user):
    app = make_app(user)
    client = AppClient().sign_in(user, code_of(app))

    replayed = client.call(
        "POST", "auth/reauthenticate", {"password": PASSWORD, "code": code_of(app)}
    )

    assert error_codes(replayed) == ["incorrect_code"]
    app.refresh_from_db()
    assert app.throttling_failure_count == 1


def test_asvs_6_4_4_a_lost_app_is_replaced_by_a_backup_code_and_not_by_the_password(user):
    app, codes = make_app(user), make_backup_codes(user)
    client = AppClient().sign_in(user, codes[0])
    path = f"{SENSITIVE}/app-{app.pk}"

    assert client.call("DELETE", path).status_code == 401
    client.call("POST", "auth/reauthenticate", {"password": PASSWORD})
    assert client.call("DELETE", path).status_code == 401
    client.step_up(code=codes[1])
    assert client.call("DELETE", path).status_code == 200


def test_stepping_up_says_beforehand_what_it_asks_for(user):
    make_app(user)
    codes = make_backup_codes(user)
    client = AppClient().sign_in(user, codes[0])

    data = client.call("GET", "auth/reauthenticate").json()["data"]

    assert (data["password"], data["backup_codes"], data["is_recent"]) == (True, True, False)
    assert [app["name"] for app in data["apps"]] == ["Phone"]


def test_too_many_tries_are_refused_with_429(user):
    client = AppClient().sign_in(user)

    statuses = [
        client.call("POST", "auth/reauthenticate", {"password": "wrong"}).status_code
        for _attempt in range(30)
    ]

    assert statuses[0] == 400
    assert 429 in statuses
    assert not is_open(client)


def test_strangers_step_up_nowhere(client):
    assert AppClient().call("POST", "auth/reauthenticate", {"password": "x"}).status_code == 401
    assert client.get(STEP_UP)["Location"].startswith(LOGIN)


# --- How long it lasts ----------------------------------------------------------------------


def test_asvs_7_5_1_a_step_up_opens_ten_minutes_and_no_more(user, later):
    client = AppClient().sign_in(user).step_up()

    later(599)
    assert is_open(client)
    later(601)
    assert not is_open(client)


def test_nist_5_2_a_step_up_restarts_both_limits_of_the_session(user):
    client = AppClient().sign_in(user)
    soon = timezone.now() + timedelta(minutes=1)
    UserSession.objects.update(expires_at=soon, idle_expires_at=soon)

    client.step_up()

    row = UserSession.objects.get(user=user)
    assert row.expires_at > soon + timedelta(hours=1)
    assert row.idle_expires_at > soon + timedelta(minutes=30)


def test_a_step_up_in_one_session_opens_no_other(user):
    one, other = AppClient().sign_in(user), AppClient().sign_in(user)

    one.step_up()

    assert is_open(one)
    assert not is_open(other)


def test_a_factor_added_elsewhere_ends_the_step_up_of_a_session_without_it(user):
    client = AppClient().sign_in(user).step_up()

    make_app(user)

    assert not is_open(client)


def test_a_session_that_was_ended_meanwhile_is_not_brought_back_by_a_step_up(user):
    client = AppClient().sign_in(user)
    request = RequestFactory().post("/")
    request.session = SessionStore(client.token)
    request.user = user
    assert request.session.row_id is not None
    end_sessions(UserSession.objects.all(), reason=EndReason.REVOKED_BY_OWNER)

    with pytest.raises(step_up.ConflictError):
        step_up.mark(request)

    assert UserSession.objects.filter(ended_at=None).count() == 0


def test_a_step_up_is_in_the_trail_with_the_kind_of_factor(user):
    app = make_app(user)
    client = AppClient().sign_in(user, code_of(app))
    forget_codes()

    client.step_up(code=code_of(app))

    event = AuditEvent.objects.get(action="step_up")
    assert (event.actor, event.changes) == (user, {"factor": [None, "authentication.totpdevice"]})


# --- Without a password ---------------------------------------------------------------------


def test_for_who_has_neither_password_nor_factor_a_recent_sign_in_counts(client, user):
    signed_in_without_password(client, user, seconds_ago=60)

    assert client.get("/accounts/enrol/").status_code == 200


def test_for_who_has_neither_an_old_sign_in_does_not_count(client, user):
    signed_in_without_password(client, user, seconds_ago=601)

    response = client.get("/accounts/enrol/")
    page = client.get(response["Location"])

    assert response["Location"].startswith(STEP_UP)
    assert "Sign out and in again" in page.content.decode()


def test_asvs_7_5_1_without_a_password_the_second_factor_is_still_asked_for(client, user):
    app = make_app(user)
    signed_in_without_password(client, user)

    assert client.get("/accounts/enrol/")["Location"].startswith(STEP_UP)
    client.post(STEP_UP, {"code": code_of(app)})
    assert client.get("/accounts/enrol/").status_code == 200


def test_asvs_7_5_1_allauth_waives_nothing_for_who_has_no_password(client, user):
    make_app(user)
    signed_in_without_password(client, user)
    browser = BrowserClient()
    browser.http = client

    response = browser.call("POST", "account/email", {"email": "new@example.org"})

    assert response.status_code == 401
    assert not user.emailaddress_set.filter(email="new@example.org").exists()


# --- allauth's own sensitive changes, and the page ------------------------------------------


@both_clients
def test_asvs_7_5_1_a_new_address_needs_a_step_up(client_class, user):
    client = client_class().sign_in(user)
    body = {"email": "new@example.org"}

    assert client.call("POST", "account/email", body).status_code == 401
    client.step_up()
    assert client.call("POST", "account/email", body).status_code == 200


def test_the_page_comes_back_to_where_one_was_sent_from(client, user):
    client.post(LOGIN, {"login": user.username, "password": PASSWORD})
    sent = client.post("/accounts/email/", {"email": "new@example.org", "action_add": ""})
    client.get(sent["Location"])

    done = client.post(sent["Location"], {"password": PASSWORD})

    assert sent["Location"].startswith(STEP_UP)
    assert done["Location"] == "/accounts/email/"
    assert "account_reauthentication_state" not in client.session


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/"])
def test_the_page_never_leads_to_another_host(client, user, target):
    client.post(LOGIN, {"login": user.username, "password": PASSWORD})

    response = client.post(STEP_UP, {"password": PASSWORD, "next": target})

    assert response.status_code == 302
    assert "evil" not in response["Location"]


def test_the_page_tells_what_is_wrong_and_keeps_no_password(client, user):
    client.post(LOGIN, {"login": user.username, "password": PASSWORD})

    response = client.post(STEP_UP, {"password": "not it"})

    assert response.context["form"].errors["password"]
    assert "not it" not in response.content.decode()


# --- Access tokens --------------------------------------------------------------------------


@both_clients
def test_making_an_access_token_in_a_session_needs_a_step_up(client_class, user):
    client = client_class().sign_in(user)

    refused = client.request("POST", "/api/v1/me/tokens", {"name": "CI"})
    client.step_up()
    made = client.request("POST", "/api/v1/me/tokens", {"name": "CI"})

    assert (refused.status_code, refused.json()["code"]) == (403, "step_up_required")
    assert made.status_code == 201
    assert APIToken.objects.count() == 1


def test_listing_access_tokens_in_a_session_needs_none(user):
    client = AppClient().sign_in(user)

    assert client.request("GET", "/api/v1/me/tokens").status_code == 200


def test_a_stranger_is_not_asked_to_step_up(api):
    assert api.post("/api/v1/me/tokens", {"name": "CI"}).status_code == 401
