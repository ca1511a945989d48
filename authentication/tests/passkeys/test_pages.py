"""Passkeys on the pages: what the browser's script posts."""

import json

import pytest
from django.test import Client

from authentication.models import BackupCodeDevice, TOTPDevice
from authentication.passkeys.credentials import Passkey
from authentication.tests.authenticator import Authenticator
from authentication.tests.passkeys.callers import Caller, events, session_of
from authentication.tests.people import PASSWORD

pytestmark = pytest.mark.django_db

LOGIN, OTP, USE, ADD = (
    "/accounts/login/",
    "/accounts/otp/",
    "/accounts/passkey/",
    "/accounts/passkey/add/",
)
FACTORS, STEP_UP = "/accounts/second-factors/", "/accounts/step-up/"


@pytest.fixture
def page():
    """A browser whose pages and headless calls share one session."""
    caller = Caller("browser")
    caller.get, caller.post = caller.http.get, caller.http.post
    return caller


def enter_password(page, user, **extra):
    return page.post(LOGIN, {"login": user.username, "password": PASSWORD, **extra})


def use(page, answer, **fields):
    return page.post(USE, {"passkey": json.dumps(answer), **fields})


def test_a_passkey_finishes_the_sign_in_and_leads_to_where_one_was_going(page, user, key):
    enter_password(page, user, next="/health/live")

    response = use(page, key.get(page.ask()))

    assert response["Location"] == "/health/live"
    assert page.me() == 200
    assert session_of(user).verified_factor == Passkey.objects.get().persistent_id


def test_the_page_offers_a_passkey_to_those_who_have_one(page, user):
    TOTPDevice.objects.create(user=user, name="Phone")
    enter_password(page, user)
    without = page.get(OTP).content.decode()
    add = Authenticator()
    Passkey.objects.create(
        user=user, name="Laptop", credential_id=add.credential_id, public_key=b"k"
    )

    with_one = page.get(OTP).content.decode()

    assert "data-passkey" not in without
    assert 'data-passkey="use"' in with_one
    assert 'data-domain="localhost"' in with_one
    assert "truledgr/passkeys.js" in with_one
    assert "<script>" not in with_one


def test_a_refused_passkey_leads_back_with_a_message(page, user, key):
    enter_password(page, user)

    response = use(page, key.get(page.ask(), origin="https://evil.example"))

    assert response["Location"] == OTP
    assert "This passkey was not accepted" in page.get(OTP).content.decode()
    assert page.me() in (401, 403)


@pytest.mark.parametrize("answer", ["", "[]", "{", "[" * 100_000, "{}" + " " * 40_000, "null"])
def test_what_is_no_answer_leads_back_with_a_message(page, user, key, answer):
    enter_password(page, user)
    page.ask()

    response = page.post(USE, {"passkey": answer})

    assert response["Location"] == OTP
    assert page.me() in (401, 403)


def test_the_fifth_refused_passkey_leads_back_to_the_start(page, user, key):
    enter_password(page, user)

    for _attempt in range(5):
        response = use(page, key.get(page.ask(), rp_id="evil.example"))

    assert response["Location"] == LOGIN
    assert page.get(OTP)["Location"] == LOGIN
    assert "Too many passkeys that were not accepted" in page.get(LOGIN).content.decode()


def test_strangers_are_led_to_the_sign_in_page(client):
    assert client.post(USE, {"passkey": "{}"})["Location"] == LOGIN
    assert client.post(ADD, {"passkey": "{}"})["Location"] == LOGIN
    assert client.get(USE).status_code == 405


def test_the_pages_ask_for_a_csrf_token(user, key):
    client = Client(enforce_csrf_checks=True)

    assert client.post(USE, {"passkey": "{}"}).status_code == 403
    assert client.post(ADD, {"passkey": "{}"}).status_code == 403


def test_a_first_passkey_shows_ten_backup_codes_once(page, user):
    enter_password(page, user)
    answer = Authenticator().create(page.begin())

    response = page.post(ADD, {"passkey": json.dumps(answer), "name": "Desk"})

    assert len(response.context["codes"]) == 10
    assert Passkey.objects.get().name == "Desk"
    assert BackupCodeDevice.objects.get().unused == 10
    assert "Desk" in page.get(FACTORS).content.decode()


def test_a_passkey_is_added_after_a_step_up_only(page, user):
    enter_password(page, user)
    answer = Authenticator().create(page.begin())
    session = page.http.session
    del session["stepped_up_at"]
    session.save()

    response = page.post(ADD, {"passkey": json.dumps(answer)})

    assert response.status_code == 302
    assert "reauthenticate" in response["Location"] or "step-up" in response["Location"]
    assert not Passkey.objects.exists()


def test_a_refused_registration_leads_back_with_a_message(page, user):
    enter_password(page, user)
    answer = Authenticator().create(page.begin(), origin="https://evil.example")

    response = page.post(ADD, {"passkey": json.dumps(answer)})

    assert response["Location"] == FACTORS
    assert "This passkey was not accepted" in page.get(FACTORS).content.decode()


def test_a_first_factor_that_must_be_can_be_a_passkey(page, flagged):
    enter_password(page, flagged, next="/health/live")
    enrolment = page.get("/accounts/enrol/").content.decode()
    options = page("POST", "account/passkeys", {}).json()["data"]["creation_options"]["publicKey"]

    response = page.post(ADD, {"passkey": json.dumps(Authenticator().create(options))})

    assert 'data-passkey="add"' in enrolment
    assert len(response.context["codes"]) == 10
    assert response.context["continue_url"] == "/health/live"
    assert page.me() == 200


def test_a_passkey_and_the_password_step_up_and_go_on(page, user, key):
    enter_password(page, user)
    use(page, key.get(page.ask()))

    wrong = use(page, key.get(page.ask()), password="wrong", next=FACTORS)
    right = use(page, key.get(page.ask()), password=PASSWORD, next="/health/live")

    assert wrong["Location"].startswith(STEP_UP)
    assert right["Location"] == "/health/live"
    assert events("step_up").get().changes["factor"] == [
        None,
        "django_otp_webauthn.webauthncredential",
    ]


def test_a_step_up_never_leads_to_another_site(page, user, key):
    enter_password(page, user)
    use(page, key.get(page.ask()))

    response = use(page, key.get(page.ask()), password=PASSWORD, next="https://evil.example/")

    assert response["Location"] == FACTORS


def test_step_ups_are_limited_like_those_by_code(page, user, key):
    enter_password(page, user)
    use(page, key.get(page.ask()))

    statuses = [use(page, {}, password="wrong").status_code for _attempt in range(12)]

    assert 429 in statuses
