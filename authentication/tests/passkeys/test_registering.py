"""Adding a passkey over HTTP, in a session and in a sign-in that must have one."""

import pytest
from django.core import mail

from authentication.models import BackupCodeDevice
from authentication.passkeys.credentials import Passkey
from authentication.tests.authenticator import Authenticator, RefusedError, to_text
from authentication.tests.passkeys.callers import (
    Caller,
    begin_pending,
    code_in,
    session_of,
)
from authentication.tests.people import make_user
from core.models import AuditEvent

pytestmark = pytest.mark.django_db


# --- Registering ----------------------------------------------------------------------------


def test_nist_2_2_2_a_passkey_is_enrolled_and_signs_in(caller, user):
    authenticator = Authenticator()
    caller.password(user)
    caller.complete(authenticator.create(caller.begin()))
    caller("DELETE", "auth/session")
    caller.token = None

    first = caller.password(user)
    second = caller.answer(authenticator.get(caller.ask()))

    assert first.status_code == 401
    assert {"id": "otp", "is_pending": True} in first.json()["data"]["flows"]
    assert second.status_code == 200
    assert second.json()["meta"]["is_authenticated"]
    assert caller.me() == 200
    passkey = Passkey.objects.get()
    assert session_of(user).verified_factor == passkey.persistent_id


def test_the_first_passkey_verifies_its_session_and_brings_ten_backup_codes_once(caller, user):
    caller.password(user)
    before = caller.key()

    first = caller.complete(Authenticator().create(caller.begin()), "Laptop")
    second = caller.complete(Authenticator().create(caller.begin()), "Key")

    assert len(first.json()["data"]["backup_codes"]) == 10
    assert second.json()["data"]["backup_codes"] == []
    assert BackupCodeDevice.objects.get(user=user).unused == 10
    assert session_of(user).verified_factor
    assert caller.key() != before
    assert caller.me() == 200


def test_asvs_7_2_4_the_old_session_key_is_dead_after_a_passkey_was_added(caller, user):
    caller.password(user)
    old = caller.copy()

    caller.complete(Authenticator().create(caller.begin()))

    assert old.me() in (401, 403)
    assert old("GET", "account/passkeys").status_code in (401, 410)


def test_asvs_6_3_7_the_owner_is_told_of_a_new_passkey_and_of_a_removed_one(
    caller, user, django_capture_on_commit_callbacks
):
    caller.password(user)
    mail.outbox.clear()

    with django_capture_on_commit_callbacks(execute=True):
        made = caller.complete(Authenticator().create(caller.begin()))
    added = [message.to for message in mail.outbox]
    mail.outbox.clear()
    with django_capture_on_commit_callbacks(execute=True):
        caller("DELETE", f"account/passkeys/{made.json()['data']['factor']['id']}")

    assert added == [[user.email]]
    assert [message.to for message in mail.outbox] == [[user.email]]


def test_a_registration_is_recorded_without_key_material(caller, user):
    caller.password(user)
    authenticator = Authenticator()
    caller.complete(authenticator.create(caller.begin()), "Laptop")

    event = AuditEvent.objects.get(model="webauthncredential", action="create")

    assert (event.actor_id, event.object_label) == (user.pk, "Laptop")
    assert event.changes["user_verified"] == [None, True]
    assert event.client_ip
    assert to_text(authenticator.credential_id) not in str(event.changes)


def test_what_is_asked_of_the_browser_is_what_was_decided(caller, user, key):
    caller.sign_in(user, key)

    options = caller.begin()

    assert options["rp"] == {"id": "localhost", "name": "TruLedgr"}
    assert options["attestation"] == "none"
    assert options["timeout"] == 300_000
    assert options["authenticatorSelection"]["userVerification"] == "preferred"
    assert options["authenticatorSelection"]["residentKey"] == "preferred"
    assert [entry["id"] for entry in options["excludeCredentials"]] == [to_text(key.credential_id)]
    with pytest.raises(RefusedError):
        key.create(options)


def test_a_passkey_is_registered_once_whoever_sends_it(caller, user, key):
    other = make_user()
    caller.password(other)

    response = caller.complete(
        Authenticator().create(caller.begin(), credential_id=key.credential_id)
    )

    assert response.status_code == 400
    assert code_in(response) == "passkey_refused"
    assert not Passkey.objects.filter(user=other).exists()


@pytest.mark.parametrize(
    "lie",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://localhost.evil.example"},
        {"rp_id": "evil.example"},
        {"type": "webauthn.get"},
        {"challenge": to_text(b"c" * 64)},
        {"cross_origin": True},
        {"flags": 0},
        {"credential_id": b"i" * 1024},
    ],
    ids=str,
)
def test_a_registration_that_is_not_for_here_and_now_is_refused(caller, user, lie):
    caller.password(user)

    response = caller.complete(Authenticator().create(caller.begin(), **lie))

    assert response.status_code == 400
    assert code_in(response) == "passkey_refused"
    assert not Passkey.objects.exists()


def test_a_registration_is_answered_once(caller, user):
    caller.password(user)
    options = caller.begin()
    caller.complete(Authenticator().create(options))

    again = caller.complete(Authenticator().create(options))

    assert again.status_code == 409
    assert code_in(again) == "passkey_challenge_missing"
    assert Passkey.objects.count() == 1


def test_twenty_passkeys_are_the_most(caller, user, monkeypatch):
    monkeypatch.setattr("authentication.services.passkeys.MOST_PASSKEYS", 2)
    caller.password(user)
    for _number in range(2):
        caller.complete(Authenticator().create(caller.begin()))
    caller.step_up()

    response = caller("POST", "account/passkeys", {})

    assert response.status_code == 409
    assert Passkey.objects.count() == 2


@pytest.mark.parametrize("name", ["x" * 65, "nul\0", "\ud800"])
def test_a_name_that_cannot_be_stored_is_refused(caller, user, name):
    caller.password(user)

    response = caller.complete(Authenticator().create(caller.begin()), name)

    assert response.status_code == 400
    assert response.json()["errors"][0]["param"] == "name"
    assert not Passkey.objects.exists()


# --- A first factor, in a sign-in that must have one ------------------------------------------


def test_asvs_6_3_3_a_passkey_can_be_the_first_factor_of_who_must_have_one(caller, flagged):
    pending = caller.password(flagged)
    options = begin_pending(caller)

    response = caller.complete(Authenticator().create(options))

    assert {"id": "enrol", "is_pending": True} in pending.json()["data"]["flows"]
    assert response.status_code == 200
    assert response.json()["meta"]["is_authenticated"]
    assert len(response.json()["data"]["backup_codes"]) == 10
    assert caller.me() == 200
    assert session_of(flagged).verified_factor == Passkey.objects.get().persistent_id


def test_nist_4_1_2_1_who_enrols_second_with_the_same_password_does_not_get_in(caller, flagged):
    caller.password(flagged)
    options = begin_pending(caller)
    thief = Caller("app")
    thief.password(flagged)
    theirs = begin_pending(thief)
    caller.complete(Authenticator().create(options))

    late = thief.complete(Authenticator().create(theirs))

    assert late.status_code == 401
    assert thief.me() in (401, 403)
    assert Passkey.objects.count() == 1


def test_a_refused_first_passkey_leaves_the_sign_in_pending(caller, flagged):
    caller.password(flagged)

    response = caller.complete(
        Authenticator().create(begin_pending(caller), origin="https://evil.example")
    )

    assert code_in(response) == "passkey_refused"
    assert caller.me() in (401, 403)
    assert caller.complete(Authenticator().create(begin_pending(caller))).status_code == 200
