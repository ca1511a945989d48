"""Apps: signing in with an ID token that the phone got; and the headless API's other doors."""

from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.socialaccount.models import SocialAccount
from django.core import mail
from django.test import Client

from authentication.models import TOTPDevice
from authentication.tests.issuer import CLIENT_ID, CLIENT_SECRET, Issuer
from authentication.tests.oauth import (
    BROWSER,
    app_of,
    approve,
    change,
    is_signed_in,
    link,
    send,
    send_token,
    session_token_of,
    set_up,
)
from authentication.tests.people import make_user
from core.models import AuditEvent
from users.models import User, UserSession

pytestmark = pytest.mark.django_db

REDIRECT = f"{BROWSER}auth/provider/redirect"
BACK = "/app/after"


def codes_of(response):
    return [error["code"] for error in response.json()["errors"]]


def pending_of(response):
    return [f["id"] for f in response.json()["data"]["flows"] if f.get("is_pending")]


def me(client, response):
    return client.get("/api/v1/me", headers={"X-Session-Token": session_token_of(response)})


# --- Signing in -----------------------------------------------------------------------------


def test_an_app_signs_in_with_an_id_token(client, corp):
    user = make_user(username="ann")
    link(user)

    response = send_token(client, corp, corp.id_token())

    assert response.status_code == 200
    assert me(client, response).json()["username"] == "ann"
    session = UserSession.objects.get(user=user, ended_at=None)
    assert session.login_method == "oauth:corp"


def test_asvs_6_1_3_a_second_factor_holds_the_token_flow(client, corp):
    user = make_user()
    link(user)
    TOTPDevice.objects.create(user=user, name="Phone")

    response = send_token(client, corp, corp.id_token(amr=["mfa"], acr="phrh"))

    assert response.status_code == 401
    assert pending_of(response) == ["otp"]
    assert me(client, response).status_code == 401


def test_a_new_identity_signs_up_by_token(client, corp):
    response = send_token(client, corp, corp.id_token())

    assert response.status_code == 200
    assert User.objects.get().email == "ann@example.org"
    assert AuditEvent.objects.filter(action="sign_up").count() == 1


def test_an_address_that_is_not_verified_is_asked_for_a_code(client, corp, settings):
    change(settings, trust_email=False)

    response = send_token(client, corp, corp.id_token())

    assert response.status_code == 401
    assert pending_of(response) == ["verify_email"]
    assert mail.outbox[-1].to == ["ann@example.org"]


def test_asvs_6_8_1_a_known_address_links_nothing_by_token(client, corp):
    owner = make_user(email="ann@example.org")

    known = send_token(client, corp, corp.id_token())
    unknown = send_token(
        Client(), corp, corp.id_token(sub="2", email="new@example.org", email_verified=False)
    )

    assert (known.status_code, pending_of(known)) == (unknown.status_code, pending_of(unknown))
    assert known.status_code == 401
    assert not SocialAccount.objects.filter(user=owner).exists()


def test_sign_up_is_finished_by_the_form_of_the_api(client, corp):
    corp.person = {"sub": "1001"}

    started = send_token(client, corp, corp.id_token())
    token = session_token_of(started)
    offered = send(client, "get", "auth/provider/signup", token=token)
    form = {"username": "ann", "email": "ann@example.org"}
    done = send(client, "post", "auth/provider/signup", form, token=token)

    assert pending_of(started) == ["provider_signup"]
    assert offered.json()["data"]["account"]["provider"]["id"] == "corp"
    assert pending_of(done) == ["verify_email"]
    assert SocialAccount.objects.get().user.username == "ann"


def test_the_form_of_the_api_refuses_bad_names_at_their_field(client, corp):
    corp.person = {"sub": "1001"}
    token = session_token_of(send_token(client, corp, corp.id_token()))

    form = {"username": "a b", "email": "nonsense"}
    response = send(client, "post", "auth/provider/signup", form, token=token)

    assert response.status_code == 400
    assert {error["param"] for error in response.json()["errors"]} == {"username", "email"}


def test_closed_sign_up_is_closed_by_token_too(client, corp, settings):
    settings.SIGNUP_OPEN = False

    response = send_token(client, corp, corp.id_token())

    assert response.status_code == 403
    assert not User.objects.exists()


# --- What is refused ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        "wrong_key", "unknown_key", "alg_none", "alg_hs256", "wrong_issuer", "wrong_audience",
        "foreign_party", "expired", "no_expiry", "not_yet", "wrong_nonce", "no_subject",
        "number_subject", "null_in_subject", "garbage", "keys_broken", "config_of_another",
        "config_broken",
    ],
)  # fmt: skip
def test_asvs_6_8_2_a_bad_token_is_400_and_signs_nobody_in(client, corp, fault):
    link(make_user())
    corp.faults.add(fault)

    response = send_token(client, corp, corp.id_token())

    assert response.status_code == 400
    assert codes_of(response) == ["invalid_token"]
    assert not UserSession.objects.exclude(user=None).exists()
    assert AuditEvent.objects.filter(action="sign_in_failed").count() == 1


@pytest.mark.parametrize(
    "token", ["", "x", "a.b.c", "\0", "é.é.é", "x" * 20_000, 5, None, {"a": 1}, ["x"]]
)
def test_what_is_no_token_at_all_is_400(client, corp, token):
    assert send_token(client, corp, token).status_code == 400


def test_an_id_token_works_once(client, corp):
    link(make_user())
    token = corp.id_token()
    send_token(client, corp, token)

    again = send_token(Client(), corp, token)

    assert again.status_code == 400
    assert codes_of(again) == ["invalid_token"]


def test_a_nonce_in_the_token_must_be_the_one_that_the_app_sent(client, corp):
    link(make_user())

    for nonce in (None, "", "other", 5):
        extra = {} if nonce is None else {"nonce": nonce}
        response = send_token(client, corp, corp.id_token(nonce="n-1"), **extra)
        assert response.status_code == 400, nonce
    assert send_token(client, corp, corp.id_token(), nonce="n-1").status_code == 400
    assert send_token(client, corp, corp.id_token(nonce="n-1"), nonce="n-1").status_code == 200


def test_an_access_token_alone_proves_nothing(client, corp):
    body = {
        "provider": "corp",
        "process": "login",
        "token": {"client_id": corp.client_id, "access_token": "x"},
    }

    response = send(client, "post", "auth/provider/token", body)

    assert response.status_code == 400


def test_asvs_6_8_2_a_token_for_another_client_of_the_issuer_is_refused(client, corp):
    response = send_token(client, corp, corp.id_token(audience="another-app"))

    assert response.status_code == 400


def test_a_phone_signs_in_under_its_own_client_id_when_it_is_named(client, corp, settings):
    user = make_user()
    link(user)
    providers = settings.SOCIALACCOUNT_PROVIDERS
    phone = app_of(corp, hidden=True) | {"client_id": "phone", "secret": ""}
    apps = [*providers["openid_connect"]["APPS"], phone]
    settings.SOCIALACCOUNT_PROVIDERS = providers | {
        "openid_connect": {**providers["openid_connect"], "APPS": apps}
    }

    def send_as(client_id, audience):
        token = {"client_id": client_id, "id_token": corp.id_token(audience=audience)}
        body = {"provider": "corp", "process": "login", "token": token}
        return send(Client(), "post", "auth/provider/token", body).status_code

    assert send_as("phone", "phone") == 200
    assert send_as(CLIENT_ID, CLIENT_ID) == 200
    assert send_as("phone", CLIENT_ID) == 400
    assert send_as("other", "other") == 400
    config = client.get("/api/auth/app/v1/config").json()["data"]
    assert len(config["socialaccount"]["providers"]) == 1


def test_a_closed_account_answers_like_a_bad_token(client, corp):
    user = make_user()
    link(user)
    User.objects.filter(pk=user.pk).update(is_active=False)

    closed = send_token(client, corp, corp.id_token())
    corp.faults.add("wrong_key")
    bad = send_token(client, corp, corp.id_token())

    assert closed.status_code == bad.status_code == 400
    assert closed.json() == bad.json()


def test_asvs_16_5_3_a_provider_that_is_down_is_400(client, settings):
    with Issuer() as corp:
        set_up(settings, corp=corp)
        token = corp.id_token()

    response = send_token(client, corp, token)

    assert response.status_code == 400
    assert codes_of(response) == ["invalid_token"]


@pytest.mark.parametrize("provider", ["google", "openid_connect", "", "\0", "x" * 500, 5, None])
def test_a_provider_that_is_not_set_up_is_400(client, corp, provider):
    response = send_token(client, corp, corp.id_token(), provider=provider)

    assert response.status_code == 400


def test_nobody_signed_in_links_nothing(client, corp):
    response = send_token(client, corp, corp.id_token(), process="connect")

    assert response.status_code in (401, 403)
    assert not SocialAccount.objects.exists()


def test_one_address_begins_thirty_a_minute_at_most(client, corp, settings):
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | {"provider": "2/m/ip"}
    for _start in range(2):
        send_token(client, corp, "x")
    asked = len(corp.requests)

    by_token = send_token(client, corp, "x")
    by_button = client.post("/accounts/oidc/corp/login/")
    elsewhere = Client(REMOTE_ADDR="198.51.100.7").post("/accounts/oidc/corp/login/")

    assert (by_token.status_code, by_button.status_code) == (429, 429)
    assert int(by_button["Retry-After"]) > 0
    assert len(corp.requests) == asked + 1
    assert elsewhere.status_code == 302
    assert AuditEvent.objects.filter(action="sign_in_refused").count() == 1


# --- The configuration ----------------------------------------------------------------------


def test_clients_are_told_which_providers_there_are(client, settings):
    with Issuer() as corp, Issuer() as partner:
        set_up(settings, corp=corp, partner=partner)

        for kind in ("app", "browser"):
            data = client.get(f"/api/auth/{kind}/v1/config").json()["data"]
            listed = data["socialaccount"]["providers"]
            assert [(p["id"], p["name"]) for p in listed] == [
                ("corp", "Corp"), ("partner", "Partner"),
            ]  # fmt: skip
            assert CLIENT_SECRET not in str(data)


def test_without_providers_none_is_listed_and_no_flow_is_offered(client, settings):
    set_up(settings)

    data = client.get("/api/auth/browser/v1/config").json()["data"]
    flows = client.get("/api/auth/browser/v1/auth/session").json()["data"]["flows"]

    assert data["socialaccount"]["providers"] == []
    assert not [flow for flow in flows if "provider" in flow["id"]]


# --- The browser client ---------------------------------------------------------------------


def start(client, process="login", **extra):
    form = {"provider": "corp", "callback_url": BACK, "process": process, **extra}
    return client.post(REDIRECT, form)


def test_a_single_page_app_goes_there_and_comes_back_signed_in(client, corp):
    link(make_user())

    response = client.get(approve(start(client)["Location"]))

    assert response["Location"] == BACK
    assert is_signed_in(client)


def test_a_single_page_app_is_held_by_the_second_factor(client, corp):
    user = make_user()
    link(user)
    TOTPDevice.objects.create(user=user, name="Phone")

    response = client.get(approve(start(client)["Location"]))

    assert response["Location"] == BACK
    assert not is_signed_in(client)
    assert pending_of(client.get(f"{BROWSER}auth/session")) == ["otp"]


@pytest.mark.parametrize("fault", ["wrong_key", "token_error", "wrong_nonce"])
def test_a_single_page_app_hears_of_an_error_without_details(client, corp, fault):
    corp.faults.add(fault)

    location = client.get(approve(start(client)["Location"]))["Location"]

    assert urlsplit(location).path == BACK
    assert parse_qs(urlsplit(location).query) == {
        "error": ["unknown"], "error_process": ["login"],
    }  # fmt: skip
    assert not is_signed_in(client)


def test_a_single_page_app_hears_that_the_provider_is_down(client, settings):
    with Issuer() as corp:
        set_up(settings, corp=corp)

    location = start(client)["Location"]

    assert parse_qs(urlsplit(location).query)["error"] == ["unknown"]


@pytest.mark.parametrize(
    "extra",
    [
        {"callback_url": "https://evil.example/"}, {"provider": "other"}, {"provider": "\0"},
        {"provider": ""}, {"process": "redirect"}, {"callback_url": ""},
    ],
)  # fmt: skip
def test_a_start_that_makes_no_sense_leads_nowhere(client, corp, extra):
    response = start(client, **extra)

    assert response.status_code == 401
    assert "Signing in did not work" in response.content.decode()
    assert corp.requests == []
