"""What every endpoint of the API does alike: limits told, origins let in, links, renderer."""

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.utils.functional import lazystr
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from core.api.conditional import etag_of
from core.api.deprecation import Deprecating, Deprecation, mark_deprecated
from core.api.pagination import link
from core.api.renderers import FastJSONRenderer, dumps
from core.api.throttling import AddressThrottle, UserThrottle
from core.tests.parallel import at_once
from users.tests.factories import UserFactory

APP = "https://app.example"
ITEMS = "/api/v1/items"


# --- RateLimit --------------------------------------------------------------------------------


@pytest.fixture
def limited(monkeypatch):
    """Ten requests a minute for each caller."""
    monkeypatch.setattr(APIView, "throttle_classes", [AddressThrottle, UserThrottle])
    for throttle in (AddressThrottle, UserThrottle):
        monkeypatch.setattr(throttle, "rate", "10/min", raising=False)
    # In the middle of a window that began a while ago: none ends while the test runs.
    monkeypatch.setattr("core.rates.time", SimpleNamespace(time=lambda: 1_800_000_015.0))


def left_of(response):
    policy, limit = response["RateLimit-Policy"], response["RateLimit"]
    assert policy == '"user";q=10;w=60'
    found = re.fullmatch(r'"user";r=(\d+);t=(\d+)', limit)
    assert found, limit
    assert 0 < int(found[2]) <= 60
    return int(found[1])


@pytest.mark.django_db
def test_each_counted_answer_tells_what_is_left(limited, api_of):
    client = api_of(UserFactory())

    answers = [client.get("/api/v1/me") for _ in range(9)]
    bad = client.post(ITEMS, {"name": ""})
    over = client.get(ITEMS)

    assert [left_of(answer) for answer in [*answers, bad]] == [*range(9, -1, -1)]
    assert (bad.status_code, over.status_code, left_of(over)) == (400, 429, 0)
    assert over["Retry-After"] == over["RateLimit"].rpartition("=")[2] == "45"


@pytest.mark.django_db(transaction=True)
def test_of_requests_at_once_each_is_told_another_number(limited, api_of):
    client = api_of(UserFactory())

    answers = at_once(*[lambda: client.get("/api/v1/me")] * 12)

    assert sorted(answer.status_code for answer in answers) == [200] * 10 + [429] * 2
    served = [left_of(answer) for answer in answers if answer.status_code == 200]
    assert sorted(served) == [*range(10)]
    assert {left_of(answer) for answer in answers if answer.status_code == 429} == {0}


# --- Pages of other origins -------------------------------------------------------------------


@pytest.fixture
def allowed(settings):
    settings.CORS_ALLOWED_ORIGINS = [APP]


def preflight(client, path, origin=APP, method="PATCH"):
    wanted = "authorization,if-match,if-none-match,x-session-token,x-request-id"
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": wanted,
    }
    return client.options(path, headers=headers)


@pytest.mark.django_db
def test_a_page_of_an_allowed_origin_may_send_tokens_and_read_headers(allowed, client):
    asked = preflight(client, f"{ITEMS}/x")
    answer = client.get(ITEMS, headers={"Origin": APP})

    assert (asked.status_code, asked["Access-Control-Allow-Origin"]) == (200, APP)
    assert "PATCH" in asked["Access-Control-Allow-Methods"]
    names = set(asked["Access-Control-Allow-Headers"].split(", "))
    assert {"authorization", "if-match", "if-none-match", "x-session-token"} <= names
    assert "x-request-id" in names
    assert asked["X-Request-ID"]
    # A refusal, so that the page learns why.
    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (401, APP)
    exposed = set(answer["Access-Control-Expose-Headers"].split(", "))
    assert {"ETag", "Link", "Location", "RateLimit", "RateLimit-Policy", "Retry-After"} <= exposed
    assert {"X-Request-ID", "Deprecation", "Sunset"} <= exposed
    assert "origin" in answer["Vary"].lower()
    for response in (asked, answer):
        assert "Access-Control-Allow-Credentials" not in response


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("origin", "path"),
    [
        ("https://evil.example", ITEMS), ("https://app.example.evil.example", ITEMS),
        ("http://app.example", ITEMS), ("https://app.example:444", ITEMS), ("null", ITEMS),
        (APP, "/accounts/login/"), (APP, "/admin/login/"), (APP, "/health/live"), (APP, "/apis"),
    ],
)  # fmt: skip
def test_no_other_origin_and_no_other_page_is_let_in(allowed, client, origin, path):
    for response in (preflight(client, path, origin), client.get(path, headers={"Origin": origin})):
        assert "Access-Control-Allow-Origin" not in response


@pytest.mark.django_db
def test_without_the_variable_nobody_is_let_in(client):
    for response in (preflight(client, ITEMS), client.get(ITEMS, headers={"Origin": APP})):
        assert "Access-Control-Allow-Origin" not in response


# --- What goes --------------------------------------------------------------------------------

OLD = Deprecation(
    since=datetime(2026, 1, 1, tzinfo=UTC),
    page="https://ledger.example/docs/new",
    until=datetime(2027, 1, 1, tzinfo=UTC),
)
OLDER = Deprecation(since=datetime(2025, 1, 1, tzinfo=UTC), page="https://ledger.example/docs/own")


class GoingView(Deprecating, APIView):
    permission_classes = []
    authentication_classes = []
    deprecated_actions = {"post": OLD}
    deprecated_parameters = {"prefix": OLDER}

    def get(self, request):
        return Response({}, headers={"Link": link("https://ledger.example/1", rel="first")})

    def post(self, request):
        return Response({})


def answer_of(method, path="/"):
    return GoingView.as_view()(getattr(APIRequestFactory(), method)(path))


def test_an_answer_says_what_goes_and_when():
    gone = answer_of("post")

    assert gone["Deprecation"] == "@1767225600"
    assert gone["Sunset"] == "Fri, 01 Jan 2027 00:00:00 GMT"
    assert gone["Link"] == '<https://ledger.example/docs/new>; rel="deprecation"'


def test_a_parameter_that_goes_is_told_of_where_it_is_used():
    with_it, without = answer_of("get", "/?prefix=a"), answer_of("get")

    assert with_it["Deprecation"] == "@1735689600"
    assert "Sunset" not in with_it
    assert with_it["Link"] == (
        '<https://ledger.example/1>; rel="first", '
        '<https://ledger.example/docs/own>; rel="deprecation"'
    )
    assert "Deprecation" not in without
    assert answer_of("post", "/?prefix=a")["Deprecation"] == "@1735689600", "the earlier one"


def test_the_document_marks_it():
    view = GoingView()
    view.action = "post"
    operation = {"parameters": [{"name": "prefix"}, {"name": "kind"}]}

    mark_deprecated(view, operation)

    assert operation == {
        "deprecated": True,
        "parameters": [{"name": "prefix", "deprecated": True}, {"name": "kind"}],
    }


# --- Bytes ------------------------------------------------------------------------------------


def test_answers_are_byte_for_byte_what_drf_writes():
    moment = datetime(2026, 3, 14, 9, 26, 53, 589793, tzinfo=UTC)
    for value in [
        {"id": uuid4(), "at": moment, "whole": moment.replace(microsecond=0), "day": moment.date()},
        ["é\u2028\u2029\x7f\x1f\"\\/<>&'", "", None, True, False, 0, -1, 2**63, 1.5, 1e16, -0.0],
        {"big": 10**30, "nested": [{"a": ()}], "lazy": lazystr("x"), "decimal": Decimal("1.50")},
        {1: "a key that is no text"},
    ]:
        assert FastJSONRenderer().render(value) == JSONRenderer().render(value)
        assert json.loads(dumps(value)) == json.loads(JSONRenderer().render(value))
    indented = FastJSONRenderer().render({"a": 1}, "application/json; indent=2")
    assert indented == b'{\n  "a": 1\n}'
    assert FastJSONRenderer().render(None) == b""


def test_the_tag_of_a_body_follows_its_content_whatever_is_in_it():
    assert etag_of(3) == '"3"'
    tags = {etag_of(3, body) for body in ({"a": 1}, {"a": 2}, {"a": 10**30}, {})}
    assert len(tags) == 4
    assert all(re.fullmatch(r'"3-[0-9a-f]{12}"', tag) for tag in tags)
