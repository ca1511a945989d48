"""No flow of signing in breaks on what it is sent: an answer below 500 that says something."""

import json

import pytest
from django.core.cache import cache
from django.test import Client

from authentication.step_up import STEPPED_UP_AT
from authentication.tests.people import make_user
from truledgr.tests.test_endpoints import endpoints

pytestmark = pytest.mark.django_db

NAMES = [
    "username", "email", "login", "password", "current_password", "new_password", "code", "key",
    "device", "name", "provider", "process", "account", "credential", "token", "primary",
]  # fmt: skip
ODD = {
    "null character": "a\0b",
    "lone surrogate": "\ud800",
    "number": 7,
    "list": [1],
    "object": {"a": {"b": []}},
    "null": None,
    "long": "x" * 100_000,
    "right to left": "\u202ea@b.c",
    "true": True,
}
BODIES = {
    "nothing": b"",
    "no JSON": b"{nope",
    "a list": b"[]",
    "a number": b"7",
    "no UTF-8": b"\xff\xfe",
    "too deep": b"[" * 100_000,
    **{name: json.dumps(dict.fromkeys(NAMES, odd)).encode() for name, odd in ODD.items()},
}
FLOWS = [e for e in endpoints() if e.route.startswith("api/auth/browser/")]


@pytest.fixture
def signed_in():
    client = Client(raise_request_exception=False)
    client.force_login(make_user(username="ada"))
    return client


def send(client, path, body):
    for method in ("post", "put", "patch", "delete"):
        cache.clear()
        response = getattr(client, method)(path, body, content_type="application/json")

        assert response.status_code < 500, (method, path, response.content[:300])
        assert response.content, (method, path, "says nothing")
        if response.headers["Content-Type"].startswith("application/"):
            json.loads(response.content)


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_no_body_breaks_a_flow_for_a_stranger(body):
    client = Client(raise_request_exception=False)

    for flow in FLOWS:
        send(client, flow.path, body)


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_no_body_breaks_a_flow_in_a_session_that_stepped_up(signed_in, body):
    for flow in FLOWS:
        session = signed_in.session
        session[STEPPED_UP_AT] = 10**10
        session.save()
        send(signed_in, flow.path, body)


@pytest.mark.parametrize("token", ["", "x", "a" * 10_000, "\u00e9\u00fc", "tl_pat_" + "0" * 46])
def test_no_session_token_breaks_an_app(token):
    client = Client(raise_request_exception=False)

    for path in ("/api/auth/app/v1/auth/session", "/api/v1/me"):
        response = client.get(path, headers={"X-Session-Token": token})

        assert response.status_code in {401, 410}
        assert response.json()


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        (b"{nope", "parse_error", "not valid JSON"),
        (b"[]", "parse_error", "no JSON object"),
        (b"[" * 100_000, "parse_error", "nested too deeply"),
        (b'{"username": "a", "username": "b"}', "invalid", "more than once"),
        (b'{"username": "a\\u0000b"}', "invalid", "Null characters"),
    ],
)
def test_a_body_that_cannot_be_read_is_told_what_is_wrong(client, body, code, says):
    response = client.post("/api/auth/app/v1/auth/login", body, content_type="application/json")

    assert response.status_code == 400
    [error] = response.json()["errors"]
    assert error["code"] == code
    assert says in error["message"]


def test_a_method_that_is_not_there_is_told_which_are(client):
    response = client.put("/api/auth/app/v1/auth/login")

    assert response.status_code == 405
    assert "POST" in response["Allow"]
    assert response.json()["errors"][0]["code"] == "method_not_allowed"
