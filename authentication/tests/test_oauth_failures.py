"""What can go wrong on the way to a provider and back: nobody is signed in by it."""

import logging

import pytest
from django.test import Client

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
from users.models import UserSession

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "fault",
    [
        "no_id_token", "wrong_key", "unknown_key", "alg_none", "alg_hs256", "wrong_issuer",
        "wrong_audience", "foreign_party", "expired", "no_expiry", "not_yet", "wrong_nonce",
        "no_nonce", "no_subject", "number_subject", "null_in_subject", "garbage", "keys_broken",
        "token_error", "token_list",
    ],
)  # fmt: skip
def test_asvs_6_8_2_a_misbehaving_issuer_signs_nobody_in(client, corp, fault, caplog):
    link(make_user())
    corp.faults.add(fault)

    with caplog.at_level(logging.DEBUG):
        response = sign_in(client)

    assert response.status_code == 401
    assert REFUSED in text_of(response)
    assert "Traceback" not in text_of(response)
    assert not is_signed_in(client)
    event = events("sign_in_failed").get()
    assert event.changes["method"] == [None, "oauth:corp"]
    assert "A sign-in through corp failed" in caplog.text
    for secret in (*corp.issued, CLIENT_SECRET):
        assert secret not in caplog.text
        assert secret not in text_of(response)
    corp.faults.clear()
    sign_in(client)
    assert is_signed_in(client)


@pytest.mark.parametrize("fault", ["config_of_another", "config_broken"])
@pytest.mark.parametrize("moment", ["before", "between"])
def test_a_broken_configuration_is_refused_before_and_after(client, corp, fault, moment):
    link(make_user())
    if moment == "before":
        corp.faults.add(fault)
        response = client.post(LOGIN)
    else:
        callback = approve(begin(client))
        corp.faults.add(fault)
        response = client.get(callback)

    assert response.status_code == 401
    assert REFUSED in text_of(response)
    assert not is_signed_in(client)


@pytest.mark.parametrize("moment", ["before", "between"])
def test_asvs_16_5_3_a_provider_that_is_down_signs_nobody_in(client, settings, moment):
    with Issuer() as corp:
        set_up(settings, corp=corp)
        link(make_user())
        callback = approve(begin(client))

    response = client.post(LOGIN) if moment == "before" else client.get(callback)

    assert response.status_code == 401
    assert REFUSED in text_of(response)
    assert not is_signed_in(client)


def test_asvs_16_5_3_a_provider_that_is_slow_is_given_up(client, corp, settings):
    link(make_user())
    settings.SOCIALACCOUNT_REQUESTS_TIMEOUT = 0.1
    callback = approve(begin(client))
    corp.delay = 0.5

    assert client.get(callback).status_code == 401
    assert not is_signed_in(client)


def test_a_new_key_of_the_issuer_works_at_once_and_the_old_one_no_more(client, corp):
    link(make_user())
    sign_in(client)
    old = corp._key

    corp.rotate_key()
    sign_in(fresh := Client())
    corp._key, corp._key_id = old, "old"
    published = corp.keys
    corp.keys = lambda: {"keys": [{**published()["keys"][0], "kid": "new"}]}

    assert is_signed_in(fresh)
    assert sign_in(Client()).status_code == 401


def test_who_declines_at_the_provider_reads_a_plain_page(client, corp):
    corp.denies = "access_denied"

    response = client.get(approve(begin(client)), follow=True)

    assert response.status_code == 200
    assert "Cancelled" in text_of(response)
    assert not events("sign_in_failed").exists()


def test_an_error_of_the_provider_is_not_quoted(client, corp):
    corp.denies = "server_error<script>"

    response = client.get(approve(begin(client)))

    assert response.status_code == 401
    assert "script" not in text_of(response)


@pytest.mark.parametrize(
    "query", ["", "?state=x", "?code=x", "?state=%00&code=%00", "?error=x", "?state=a&state=b"]
)
def test_a_callback_out_of_the_blue_is_refused(client, corp, query):
    response = client.get(f"{LOGIN}callback/{query}")

    assert response.status_code == 401
    assert REFUSED in text_of(response)


def test_a_provider_that_is_not_set_up_is_nowhere(client, corp):
    for address in (
        "/accounts/google/login/", "/accounts/google/login/callback/",
        "/accounts/apple/login/callback/finish/", "/accounts/oidc/other/login/",
        "/accounts/oidc/openid_connect/login/",
    ):  # fmt: skip
        assert client.get(address).status_code == 404, address
    assert client.post("/accounts/apple/login/callback/").status_code == 404
    assert not UserSession.objects.exists()
