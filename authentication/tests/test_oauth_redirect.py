"""Signing in through another provider, in a browser: there and back over real HTTP."""

import logging
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.core import mail
from django.db import connection
from django.test import Client
from django.utils import timezone

from authentication.models import TOTPDevice
from authentication.tests.codes import code_of
from authentication.tests.issuer import CLIENT_SECRET, Issuer
from authentication.tests.oauth import (
    LOGIN,
    REFUSED,
    approve,
    begin,
    events,
    is_signed_in,
    link,
    set_up,
    sign_in,
    text_of,
)
from authentication.tests.people import make_user
from users.models import User, UserSession

pytestmark = pytest.mark.django_db


# --- Signing in -----------------------------------------------------------------------------


def test_a_linked_identity_signs_its_owner_in(client, corp):
    user = make_user(username="ann")
    link(user)

    response = sign_in(client)

    assert response.status_code == 302
    assert client.get("/api/v1/me").json()["username"] == "ann"
    session = UserSession.objects.get(user=user, ended_at=None)
    assert session.login_method == "oauth:corp"
    event = events("sign_in").get()
    assert (event.object_id, event.changes["method"]) == (str(user.pk), [None, "oauth:corp"])


def test_the_page_that_was_wanted_is_where_one_arrives(client, corp):
    link(make_user())

    assert sign_in(client, next="/accounts/email/")["Location"] == "/accounts/email/"
    for evil in ("https://evil.example/", "//evil.example", "javascript:alert(1)"):
        assert "evil" not in sign_in(Client(), next=evil)["Location"]


def test_pkce_state_and_nonce_go_with_every_request(client, corp):
    query = parse_qs(urlsplit(begin(client)).query)

    assert query["code_challenge_method"] == ["S256"]
    assert query["response_type"] == ["code"]
    assert set(query["scope"][0].split()) == {"openid", "profile", "email"}
    assert len(query["state"][0]) >= 16
    assert len(query["nonce"][0]) == 43
    again = parse_qs(urlsplit(begin(client)).query)
    for name in ("code_challenge", "state", "nonce"):
        assert again[name] != query[name]


def test_a_link_cannot_change_what_is_asked_for(client, corp):
    query = parse_qs(
        urlsplit(
            begin(
                client,
                scope="admin",
                auth_params="redirect_uri=https://evil.example&state=x&client_id=y&nonce=z",
                process="redirect",
            )
        ).query
    )

    assert "admin" not in query["scope"][0]
    assert query["redirect_uri"] == ["http://testserver/accounts/oidc/corp/login/callback/"]
    assert query["client_id"] == [corp.client_id]
    assert query["nonce"] != ["z"]
    assert query["state"] != ["x"]


def test_a_process_that_is_none_is_a_sign_in(client, corp):
    link(make_user())

    sign_in(client, process="redirect")

    assert is_signed_in(client)


def test_asvs_7_6_2_get_on_the_login_url_begins_nothing(client, corp):
    for method in ("get", "head", "put"):
        response = getattr(client, method)(LOGIN)
        assert response.status_code == (200 if method == "get" else 405)

    assert not UserSession.objects.exists()
    assert corp.requests == []
    assert 'method="post"' in text_of(client.get(LOGIN))


def test_asvs_7_6_2_beginning_needs_a_csrf_token(corp):
    client = Client(enforce_csrf_checks=True)

    assert client.post(LOGIN).status_code == 403
    assert corp.requests == []


def test_asvs_7_6_2_a_callback_with_a_foreign_state_signs_nobody_in(client, corp):
    """Login CSRF: a stranger sends their own callback address to somebody else."""
    link(make_user())
    callback = approve(begin(Client()))

    response = client.get(callback)

    assert response.status_code == 401
    assert REFUSED in text_of(response)
    assert not is_signed_in(client)
    assert not any(path == "/token" for path, _form in corp.requests)


def test_a_callback_works_once(client, corp):
    link(make_user())
    callback = approve(begin(client))
    client.get(callback)
    client.post("/accounts/logout/")

    assert client.get(callback).status_code == 401
    assert not is_signed_in(client)


def test_a_state_of_one_provider_is_no_state_of_another(client, settings):
    with Issuer() as corp, Issuer() as partner:
        set_up(settings, corp=corp, partner=partner)
        link(make_user(), provider="partner")
        callback = approve(begin(client, "corp"))

        response = client.get(callback.replace("/corp/", "/partner/"))

        assert response.status_code == 401
        assert not is_signed_in(client)


def test_the_session_has_a_new_key_after_the_sign_in(client, corp):
    link(make_user())
    callback = approve(begin(client))
    before = client.cookies["sessionid"].value

    client.get(callback)

    assert client.cookies["sessionid"].value != before


# --- The second factor ----------------------------------------------------------------------


def test_asvs_6_1_3_a_second_factor_holds_the_redirect_flow(client, corp):
    user = make_user()
    link(user)
    app = TOTPDevice.objects.create(user=user, name="Phone")

    response = sign_in(client, next="/accounts/email/")

    assert response["Location"] == "/accounts/otp/"
    assert not is_signed_in(client)
    done = client.post("/accounts/otp/", {"code": code_of(app)})
    assert done["Location"] == "/accounts/email/"
    assert is_signed_in(client)


def test_asvs_6_8_4_what_the_provider_says_of_second_factors_counts_for_nothing(client, corp):
    user = make_user()
    link(user)
    TOTPDevice.objects.create(user=user, name="Phone")
    corp.person |= {"acr": "phrh", "amr": ["mfa", "otp", "hwk"], "auth_time": 1_800_000_000}

    assert sign_in(client)["Location"] == "/accounts/otp/"
    assert not is_signed_in(client)


def test_who_must_use_a_second_factor_and_has_none_is_held_for_enrolment(client, corp, settings):
    settings.STAFF_SECOND_FACTOR_REQUIRED = True
    link(make_user(is_staff=True, is_superuser=True))

    sign_in(client)

    assert not is_signed_in(client)
    assert client.get("/admin/").status_code == 302


# --- Who it is ------------------------------------------------------------------------------


def test_asvs_6_8_1_the_same_subject_at_another_issuer_is_somebody_else(client, settings):
    with Issuer() as corp, Issuer() as partner:
        set_up(settings, corp=corp, partner=partner)
        partner.person = {"sub": "1001", "email": "other@example.org", "email_verified": True}
        owner = make_user(username="owner")
        link(owner)

        sign_in(client, "partner")

        assert client.get("/api/v1/me").json()["username"] != "owner"
        pairs = SocialAccount.objects.values_list("provider", "uid", "user")
        assert {(p, u) for p, u, _user in pairs} == {("corp", "1001"), ("partner", "1001")}
        assert len({user for _p, _u, user in pairs}) == 2


def test_two_issuers_that_know_us_by_the_same_client_id_are_kept_apart_half_way(client, settings):
    with Issuer() as corp, Issuer() as partner:
        set_up(settings, corp=corp, partner=partner)
        partner.person = {"sub": "7"}  # without an address a form is left to fill in
        sign_in(client, "partner")

        page = client.get("/accounts/3rdparty/signup/")
        client.post("/accounts/3rdparty/signup/", {"username": "pat", "email": "pat@example.org"})

        assert "Partner has told TruLedgr" in text_of(page)
        assert SocialAccount.objects.get().provider == "partner"


@pytest.mark.parametrize("verified", [True, False])
def test_asvs_6_8_1_a_known_address_links_nothing_and_is_not_given_away(client, corp, verified):
    owner = make_user(username="ann", email="ann@example.org", verified=verified)

    known = sign_in(client)
    corp.person = {"sub": "2", "email": "new@example.org", "email_verified": False}
    unknown = sign_in(Client())

    assert not is_signed_in(client)
    assert not SocialAccount.objects.filter(user=owner).exists()
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    assert [message.to for message in mail.outbox] == [["ann@example.org"], ["new@example.org"]]


@pytest.mark.parametrize("state", ["switched off", "deleted"])
def test_a_closed_account_answers_like_a_failed_sign_in(client, corp, state):
    user = make_user(username="ann", last_login=timezone.now())
    identity = link(user)
    if state == "deleted":
        user.delete()
    else:
        User.objects.update(is_active=False)
    stranger = Client()

    closed = sign_in(client)
    corp.faults.add("wrong_key")
    failed = sign_in(stranger)

    assert closed.status_code == failed.status_code == 401
    hidden = re.compile(r"<code>.*?</code>")
    assert hidden.sub("", text_of(closed)) == hidden.sub("", text_of(failed))
    assert not is_signed_in(client)
    user.refresh_from_db()
    assert user.is_deleted is (state == "deleted")
    assert User.objects.count() == 1
    before = identity.last_login
    identity.refresh_from_db()
    assert identity.last_login == before
    event = events("sign_in_failed").order_by("id").first()
    assert event.object_id == str(user.pk)


# --- What is kept ---------------------------------------------------------------------------


def test_tokens_of_the_provider_are_in_no_table_and_in_no_log(client, corp, caplog):
    with caplog.at_level(logging.DEBUG):
        sign_in(client)
        corp.person = {"sub": "2"}
        sign_in(Client())  # stops at the form, with a session half way

    assert not SocialToken.objects.exists()
    assert {name for row in SocialAccount.objects.all() for name in row.extra_data} <= {
        "username", "email", "name",
    }  # fmt: skip
    assert len(corp.issued) >= 6
    stored = everything_stored()
    for secret in (*corp.issued, CLIENT_SECRET, "canary"):
        assert secret not in stored
        assert secret not in caplog.text


def test_tokens_are_not_even_in_the_encrypted_session(client, corp):
    corp.person = {"sub": "2"}

    sign_in(client)

    held = str(dict(client.session.items()))
    assert "socialaccount_sociallogin" in held
    assert "canary" not in held


def everything_stored():
    """Every row of every table, as text."""
    texts = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            texts += [str(row) for row in cursor.fetchall()]
    return "\n".join(texts)


# --- The pages ------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["/accounts/login/", "/accounts/signup/"])
def test_a_button_for_each_provider_is_a_form_of_its_own(client, settings, page):
    with Issuer() as corp, Issuer() as partner:
        set_up(settings, corp=corp, partner=partner)

        body = text_of(client.get(f"{page}?next=/accounts/email/"))

    for name in ("corp", "partner"):
        action = f'action="/accounts/oidc/{name}/login/?process=login&amp;next=/accounts/email/"'
        assert re.search(rf'<form method="post" {re.escape(action)}', body.replace("%2F", "/"))
        assert f"Continue with {name.title()}" in body
    assert "<script" not in body


@pytest.mark.parametrize("page", ["/accounts/login/", "/accounts/signup/"])
def test_without_providers_there_is_no_button(client, settings, page):
    set_up(settings)

    body = text_of(client.get(page))

    assert "Continue with" not in body
    assert "Without a password" not in body


def test_listing_the_providers_asks_the_database_nothing(client, corp, django_assert_num_queries):
    client.get(LOGIN)

    with django_assert_num_queries(0):
        client.get("/accounts/login/")
        client.get("/api/auth/app/v1/config")
