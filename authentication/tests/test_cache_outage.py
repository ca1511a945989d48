"""Without the cache nobody signs in uncounted, and those who are signed in go on."""

from http import HTTPStatus

import pytest
from django.test import Client
from rest_framework.views import APIView

from authentication.tests.account_clients import CLIENTS
from authentication.tests.people import PASSWORD, make_user
from authentication.tests.tries import (
    is_signed_in,
    post_login,
)
from core.api.throttling import AddressThrottle, UserThrottle


@pytest.fixture
def user(db):
    return make_user(username="ada")


@pytest.fixture
def no_cache(settings):
    """A Redis that nobody listens for."""
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }


@pytest.mark.parametrize("kind", CLIENTS)
def test_asvs_16_5_2_nobody_signs_in_uncounted(user, no_cache, kind):
    client = CLIENTS[kind]()

    answer = client.sign_in(user)

    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert int(answer["Retry-After"]) >= 1
    assert not client.is_signed_in()
    if kind == "pages":
        assert "Signing in is not available" in answer.content.decode()
    else:
        assert answer.json()["errors"][0]["code"] == "unavailable"


@pytest.mark.parametrize("path", ["/accounts/signup/", "/accounts/password/reset/"])
def test_asvs_16_5_2_what_else_is_counted_is_refused_too(db, no_cache, path):
    answer = Client().post(path, {"email": "ada@example.org"})

    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE


def test_asvs_16_5_2_those_who_are_signed_in_go_on(user, api_of, monkeypatch, request):
    client = Client()
    post_login(client, "ada", PASSWORD)
    with_token = api_of(user)
    monkeypatch.setattr(APIView, "throttle_classes", [AddressThrottle, UserThrottle])
    request.getfixturevalue("no_cache")

    assert Client().get("/api/docs/").status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert is_signed_in(client)
    assert with_token.get("/api/v1/me").status_code == HTTPStatus.OK
