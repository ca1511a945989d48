"""Linking and unlinking for apps and single-page apps, through the headless API."""

from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.socialaccount.models import SocialAccount

from authentication.models import TOTPDevice
from authentication.tests.oauth import (
    BROWSER,
    approve,
    enter,
    events,
    link,
    send,
    send_token,
    session_token_of,
)
from authentication.tests.people import PASSWORD, make_user
from users.models import User

pytestmark = pytest.mark.django_db

NAMES = {"corp": "Corp", "partner": "Partner"}
STEP_UP = "/accounts/step-up/"


def app_session(client, corp, user):
    """The token of an app's session of ``user``, which has just stepped up."""
    body = {"username": user.username, "password": PASSWORD}
    token = session_token_of(send(client, "post", "auth/login", body))
    response = send(client, "post", "auth/reauthenticate", {"password": PASSWORD}, token=token)
    return response.json()["meta"].get("session_token", token)


def test_an_app_links_lists_and_unlinks(client, corp):
    user = make_user()
    token = app_session(client, corp, user)

    linked = send_token(client, corp, corp.id_token(), process="connect", token=token)
    listed = send(client, "get", "account/providers", token=token).json()["data"]
    body = {"provider": "corp", "account": "1001"}
    left = send(client, "delete", "account/providers", body, token=token)

    assert linked.status_code == 200
    assert [(row["uid"], row["provider"]["id"], row["display"]) for row in listed] == [
        ("1001", "corp", "ann@example.org")
    ]
    assert left.json()["data"] == []
    for action in ("provider_linked", "provider_unlinked"):
        assert events(action).get().actor_id == user.pk


def test_an_app_needs_a_recent_step_up_for_both(client, corp):
    user = make_user()
    body = {"username": user.username, "password": PASSWORD}
    token = session_token_of(send(client, "post", "auth/login", body))
    link(user, sub="other")

    linked = send_token(client, corp, corp.id_token(), process="connect", token=token)
    body = {"provider": "corp", "account": "other"}
    unlinked = send(client, "delete", "account/providers", body, token=token)

    for response in (linked, unlinked):
        assert response.status_code == 401
        assert response.json()["meta"]["is_authenticated"] is True
    assert SocialAccount.objects.get().uid == "other"


def test_an_app_cannot_link_what_is_somebody_elses(client, corp):
    link(owner := make_user())
    token = app_session(client, corp, make_user())

    response = send_token(client, corp, corp.id_token(), process="connect", token=token)

    assert response.status_code == 400
    assert response.json()["errors"][0]["code"] == "connected_other"
    assert SocialAccount.objects.get().user == owner


def test_an_app_cannot_remove_the_last_way_in(client, corp):
    user = make_user(password=None)
    link(user)
    token = session_token_of(send_token(client, corp, corp.id_token()))

    body = {"provider": "corp", "account": "1001"}
    response = send(client, "delete", "account/providers", body, token=token)

    assert response.status_code == 400
    assert SocialAccount.objects.exists()


def test_a_list_shows_identities_at_providers_that_are_gone(client, corp):
    user = make_user()
    link(user, provider="closed-down")
    token = app_session(client, corp, user)

    (row,) = send(client, "get", "account/providers", token=token).json()["data"]

    assert row["provider"] == {"id": "closed-down", "name": "closed-down", "flows": []}


def test_a_session_that_lacks_its_second_factor_sees_no_identities(client, corp, settings):
    settings.STAFF_SECOND_FACTOR_REQUIRED = True
    user = make_user()
    link(user)
    token = session_token_of(send_token(client, corp, corp.id_token()))
    User.objects.filter(pk=user.pk).update(is_staff=True)

    response = send(client, "get", "account/providers", token=token)

    assert response.status_code == 403
    assert response.json()["errors"][0]["code"] == "second_factor_required"


def test_a_second_factor_that_this_session_has_not_proven_stops_linking(client, corp):
    user = make_user()
    enter(client, user)
    TOTPDevice.objects.create(user=user, name="Phone")

    response = client.post("/accounts/oidc/corp/login/?process=connect")

    assert response["Location"].startswith(STEP_UP)


def test_a_single_page_app_is_told_to_step_up_before_it_links(client, corp):
    enter(client, make_user(), steps_up=False)

    form = {"provider": "corp", "callback_url": "/app/after?x=1", "process": "connect"}
    location = client.post(f"{BROWSER}auth/provider/redirect", form)["Location"]

    assert urlsplit(location).path == "/app/after"
    assert parse_qs(urlsplit(location).query) == {
        "x": ["1"], "error": ["reauthentication_required"], "error_process": ["connect"],
    }  # fmt: skip
    assert corp.requests == []


def test_a_single_page_app_links(client, corp):
    user = make_user()
    enter(client, user)

    form = {"provider": "corp", "callback_url": "/app/after", "process": "connect"}
    location = client.post(f"{BROWSER}auth/provider/redirect", form)["Location"]

    assert client.get(approve(location))["Location"] == "/app/after"
    assert SocialAccount.objects.get().user == user
