"""Changing the password, and what ends a session: on the pages and by both clients."""

import re
from datetime import timedelta

import pytest
from django.apps import apps
from django.utils import timezone

from authentication.models import APIToken, PasswordResetToken
from authentication.services.api_tokens import create_api_token
from authentication.services.password_resets import make_reset_token
from authentication.tests.account_clients import (
    CLIENTS,
    OTHER,
    Headless,
    Pages,
    change_password,
    is_password,
    mails_at_once,  # noqa: F401 (a fixture)
    mails_to,
    step_up,
)
from authentication.tests.people import PASSWORD, make_user
from core.models import AuditEvent
from users.models import EndReason, User, UserSession

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("mails_at_once")]


@pytest.fixture
def user():
    return make_user(username="anna")


@pytest.mark.parametrize("kind", CLIENTS)
def test_asvs_6_2_2_and_6_2_3_one_changes_ones_password_with_the_current_one(kind, user):
    client = CLIENTS[kind]()
    client.sign_in(user)

    refused = [change_password(client, current, OTHER) for current in ("", "wrong password 123")]

    assert {answer.status_code for answer in refused} == {200 if kind == "pages" else 400}
    assert is_password(user, PASSWORD)
    accepted = change_password(client, PASSWORD, OTHER)
    assert accepted.status_code == (302 if kind == "pages" else 200)
    assert is_password(user, OTHER)


@pytest.mark.parametrize("kind", CLIENTS)
def test_asvs_7_4_3_a_change_of_password_ends_all_other_sessions(kind, user):
    others = {name: make() for name, make in CLIENTS.items()}
    client = CLIENTS[kind]()
    for each in (*others.values(), client):
        each.sign_in(user)
    make_reset_token(actor=None, user=user)
    before = session_key_of(client)

    change_password(client, PASSWORD, OTHER)

    assert client.is_signed_in()
    assert session_key_of(client) != before
    assert not any(other.is_signed_in() for other in others.values())
    ended = UserSession.objects.filter(user=user).exclude(ended_at=None)
    assert [row.end_reason for row in ended] == [EndReason.PASSWORD_CHANGED] * 3
    assert PasswordResetToken.objects.get().revocation_reason == "The password was changed."
    event = AuditEvent.objects.get(action="password_changed")
    assert (event.actor_id, event.session_id) == (
        user.pk,
        UserSession.objects.get(user=user, ended_at=None).pk,
    )
    assert event.changes == {"password": ["[redacted]", "[redacted]"]}
    assert len([m for m in mails_to(user.email) if "password was changed" in m.subject]) == 1


def session_key_of(client):
    if isinstance(client, Headless) and client.kind == "app":
        return client.token
    return client.http.cookies["sessionid"].value


@pytest.mark.parametrize("kind", CLIENTS)
def test_asvs_7_2_4_the_session_key_of_before_a_change_is_dead(kind, user):
    client, old = CLIENTS[kind](), CLIENTS[kind]()
    client.sign_in(user)
    if isinstance(client, Headless) and client.kind == "app":
        old.token = client.token
    else:
        old.http.cookies["sessionid"] = client.http.cookies["sessionid"].value

    change_password(client, PASSWORD, OTHER)

    assert client.is_signed_in()
    assert not old.is_signed_in()


@pytest.mark.parametrize("kind", CLIENTS)
def test_setting_a_first_password_needs_a_step_up(kind, user, monkeypatch):
    client = CLIENTS[kind]()
    client.sign_in(user)
    user.set_unusable_password()
    user.save()
    client = signed_in_without_password(kind, user)
    monkeypatch.setattr("authentication.step_up.is_recent", lambda _request: False)

    refused = set_password(client, OTHER)

    user.refresh_from_db()
    assert not user.has_usable_password()
    assert refused.status_code in {302, 401}
    step_up(client, monkeypatch)
    set_password(client, OTHER)
    assert is_password(user, OTHER)
    assert client.is_signed_in()


def signed_in_without_password(kind, user):
    client = CLIENTS[kind]()
    client.http.force_login(user)
    if kind == "app":
        client.token = client.http.cookies.pop("sessionid").value
    return client


def set_password(client, new):
    if isinstance(client, Pages):
        form = {"password1": new, "password2": new}
        return client.http.post("/accounts/password/set/", form)
    return client.call("post", "account/password/change", {"new_password": new})


def test_access_tokens_outlive_a_change_of_password(user):
    _token, secret = create_api_token(actor=user, user=user, name="backup")
    client = Headless("browser")
    client.sign_in(user)

    change_password(client, PASSWORD, OTHER)

    answer = client.http.get("/api/v1/me", headers={"Authorization": f"Bearer {secret}"})
    assert answer.status_code == 200
    assert APIToken.objects.get().revoked_at is None


def test_asvs_6_2_10_a_password_is_good_for_years(user):
    User.objects.filter(pk=user.pk).update(
        created_at=timezone.now() - timedelta(days=1500),
        updated_at=timezone.now() - timedelta(days=1500),
    )

    assert Headless().sign_in(user).status_code == 200


def test_asvs_6_3_2_there_are_no_default_accounts(client):
    response = client.post("/accounts/login/", {"login": "admin", "password": "admin"})

    assert response.status_code == 200
    assert not User.objects.exists()


def test_asvs_6_4_2_there_are_no_hints_and_no_security_questions():
    names = {
        f"{model._meta.db_table}.{field.name}"
        for model in apps.get_models()
        for field in model._meta.fields
    }

    assert not [name for name in names if re.search(r"hint|question|answer|mother", name)]


@pytest.mark.parametrize("kind", CLIENTS)
def test_asvs_7_4_1_a_session_that_was_signed_out_of_is_dead(kind, user):
    client, thief = CLIENTS[kind](), CLIENTS[kind]()
    client.sign_in(user)
    if kind == "app":
        thief.token = client.token
    else:
        thief.http.cookies["sessionid"] = client.http.cookies["sessionid"].value
    assert thief.is_signed_in()

    if kind == "pages":
        client.http.post("/accounts/logout/")
    else:
        client.call("delete", "auth/session")

    assert not thief.is_signed_in()
    assert UserSession.objects.get(user=user).end_reason == EndReason.SIGNED_OUT


@pytest.mark.parametrize("kind", CLIENTS)
@pytest.mark.parametrize("state", ["switched off", "deleted"])
def test_asvs_7_4_2_a_closed_account_has_no_session_and_no_token(kind, state, user):
    _token, secret = create_api_token(actor=user, user=user, name="backup")
    client = CLIENTS[kind]()
    client.sign_in(user)

    if state == "deleted":
        user.delete()
    else:
        User.objects.filter(pk=user.pk).update(is_active=False)

    assert not client.is_signed_in()
    answer = Pages().http.get("/api/v1/me", headers={"Authorization": f"Bearer {secret}"})
    assert answer.status_code == 401
