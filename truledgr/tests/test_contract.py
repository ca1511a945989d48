"""Every flow of signing in, over HTTP against a running server, for both kinds of clients.

Each answer is held to the OpenAPI document, and afterwards the database is searched for what was
secret on the way.
"""

import time
from types import SimpleNamespace

import pytest
from allauth.account.models import EmailAddress
from django.core import mail

from authentication.tests.authenticator import Authenticator
from authentication.tests.issuer import Issuer
from authentication.tests.oauth import set_up
from truledgr.tests import journey
from truledgr.tests.dump import database_bytes, found
from truledgr.tests.flows import AppClient, BrowserClient, Contract, flows_of, newest_mail
from truledgr.tests.journey import Clock, Journey, code_in
from users.models import User

pytestmark = pytest.mark.django_db(transaction=True)

# What the other kind of client has no use for.
OF_THE_OTHER = {"app": {"auth/provider/redirect"}, "browser": {"auth/provider/token"}}


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr("authentication.models.time", SimpleNamespace(time=lambda: clock.now))
    return clock


@pytest.fixture
def issuer(settings):
    with Issuer() as issuer:
        set_up(settings, corp=issuer)
        yield issuer


@pytest.mark.parametrize("kind", [AppClient, BrowserClient], ids=lambda kind: kind.kind)
def test_every_flow_works_as_documented_and_leaves_no_secret_behind(
    kind, document, clock, issuer, live_server, settings
):
    settings.STAFF_SECOND_FACTOR_REQUIRED = True
    contract = Contract(document)
    people = [
        Journey(kind(live_server.url, contract), clock, name)
        for name in ("ann", "ben", "cleo", "dora", "emil")
    ]
    ann, ben, cleo, dora, emil = people

    with_passwords_and_codes(ann, issuer)
    with_a_requirement(ben)
    with_passkeys(cleo, Authenticator())
    by_a_provider_alone(dora, issuer)
    by_a_provider_that_tells_no_address(emil, issuer)

    secrets = {f"{p.name}: {name}": value for p in people for name, value in p.secrets.items()}
    secrets |= {f"provider: {number}": value for number, value in enumerate(issuer.issued)}
    assert found(secrets, database_bytes()) == []
    assert all(message.alternatives for message in mail.outbox), "a mail without HTML"
    assert not_called(contract, document, kind.kind) == []


@pytest.mark.parametrize("fault", ["wrong_key", "wrong_audience", "alg_none"])
@pytest.mark.parametrize("kind", [AppClient, BrowserClient], ids=lambda kind: kind.kind)
def test_asvs_6_8_2_a_forged_id_token_signs_nobody_in(
    kind, fault, document, clock, issuer, live_server
):
    mallory = Journey(kind(live_server.url, Contract(document)), clock, "mallory")
    issuer.person = {"sub": "1", "email": mallory.email, "email_verified": True}
    issuer.faults.add(fault)

    journey.go_through_provider(mallory, issuer)

    assert not mallory.client.is_signed_in()
    assert not User.objects.filter(email=mallory.email).exists()


def test_asvs_7_6_2_a_callback_with_a_foreign_state_signs_nobody_in(
    document, clock, issuer, live_server
):
    contract = Contract(document)
    mallory, victim = (
        Journey(BrowserClient(live_server.url, contract), clock, name)
        for name in ("mallory", "victim")
    )
    issuer.person = {"sub": "1", "email": mallory.email, "email_verified": True}
    back = journey.approved(mallory)

    victim.client.http.get(back, allow_redirects=False, timeout=10)

    assert not victim.client.is_signed_in()
    assert mallory.client.http.get(back, allow_redirects=False, timeout=10).status_code == 302
    assert mallory.client.is_signed_in()


def not_called(contract, document, kind):
    """Flows of the document that no journey went through."""
    flows = {
        (method.upper(), path)
        for path, item in document["paths"].items()
        for method in item
        if path.startswith("/api/auth/") and path.partition("/v1/")[2] not in OF_THE_OTHER[kind]
    }
    return sorted(flows - contract.seen)


def with_passwords_and_codes(ann, issuer):
    config = ann.auth("GET", "config").json()["data"]
    assert config["account"]["is_open_for_signup"]
    assert ann.auth("GET", "auth/session").status_code == 401
    ann.sign_up()
    journey.look_after_second_factors(ann)
    journey.make_and_end_a_token(ann)
    journey.change_address(ann)
    journey.change_password(ann)
    link_and_unlink(ann, issuer)
    ann.sign_out()
    journey.enter_a_wrong_code(ann)
    ann.sign_in()
    ann.sign_out()
    ann.sign_in(ann.backup_codes[0])
    ann.sign_out()
    journey.reset_password(ann)
    ann.sign_in()


def link_and_unlink(ann, issuer):
    issuer.person = {"sub": "ann-there", "email": "a@corp.example", "email_verified": True}
    ann.step_up()
    journey.go_through_provider(ann, issuer, "connect")
    [linked] = ann.auth("GET", "account/providers").json()["data"]
    body = {"provider": "corp", "account": linked["uid"]}
    assert ann.auth("DELETE", "account/providers", body).status_code == 200


def with_a_requirement(ben):
    """Whoever must use a second factor sets it up before being signed in."""
    ben.sign_up()
    ben.sign_out()
    User.objects.filter(username=ben.name).update(totp_required=True)

    pending = ben.enter_password()
    assert (pending.status_code, flows_of(pending)) == (401, ["enrol"])
    assert not ben.client.is_signed_in()
    secret = ben.keep("secret", ben.auth("GET", "auth/enrol").json()["data"]["secret"])
    assert ben.auth("POST", "auth/enrol", {"code": "000000"}).status_code == 400
    time.sleep(1.1)  # a wrong code makes the next one wait
    done = ben.auth("POST", "auth/enrol", {"code": ben.clock.code(secret)})

    assert done.status_code == 200, done.text
    ben.keep_codes(done.json()["data"]["backup_codes"])
    assert ben.client.is_signed_in()


def with_passkeys(cleo, passkey):
    cleo.sign_up()
    passkey_id = journey.keep_a_passkey(cleo, passkey)
    cleo.sign_out()
    assert flows_of(cleo.enter_password()) == ["otp"]
    journey.prove_a_passkey(cleo, passkey)
    assert cleo.client.is_signed_in()
    journey.prove_a_passkey(cleo, passkey, password=cleo.password)
    journey.end_a_passkey(cleo, passkey_id)


def by_a_provider_alone(dora, issuer):
    """Signed up through a provider, which never replaces the second factor."""
    issuer.person = {"sub": "77", "email": dora.email, "email_verified": True}
    journey.go_through_provider(dora, issuer)
    assert dora.client.is_signed_in()
    user = User.objects.get(email=dora.email)
    assert not user.has_usable_password()
    assert EmailAddress.objects.filter(user=user, verified=True).exists()
    [linked] = dora.auth("GET", "account/providers").json()["data"]
    the_last_way_in = {"provider": "corp", "account": linked["uid"]}
    assert dora.auth("DELETE", "account/providers", the_last_way_in).status_code == 400

    _id, dora.totp, codes = dora.enrol()
    dora.keep_codes(codes)
    dora.sign_out()
    journey.go_through_provider(dora, issuer)
    assert not dora.client.is_signed_in()
    assert flows_of(dora.auth("GET", "auth/session")) == ["otp"]
    proof = {"code": dora.clock.code(dora.totp)}
    assert dora.auth("POST", "auth/otp", proof).status_code == 200


def by_a_provider_that_tells_no_address(emil, issuer):
    issuer.person = {"sub": "88"}
    journey.go_through_provider(emil, issuer)
    assert flows_of(emil.auth("GET", "auth/session")) == ["provider_signup"]
    assert emil.auth("GET", "auth/provider/signup").status_code == 200
    body = {"email": emil.email, "username": emil.name}
    pending = emil.auth("POST", "auth/provider/signup", body)
    assert flows_of(pending) == ["verify_email"]
    code = emil.keep("mailed code", code_in(newest_mail(emil.email)))
    assert emil.auth("POST", "auth/email/verify", {"key": code}).status_code == 200
    assert emil.client.is_signed_in()


def test_a_secret_in_the_database_would_be_found(django_user_model):
    django_user_model.objects.create_user("canary", "c@example.org", bio="so the-canary-sings")

    assert found({"bio": "the-canary-sings"}, database_bytes()) == [("bio", "itself")]
    assert found({"bio": "another-canary"}, database_bytes()) == []
