"""Stepping up with a passkey; listing, renaming and removing passkeys over HTTP."""

import time

import pytest

from authentication.models import BackupCodeDevice
from authentication.passkeys.credentials import Passkey
from authentication.tests.authenticator import Authenticator
from authentication.tests.passkeys.callers import (
    Caller,
    add_passkey,
    add_second,
    code_in,
    events,
)
from authentication.tests.people import PASSWORD, make_user
from core.models import AuditEvent
from users.models import UserSession

pytestmark = pytest.mark.django_db


# --- Step-up before changes -----------------------------------------------------------------


def test_asvs_7_5_1_passkeys_are_added_renamed_and_removed_after_a_step_up_only(
    caller, user, key, monkeypatch
):
    caller.sign_in(user, key)
    caller.step_up()
    passkey = Passkey.objects.get()
    later = time.time() + 601
    monkeypatch.setattr("authentication.step_up.time.time", lambda: later)

    refusals = [
        caller("POST", "account/passkeys", {}),
        caller("POST", "account/passkeys/complete", {"credential": {}, "name": "x"}),
        caller("PATCH", f"account/passkeys/passkey-{passkey.pk}", {"name": "x"}),
        caller("DELETE", f"account/passkeys/passkey-{passkey.pk}"),
    ]

    assert [response.status_code for response in refusals] == [401] * 4
    assert all(response.json()["meta"]["is_authenticated"] for response in refusals)
    assert Passkey.objects.get().name == "Laptop"


def test_a_session_without_the_second_factor_adds_no_passkey(caller, user):
    caller.password(user)
    caller.step_up()
    add_passkey(user)

    response = caller("POST", "account/passkeys", {})

    assert response.status_code == 401


def test_a_passkey_and_the_password_step_up_under_a_new_session_key(caller, user, key):
    caller.sign_in(user, key)
    before, old = caller.key(), caller.copy()

    response = caller.answer(key.get(caller.ask()), password=PASSWORD)

    assert response.status_code == 200
    assert caller.key() != before
    assert old.me() in (401, 403)
    assert caller("POST", "account/passkeys", {}).status_code == 200


@pytest.mark.parametrize("password", ["", "wrong"])
def test_a_passkey_without_the_password_does_not_step_up(caller, user, key, password):
    caller.sign_in(user, key)

    response = caller.answer(key.get(caller.ask()), password=password)

    assert response.status_code == 400
    assert response.json()["errors"][0]["param"] == "password"
    assert caller("POST", "account/passkeys", {}).status_code == 401


def test_a_refused_passkey_does_not_step_up_and_ends_no_session(caller, user, key):
    caller.sign_in(user, key)

    for _attempt in range(6):
        refused = caller.answer(key.get(caller.ask(), rp_id="evil.example"), password=PASSWORD)

    assert code_in(refused) == "passkey_refused"
    assert caller("POST", "account/passkeys", {}).status_code == 401
    assert caller.me() == 200


# --- Listing, renaming, removing --------------------------------------------------------------


def test_a_list_shows_ones_own_passkeys_and_nothing_of_their_keys(caller, user, key):
    add_passkey(make_user())
    caller.sign_in(user, key)

    response = caller("GET", "account/passkeys")

    (row,) = response.json()["data"]["passkeys"]
    assert row.keys() == {"id", "type", "name", "created_at", "last_used_at", "is_locked"}
    assert row["name"] == "Laptop"
    assert row["last_used_at"] is not None


def test_a_passkey_is_renamed(caller, user, key):
    caller.sign_in(user, key)
    caller.step_up()
    passkey = Passkey.objects.get()

    response = caller("PATCH", f"account/passkeys/passkey-{passkey.pk}", {"name": " Desk "})

    assert response.json()["data"]["factor"]["name"] == "Desk"
    assert events("rename").get().changes == {"name": ["Laptop", "Desk"]}


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_asvs_8_2_2_the_passkey_of_another_is_not_there(caller, user, key, method):
    add_passkey(make_user())
    theirs = Passkey.objects.exclude(user=user).get()
    caller.sign_in(user, key)
    caller.step_up()

    response = caller(method, f"account/passkeys/passkey-{theirs.pk}", {"name": "Mine"})

    assert response.status_code == 404
    assert Passkey.objects.get(pk=theirs.pk).name == "Laptop"


def test_asvs_6_5_6_removing_a_passkey_unverifies_its_sessions_at_once(caller, user, key):
    second = add_second(user, key)
    other = Caller("app")
    other.sign_in(user, second)
    other.step_up()
    caller.sign_in(user, key)
    caller.step_up()
    removed = Passkey.objects.latest("id")

    response = caller("DELETE", f"account/passkeys/passkey-{removed.pk}")

    assert response.status_code == 200
    assert not UserSession.objects.filter(verified_factor=removed.persistent_id).exists()
    assert other("POST", "account/passkeys", {}).status_code == 401
    assert caller("POST", "account/passkeys", {}).status_code == 200


def test_nist_4_1_a_removed_passkey_stays_in_the_history(caller, user, key):
    caller.sign_in(user, key)
    caller.step_up()
    passkey = Passkey.objects.get()

    caller("DELETE", f"account/passkeys/passkey-{passkey.pk}")

    event = AuditEvent.objects.get(model="webauthncredential", action="delete")
    assert event.changes["name"] == ["Laptop", None]
    assert event.client_ip
    assert not Passkey.objects.exists()


def test_the_last_factor_of_who_must_have_one_stays(caller, user, key):
    type(user).objects.filter(pk=user.pk).update(totp_required=True)
    caller.sign_in(user, key)
    caller.step_up()

    response = caller("DELETE", f"account/passkeys/passkey-{Passkey.objects.get().pk}")

    assert response.status_code == 409
    assert code_in(response) == "last_factor"
    assert Passkey.objects.exists()


def test_with_the_last_passkey_the_backup_codes_go(caller, user, key):
    caller.sign_in(user, key)
    caller.step_up()

    caller("DELETE", f"account/passkeys/passkey-{Passkey.objects.get().pk}")

    assert not BackupCodeDevice.objects.exists()
    caller("DELETE", "auth/session")
    caller.token = None
    assert caller.password(user).status_code == 200


@pytest.mark.parametrize("asked", [True, False])
def test_asvs_7_4_3_other_sessions_end_with_a_removal_if_that_is_asked_for(
    caller, user, key, asked
):
    other = Caller("app")
    other.sign_in(user, key)
    caller.sign_in(user, key)
    caller.step_up()
    path = f"account/passkeys/passkey-{Passkey.objects.get().pk}"

    caller("DELETE", path, {"end_other_sessions": asked})

    assert caller.me() == 200
    assert (other.me() == 200) is not asked


def test_asvs_7_4_3_other_sessions_end_with_a_new_passkey_if_that_is_asked_for(caller, user):
    other = Caller("app")
    other.password(user)
    caller.password(user)
    body = {"credential": Authenticator().create(caller.begin()), "end_other_sessions": True}

    caller("POST", "account/passkeys/complete", body)

    assert caller.me() == 200
    assert other.me() in (401, 403)
