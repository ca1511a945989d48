"""One person's way through the flows of signing in, step by step, each answer checked."""

from __future__ import annotations

import re
import time
from urllib.parse import parse_qs, urlsplit

from django.core.cache import cache
from django_otp.oath import TOTP

from authentication import secrets
from authentication.models import TOTP_SECONDS
from truledgr.tests.flows import Client, flows_of, newest_mail
from users.models import User

FIRST, SECOND, THIRD = (
    "canary-one walks along the quay", "canary-two sings under a bridge",
    "canary-three paints the old door",
)  # fmt: skip


class Clock:
    """The time of authenticator apps, which moves only when told to."""

    def __init__(self):
        self.now = 1_800_000_000

    def code(self, secret):
        """A code of a step that has not been used."""
        self.now += TOTP_SECONDS
        totp = TOTP(secrets.totp_key(secret), TOTP_SECONDS)
        totp.time = self.now
        return f"{totp.token():06d}"


def code_in(text):
    return re.search(r"^\s*([A-Z0-9]{3,}(?:-[A-Z0-9]{3,})+)\s*$", text, re.MULTILINE).group(1)


def key_in(text):
    return re.search(r"/accounts/password/reset/key/([^/\s]+)", text).group(1)


def errors_of(response):
    return [error["code"] for error in response.json()["errors"]]


class Journey:
    """One person, step by step; ``secrets`` collects what nobody may find in the database."""

    def __init__(self, client, clock, name):
        self.client, self.clock = client, clock
        self.name, self.email, self.password = name, f"{name}@contract.example", FIRST
        self.totp = None
        self.backup_codes = []
        self.secrets = {"first password": FIRST}

    def keep(self, name, value):
        self.secrets[f"{name} {len(self.secrets)}"] = value
        return value

    def keep_session(self):
        jar = self.client.http.cookies
        token = getattr(self.client, "token", None) or jar.get("sessionid")
        if token:
            self.keep("session key", token)
        return token

    def auth(self, *call, **options):
        # Limits are tested elsewhere; a journey goes faster than people do.
        cache.clear()
        return self.client.auth(*call, **options)

    # --- Steps --------------------------------------------------------------------------------

    def sign_up(self):
        body = {"email": self.email, "username": self.name, "password": self.password}
        response = self.auth("POST", "auth/signup", body)
        assert (response.status_code, flows_of(response)) == (401, ["verify_email"])
        wrong = self.auth("POST", "auth/email/verify", {"key": "WRONG-CODE"})
        assert wrong.status_code == 400
        assert self.auth("POST", "auth/email/verify/resend").status_code == 200
        code = self.keep("mailed code", code_in(newest_mail(self.email)))
        self.auth("GET", "auth/email/verify", headers={"X-Email-Verification-Key": code})
        assert self.auth("POST", "auth/email/verify", {"key": code}).status_code == 200
        assert self.client.is_signed_in()
        self.keep_session()

    def step_up(self):
        before = self.keep_session()
        asked = self.auth("GET", "auth/reauthenticate").json()["data"]
        proof = {"password": self.password} if asked["password"] else {}
        if asked["apps"]:
            proof["code"] = self.clock.code(self.totp)
        response = self.auth("POST", "auth/reauthenticate", proof)
        assert response.status_code == 200, response.text
        assert self.keep_session() != before

    def enrol(self, name="Phone"):
        refused = self.auth("POST", "account/second-factors", {"name": name})
        if refused.status_code == 401:
            self.step_up()
            refused = self.auth("POST", "account/second-factors", {"name": name})
        started = refused.json()["data"]
        secret = self.keep("authenticator secret", started["secret"])
        assert started["otpauth_url"].startswith("otpauth://totp/")
        assert started["qr_code_svg"].startswith("<svg")
        wrong = self.auth("POST", f"account/second-factors/{started['id']}", {"code": "000000"})
        assert wrong.status_code == 400
        time.sleep(1.1)  # a wrong code makes the next one wait
        confirmed = self.auth(
            "POST", f"account/second-factors/{started['id']}", {"code": self.clock.code(secret)}
        )
        assert confirmed.status_code == 200, confirmed.text
        self.keep_session()
        return started["id"], secret, confirmed.json()["data"]["backup_codes"]

    def keep_codes(self, codes):
        assert len(set(codes)) == 10
        self.backup_codes = [self.keep("backup code", code) for code in codes]

    def sign_out(self):
        assert self.auth("DELETE", "auth/session").status_code == 401
        assert not self.client.is_signed_in()
        self.client.forget()

    def enter_password(self):
        body = {"username": self.name, "password": self.password}
        response = self.auth("POST", "auth/login", body)
        self.keep_session()
        return response

    def sign_in(self, code=None):
        pending = self.enter_password()
        assert (pending.status_code, flows_of(pending)) == (401, ["otp"])
        assert not self.client.is_signed_in()
        code = code or self.clock.code(self.totp)
        response = self.auth("POST", "auth/otp", {"code": code})
        assert response.status_code == 200, response.text
        assert self.client.is_signed_in()
        self.keep_session()


def look_after_second_factors(ann):
    """Two apps, names, removal, backup codes."""
    _phone, ann.totp, codes = ann.enrol()
    ann.keep_codes(codes)
    spare, _secret, more = ann.enrol("Spare")
    assert more == []
    renamed = ann.auth("PATCH", f"account/second-factors/{spare}", {"name": "Tablet"})
    assert renamed.json()["data"]["factor"]["name"] == "Tablet"
    listed = ann.auth("GET", "account/second-factors").json()["data"]
    assert sorted(factor["name"] for factor in listed["factors"]) == ["Phone", "Tablet"]
    assert listed["backup_codes_left"] == 10
    assert ann.auth("DELETE", f"account/second-factors/{spare}").status_code == 200
    # Removing one ends the step-up.
    assert ann.auth("POST", "account/second-factors/backup-codes").status_code == 401
    ann.step_up()
    anew = ann.auth("POST", "account/second-factors/backup-codes").json()["data"]
    ann.keep_codes(anew["backup_codes"])


def make_and_end_a_token(ann):
    """A personal access token opens the API until it is revoked."""
    made = ann.client.call("POST", "/api/v1/me/tokens", {"name": "laptop"})
    assert made.status_code == 201, made.text
    secret = ann.keep("access token", made.json()["token"])
    bearer = Client(ann.client.base, ann.client.contract)
    bearer.headers = lambda: {"Authorization": f"Bearer {secret}", "Accept": "application/json"}
    assert bearer.call("GET", "/api/v1/me").json()["username"] == ann.name
    path = f"/api/v1/me/tokens/{made.json()['id']}"
    assert ann.client.call("DELETE", path).status_code == 204
    assert bearer.call("GET", "/api/v1/me").status_code == 401


def change_address(ann):
    """Asked for, sent again, given up, asked for anew; it counts once its code is entered."""
    new = f"new.{ann.email}"
    address = {"email": new}
    assert ann.auth("POST", "account/email", address).status_code == 200
    assert ann.auth("PUT", "account/email", address).status_code == 200
    assert ann.auth("DELETE", "account/email", address).status_code == 200
    primary = {"email": ann.email, "primary": True}
    assert ann.auth("PATCH", "account/email", primary).status_code == 200
    assert ann.auth("POST", "account/email", address).status_code == 200
    code = ann.keep("mailed code", code_in(newest_mail(new)))
    assert ann.auth("POST", "auth/email/verify", {"key": code}).status_code == 200
    [address] = ann.auth("GET", "account/email").json()["data"]
    assert (address["email"], address["verified"], address["primary"]) == (new, True, True)
    assert User.objects.get(username=ann.name).email == new
    ann.email = new


def change_password(ann):
    ann.keep("second password", SECOND)
    body = {"current_password": "not the one", "new_password": SECOND}
    assert ann.auth("POST", "account/password/change", body).status_code == 400
    body["current_password"] = ann.password
    assert ann.auth("POST", "account/password/change", body).status_code == 200
    ann.password = SECOND
    assert ann.client.is_signed_in()
    ann.keep_session()


def enter_a_wrong_code(ann):
    assert ann.enter_password().status_code == 401
    assert ann.auth("GET", "auth/otp").json()["data"]["backup_codes"]
    assert errors_of(ann.auth("POST", "auth/otp", {"code": "123456"})) == ["incorrect_code"]
    ann.sign_out()
    time.sleep(1.1)  # a wrong code makes the next one wait


def reset_password(ann):
    """A link by mail; a refused password does not spend it, a used one is dead."""
    asked = ann.auth("POST", "auth/password/request", {"email": ann.email})
    assert asked.status_code == 200
    key = ann.keep("reset token", key_in(newest_mail(ann.email)))
    ann.keep("third password", THIRD)
    looked = ann.auth("GET", "auth/password/reset", headers={"X-Password-Reset-Key": key})
    assert looked.status_code == 200
    for password, status in (("password1234567", 400), (THIRD, 401), (FIRST, 400)):
        body = {"key": key, "password": password}
        assert ann.auth("POST", "auth/password/reset", body).status_code == status
    assert ann.enter_password().status_code == 400  # the former password
    ann.password = THIRD


def keep_a_passkey(ann, passkey):
    """Keep it; answer its id."""
    ann.step_up()
    options = ann.auth("POST", "account/passkeys", {}).json()["data"]["creation_options"]
    body = {"credential": passkey.create(options["publicKey"]), "name": "Laptop"}
    made = ann.auth("POST", "account/passkeys/complete", body)
    assert made.status_code == 200, made.text
    [listed] = ann.auth("GET", "account/passkeys").json()["data"]["passkeys"]
    return listed["id"]


def prove_a_passkey(ann, passkey, **more):
    asked = ann.auth("POST", "auth/passkey/options", {}).json()["data"]["request_options"]
    proof = {"credential": passkey.get(asked["publicKey"]), **more}
    assert ann.auth("POST", "auth/passkey", proof).status_code == 200
    ann.keep_session()


def end_a_passkey(ann, passkey_id):
    path = f"account/passkeys/{passkey_id}"
    assert ann.auth("PATCH", path, {"name": "Desk"}).status_code == 200
    assert ann.auth("DELETE", path).status_code == 200


def go_through_provider(person, issuer, process="login"):
    """An app sends the ID token that it got itself; a browser is sent there and back."""
    if person.client.kind == "app":
        token = person.keep("ID token", issuer.id_token())
        body = {
            "provider": "corp",
            "process": process,
            "token": {"client_id": issuer.client_id, "id_token": token},
        }
        return person.auth("POST", "auth/provider/token", body)
    return go_by_redirect(person, process)


def go_by_redirect(person, process):
    """The form of a page sends the browser to the provider, which sends it back."""
    back = approved(person, process)
    return person.client.http.get(back, allow_redirects=False, timeout=10)


def approved(person, process="login"):
    """Where the provider sends the browser back to, with its code and our state."""
    client = person.client
    first = client.auth_form(
        "auth/provider/redirect",
        {"provider": "corp", "process": process, "callback_url": "/accounts/login/"},
    )
    asked = parse_qs(urlsplit(first.headers["Location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    person.keep("state", asked["state"][0])
    back = client.http.get(first.headers["Location"], allow_redirects=False, timeout=10)
    answer = parse_qs(urlsplit(back.headers["Location"]).query)
    person.keep("authorization code", answer["code"][0])
    return back.headers["Location"]
