"""What the pages of second factors are made of, and who may open which."""

import re

import pytest
from django.test import Client

from authentication.models import TOTPDevice
from authentication.tests.clients import (
    ENROL,
    FACTORS,
    LOGIN,
    OTP,
    STEP_UP,
    make_app,
    make_backup_codes,
)
from authentication.tests.codes import code_of
from authentication.tests.people import PASSWORD, make_user

pytestmark = pytest.mark.django_db


def enter_password(client, user):
    client.post(LOGIN, {"login": user.username, "password": PASSWORD})


def signed_in(client):
    """Somebody with two apps and backup codes, who has stepped up."""
    user = make_user()
    apps = [make_app(user), make_app(user, "Tablet <b>&</b>")]
    make_backup_codes(user)
    enter_password(client, user)
    client.post(OTP, {"code": code_of(apps[0])})
    TOTPDevice.objects.update(last_step=0)
    client.post(STEP_UP, {"password": PASSWORD, "code": code_of(apps[0])})


def pending(client):
    user = make_user()
    make_app(user)
    make_app(user, "Tablet")
    enter_password(client, user)


def held(client):
    enter_password(client, make_user(totp_required=True))


@pytest.mark.parametrize(
    ("address", "prepare"),
    [(OTP, pending), (ENROL, held), (ENROL, signed_in), (FACTORS, signed_in), (STEP_UP, signed_in)],
)
def test_a_page_is_clean_labelled_and_free_of_inline_code(client, address, prepare):
    prepare(client)

    response = client.get(address)
    body = response.content.decode()

    assert response.status_code == 200
    assert len(re.findall(r"<h1[ >]", body)) == 1
    assert " style=" not in body
    assert "<style" not in body
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", body))
    assert "unsafe" not in response["Content-Security-Policy"]
    assert "no-store" in response["Cache-Control"]
    assert "<b>" not in body
    for tag in re.findall(r"<(?:input|select)[^>]*>", body):
        if 'type="hidden"' not in tag:
            identifier = re.search(r'id="([^"]+)"', tag).group(1)
            assert f'for="{identifier}"' in body


@pytest.mark.parametrize("address", [OTP, ENROL, FACTORS, STEP_UP])
def test_strangers_are_sent_to_sign_in(client, address):
    assert client.get(address)["Location"].startswith(LOGIN)


@pytest.mark.parametrize("action", ["app-1/rename/", "app-1/remove/", "backup-codes/"])
def test_what_changes_something_is_posted_with_a_form_token(action):
    client = Client(enforce_csrf_checks=True)

    assert client.get(FACTORS + action).status_code in (302, 405)
    assert client.post(FACTORS + action).status_code == 403


def test_allauths_own_page_for_stepping_up_asks_for_the_code_too(client):
    user = make_user()
    app = make_app(user)
    enter_password(client, user)
    client.post(OTP, {"code": code_of(app)})

    response = client.post("/accounts/reauthenticate/", {"password": PASSWORD})

    assert response.status_code == 200
    assert response.context["form"].errors["code"]
