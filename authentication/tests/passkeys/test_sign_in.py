"""Signing in with a passkey over HTTP: what is asked, what is accepted, what is refused."""

import json
import time

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from django.core import mail
from django.test import Client
from django_otp_webauthn.models import WebAuthnUserHandle

from authentication.models import MOST_WRONG_IN_A_ROW, TOTPDevice
from authentication.passkeys.credentials import Passkey
from authentication.tests.authenticator import Authenticator, to_text
from authentication.tests.codes import code_of
from authentication.tests.passkeys.callers import (
    Caller,
    add_passkey,
    add_second,
    code_in,
    events,
)
from authentication.tests.people import PASSWORD, make_user

pytestmark = pytest.mark.django_db


def test_asvs_6_3_4_a_password_alone_opens_nothing_for_who_has_a_passkey(caller, user, key):
    response = caller.password(user)

    assert response.status_code == 401
    assert caller.me() in (401, 403)
    assert caller("GET", "account/passkeys").status_code == 401


def test_options_name_the_passkeys_of_the_pending_user_only(caller, user, key):
    add_passkey(make_user())
    caller.password(user)

    options = caller.ask()

    assert [entry["id"] for entry in options["allowCredentials"]] == [to_text(key.credential_id)]
    assert options["rpId"] == "localhost"
    assert options["userVerification"] == "preferred"


def test_asvs_6_3_8_without_a_pending_sign_in_nothing_is_asked_or_said(caller, user, key):
    response = caller("POST", "auth/passkey/options")
    assert response.status_code == 401
    assert "request_options" not in response.json()["data"]
    assert caller.answer({"id": "x"}).status_code == 401


def test_who_has_no_passkey_is_told_so(caller, user):
    TOTPDevice.objects.create(user=user, name="Phone")
    caller.password(user)

    response = caller("POST", "auth/passkey/options")

    assert response.status_code == 409


def test_an_app_still_signs_in_beside_a_passkey(client, user, key):
    app = TOTPDevice.objects.create(user=user, name="Phone")
    client.post("/accounts/login/", {"login": user.username, "password": PASSWORD})

    client.post("/accounts/otp/", {"code": code_of(app)})

    assert client.get("/api/v1/me").status_code == 200


@pytest.mark.parametrize("verifies", [True, False])
def test_user_verification_is_recorded_and_not_required(caller, user, verifies):
    authenticator = add_passkey(user, verifies=verifies)

    response = caller.sign_in(user, authenticator)

    assert response.status_code == 200
    assert events("passkey_used").get().changes["user_verified"] == [None, verifies]


def test_a_synced_passkey_whose_counter_stays_zero_signs_in_again_and_again(caller, user):
    authenticator = add_passkey(user, counts=False, synced=True)

    for _time in range(2):
        assert caller.sign_in(user, authenticator).status_code == 200
        caller("DELETE", "auth/session")
        caller.token = None
    assert Passkey.objects.get().backup_state


LIES = [
    {"key": ec.generate_private_key(ec.SECP256R1())},
    {"origin": "https://evil.example"},
    {"origin": "http://localhost:8000.evil.example"},
    {"origin": "https://localhost:8000"},
    {"rp_id": "evil.example"},
    {"type": "webauthn.create"},
    {"challenge": to_text(b"c" * 64)},
    {"counter": 7},
    {"counter": 0},
    {"cross_origin": True},
    {"user_handle": b"h" * 64},
    {"flags": 0},
    {"credential_id": b"unknown"},
]


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: "{}-{}".format(*next(iter(lie.items())))[:40])
def test_an_assertion_that_proves_nothing_is_refused_and_recorded(caller, user, key, lie):
    caller.password(user)
    key.counter = 7
    Passkey.objects.update(sign_count=7)

    response = caller.answer(key.get(caller.ask(), **lie))

    assert response.status_code == 400
    assert code_in(response) == "passkey_refused"
    assert caller.me() in (401, 403)
    event = events("second_factor_failed").get()
    assert event.object_id == str(user.pk)
    assert event.changes["factor"] == [None, "passkey"]


def test_a_counter_that_does_not_grow_is_refused(caller, user, key):
    caller.sign_in(user, key)
    used = Passkey.objects.get().sign_count
    caller("DELETE", "auth/session")
    caller.token = None
    caller.password(user)

    response = caller.answer(key.get(caller.ask(), counter=used))

    assert used == 1
    assert code_in(response) == "passkey_refused"
    assert Passkey.objects.get().sign_count == used


def test_asvs_6_5_1_an_assertion_works_once(caller, user):
    key = add_passkey(user, counts=False)
    caller.password(user)
    answer = key.get(caller.ask())
    caller.answer(answer)
    caller("DELETE", "auth/session")
    caller.token = None
    caller.password(user)

    without_challenge = caller.answer(answer)
    caller.ask()
    with_another = caller.answer(answer)

    assert code_in(without_challenge) == "passkey_challenge_missing"
    assert code_in(with_another) == "passkey_refused"
    assert caller.me() in (401, 403)


def test_a_challenge_that_was_answered_wrongly_is_spent(caller, user, key):
    caller.password(user)
    options = caller.ask()
    caller.answer(key.get(options, origin="https://evil.example"))

    response = caller.answer(key.get(options))

    assert response.status_code == 409
    assert code_in(response) == "passkey_challenge_missing"
    assert caller.me() in (401, 403)


def test_a_challenge_is_good_for_five_minutes(caller, user, key, monkeypatch):
    caller.password(user)
    options = caller.ask()
    later = time.time() + 301
    monkeypatch.setattr("authentication.passkeys.credentials.time.time", lambda: later)

    response = caller.answer(key.get(options))

    assert code_in(response) == "passkey_challenge_missing"


def test_the_challenge_of_another_session_is_refused(caller, user, key):
    caller.password(user)
    other = Caller(caller.kind)
    other.password(user)
    other.ask()

    response = other.answer(key.get(caller.ask()))

    assert code_in(response) == "passkey_refused"
    assert other.me() in (401, 403)


def test_the_passkey_of_another_user_is_refused(caller, user, key):
    theirs = add_passkey(make_user())
    caller.password(user)

    response = caller.answer(theirs.get(caller.ask(), uninvited=True))

    assert code_in(response) == "passkey_refused"
    assert caller.me() in (401, 403)


def test_an_unconfirmed_passkey_is_neither_asked_for_nor_accepted(caller, user, key):
    TOTPDevice.objects.create(user=user, name="Phone")
    second = add_second(user, key)
    Passkey.objects.filter(pk=Passkey.objects.earliest("id").pk).update(confirmed=False)
    caller.password(user)

    options = caller.ask()
    response = caller.answer(key.get(options, uninvited=True))

    allowed = [entry["id"] for entry in options["allowCredentials"]]
    assert allowed == [to_text(second.credential_id)]
    assert code_in(response) == "passkey_refused"


def test_a_challenge_for_one_purpose_serves_no_other(caller, user, key):
    caller.sign_in(user, key)
    options = caller.begin() | {"rpId": "localhost"}

    response = caller.answer(key.get(options, uninvited=True), password=PASSWORD)

    assert code_in(response) == "passkey_challenge_missing"


def test_asvs_6_3_5_five_refused_passkeys_end_the_pending_sign_in_and_the_owner_hears_of_it(
    caller, user, key, django_capture_on_commit_callbacks
):
    caller.password(user)
    mail.outbox.clear()

    with django_capture_on_commit_callbacks(execute=True):
        for _attempt in range(4):
            assert code_in(caller.answer(key.get(caller.ask(), rp_id="evil.example")))
        fifth = caller.answer(key.get(caller.ask(), rp_id="evil.example"))

    assert fifth.status_code == 401
    assert not [flow for flow in fifth.json()["data"]["flows"] if flow.get("is_pending")]
    assert caller("POST", "auth/passkey/options").status_code == 401
    assert events("second_factor_failed").count() == 5
    assert len(mail.outbox) == 1


def test_a_new_sign_in_starts_from_no_refusals(caller, user, key):
    for _sign_in in range(2):
        caller.password(user)
        for _attempt in range(4):
            caller.answer(key.get(caller.ask(), rp_id="evil.example"))

    assert caller.answer(key.get(caller.ask())).status_code == 200


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_deleted": True}])
def test_an_account_that_is_switched_off_meanwhile_stays_out(caller, user, key, change):
    caller.password(user)
    answer = key.get(caller.ask())
    if "is_deleted" in change:
        user.delete()
    else:
        type(user).objects.filter(pk=user.pk).update(**change)

    assert caller.answer(answer).status_code == 401
    assert caller.me() in (401, 403)


def test_a_passkey_that_is_removed_meanwhile_does_not_open_the_door(caller, user, key):
    TOTPDevice.objects.create(user=user, name="Phone")
    caller.password(user)
    answer = key.get(caller.ask())
    Passkey.objects.all().delete()

    assert code_in(caller.answer(answer)) == "passkey_refused"
    assert caller.me() in (401, 403)


def test_a_passkey_unlocks_what_wrong_codes_have_locked(caller, user, key):
    app = TOTPDevice.objects.create(
        user=user, name="Phone", throttling_failure_count=MOST_WRONG_IN_A_ROW
    )

    caller.sign_in(user, key)

    app.refresh_from_db()
    assert app.throttling_failure_count == 0


NONSENSE = [
    None, 1, "text", [], {}, {"id": 1}, {"id": "a", "rawId": "a", "type": "x", "response": {}},
    {"id": "YQ", "rawId": "YQ", "type": "public-key", "response": None},
    {"id": "x" * 40_000}, {"id": json.loads("[" * 33 + "]" * 33)},
    {"id": "YQ", "rawId": "YQ", "type": "public-key",
     "response": {"clientDataJSON": "AA", "authenticatorData": "AA", "signature": "AA"}},
    {"id": "ä", "rawId": "ä", "type": "public-key",
     "response": {"clientDataJSON": "ä", "authenticatorData": "ä", "signature": "ä",
                  "attestationObject": "ä"}},
    {"id": "YQ", "rawId": "YQ", "type": "public-key",
     "response": {"clientDataJSON": to_text(b"[" * 5000), "authenticatorData": "AA",
                  "signature": "AA", "attestationObject": to_text(b"\x81" * 5000)}},
]  # fmt: skip


@pytest.mark.parametrize("nonsense", NONSENSE, ids=str)
def test_nonsense_is_a_refusal_and_no_error(caller, user, key, nonsense):
    caller.password(user)
    caller.ask()
    first = caller.answer(nonsense)
    caller.answer(key.get(caller.ask()))
    caller.begin()

    second = caller.complete(nonsense)

    assert first.status_code == 400
    assert second.status_code == 400


@pytest.mark.parametrize("part", ["clientDataJSON", "authenticatorData", "signature"])
def test_a_damaged_assertion_is_a_refusal_and_no_error(user, key, part):
    caller = Caller("app")
    for length in (0, 1, 20, 36, 37, 48):
        caller.password(user)
        answer = key.get(caller.ask())
        answer["response"][part] = answer["response"][part][:length]
        assert code_in(caller.answer(answer)) == "passkey_refused"


def test_a_damaged_registration_is_a_refusal_and_no_error(user):
    caller = Caller("app")
    caller.password(user)
    for length in (0, 1, 20, 60, 100, 180, 200, 240):
        answer = Authenticator().create(caller.begin())
        answer["response"]["attestationObject"] = answer["response"]["attestationObject"][:length]
        assert code_in(caller.complete(answer)) == "passkey_refused"
    assert not Passkey.objects.exists()


def test_nobody_signs_in_by_passkey_alone(caller, user, key):
    response = caller("GET", "config")

    assert "passkey" not in response.content.decode()
    assert caller("POST", "auth/passkey/options", {"username": user.username}).status_code == 401


def test_user_handles_are_random_and_say_nothing_of_the_user(user, key):
    handle = WebAuthnUserHandle.objects.get(user=user).handle

    assert len(handle) == 64
    assert user.pk.bytes not in handle
    assert user.username.encode() not in handle


def test_nist_5_1_the_browser_client_asks_for_a_csrf_token(user, key):
    caller = Caller("browser")
    caller.http = Client(enforce_csrf_checks=True)

    response = caller("POST", "auth/passkey/options", {})

    assert response.status_code == 403
