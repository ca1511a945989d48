"""Trusting a device in the headless flows: apps are told a secret, browsers keep a cookie."""

import pytest

from authentication.tests.clients import BrowserClient, make_app
from authentication.tests.codes import code_of
from authentication.tests.passkeys.callers import Caller, add_passkey
from authentication.tests.people import make_user
from authentication.tests.trusting import COOKIE, App

user, phone = map(pytest.fixture, (make_user, make_app))
pytestmark = pytest.mark.django_db


def prove(client, user, phone, **more):
    client.enter_password(user)
    return client.call("POST", "auth/otp", {"code": code_of(phone), **more})


def test_an_app_is_told_the_secret_once_and_passes_with_it(user, phone):
    answer = prove(App(), user, phone, trust_device=True)
    told = answer.json()["data"]["device_trust"]

    assert answer.status_code == 200
    assert COOKIE not in answer.cookies
    assert App(told["secret"]).enter_password(user).status_code == 200
    assert App().enter_password(user).status_code == 401
    for other in (App(told["secret"], "another-device-id-of-it"), App("A" * 43)):
        assert other.enter_password(user).status_code == 401


def test_an_app_without_a_device_id_is_refused_before_its_code_is_spent(user, phone):
    app = App(device=None)

    refused = prove(app, user, phone, trust_device=True)

    assert refused.status_code == 409
    assert refused.json()["errors"][0]["code"] == "no_device_trust"
    assert app.call("POST", "auth/otp", {"code": code_of(phone)}).status_code == 200


def test_who_must_use_a_second_factor_is_told_so(user, phone):
    type(user).objects.update(totp_required=True)
    app = App()

    refused = prove(app, user, phone, trust_device=True)

    assert refused.json()["errors"][0]["code"] == "no_device_trust"
    assert app.call("GET", "auth/otp").json()["data"]["can_trust_device"] is False


def test_a_headless_browser_is_left_a_cookie_and_told_no_secret(user, phone):
    browser = BrowserClient()

    answer = prove(browser, user, phone, trust_device=True)

    assert answer.json()["data"]["device_trust"].keys() == {"trusted_until"}
    assert browser.http.cookies[COOKIE]["httponly"]
    browser.http.cookies.pop("sessionid")
    assert browser.enter_password(user).status_code == 200


@pytest.mark.parametrize("value", ["true", 1, "no", [True], {}])
def test_only_true_and_false_ask_for_trust(user, phone, value):
    refused = prove(App(), user, phone, trust_device=value)

    assert refused.status_code == 400
    assert refused.json()["errors"][0]["param"] == "trust_device"


def test_a_passkey_gives_trust_like_a_code(user):
    key = add_passkey(user)
    caller = Caller("browser")
    caller.password(user)

    answer = caller.answer(key.get(caller.ask()), trust_device=True)

    assert "device_trust" in answer.json()["data"]
    caller.http.cookies.pop("sessionid")
    assert caller.password(user).status_code == 200
