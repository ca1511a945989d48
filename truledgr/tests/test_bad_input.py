"""Whatever is sent to the API, the answer is a problem that names what is wrong, never a 500."""

import json

import pytest
from django.test import override_settings
from rest_framework.test import APIClient

from authentication.services.api_tokens import create_api_token
from groups.tests.factories import GroupFactory
from items.models import Item
from items.tests.factories import ItemFactory
from truledgr.wsgi import application
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

NOWHERE = "01890000-0000-7000-8000-000000000000"
DEEP = "[" * 10_000 + "]" * 10_000


class Caller:
    """Somebody with an item, sending bytes as they are."""

    def __init__(self):
        self.user = UserFactory(is_superuser=True)
        self.item = ItemFactory(owner=self.user)
        self.group = GroupFactory(owner=self.user)
        token, secret = create_api_token(actor=self.user, user=self.user, name="fuzz")
        self.client = APIClient(raise_request_exception=False)
        self.client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
        self.paths = {
            "me": "/api/v1/me",
            "items": "/api/v1/items",
            "item": f"/api/v1/items/{self.item.pk}",
            "restore": f"/api/v1/items/{self.item.pk}/restore",
            "groups": "/api/v1/groups",
            "group": f"/api/v1/groups/{self.group.pk}",
            "tokens": "/api/v1/me/tokens",
            "roles": "/api/v1/roles",
            "role-assignments": "/api/v1/role-assignments",
            "token": f"/api/v1/me/tokens/{token.pk}",
        }

    def send(self, method, name, body=b"", content_type="application/json", **headers):
        body = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
        path = self.paths.get(name, name)
        headers = {"If-Match": "*"} | headers
        return self.client.generic(method, path, body, content_type, headers=headers)


@pytest.fixture
def caller():
    return Caller()


WRITES = [("POST", "items"), ("PATCH", "item"), ("PATCH", "me"), ("POST", "tokens")]


def problem_of(response, *statuses):
    body = response.content.decode()
    assert response.status_code in statuses, (response.status_code, body[:500])
    assert response["Content-Type"] == "application/problem+json"
    assert "Traceback" not in body
    assert len(body) < 10_000
    problem = json.loads(body)
    assert {"type", "title", "status", "code", "detail", "request_id"} <= problem.keys()
    return problem


# --- Bodies that no endpoint can read ---------------------------------------------------------


@pytest.mark.parametrize(("method", "name"), WRITES)
@pytest.mark.parametrize(
    "body",
    [
        "{", "}", "{]", "nul", "{'name': 1}", '{"name": "x"} {}', '{"name": "x",}', "\0",
        "\ufeff{}", b"\xff\xfe{\x00}\x00", b'{"name": "\xff"}', b'{"name": "\xed\xa0\x80"}',
        '{"data": ' + DEEP + "}", DEEP, '{"a":' * 10_000, "[" * 100_000, '"' + "x" * 100_000,
    ],
)  # fmt: skip
def test_a_body_that_is_no_json_is_a_parse_error(caller, method, name, body):
    problem = problem_of(caller.send(method, name, body), 400)

    assert problem["code"] == "parse_error"


@pytest.mark.parametrize(("method", "name"), WRITES)
@pytest.mark.parametrize(
    "body", ["[]", "null", "1", "true", '"x"', "1.5", "[[[]]]", '[{"name":1}]']
)
def test_a_body_that_is_no_object_is_refused(caller, method, name, body):
    problem_of(caller.send(method, name, body), 400)


@pytest.mark.parametrize(("method", "name"), WRITES)
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"name": "a\\u0000b"}', "name"),
        ('{"name": "\\ud800"}', "name"),
        ('{"data": {"a": ["\\u0000"]}}', "data"),
        ('{"data": {"\\u0000": 1}}', "data"),
        ('{"data": {"a": {"\\udfff": 1}}}', "data"),
        ('{"tags": ["\\ud800x"]}', "tags"),
        ('{"tags": ["\\u0000"]}', "tags"),
        ('{"data": ' + "[" * 40 + "]" * 40 + "}", "data"),
        ('{"data": ' + '{"a":' * 40 + "1" + "}" * 40 + "}", "data"),
        ('{"name": NaN}', "name"),
        ('{"data": [Infinity]}', "data"),
        ('{"data": {"a": -Infinity}}', "data"),
        ('{"data": {"a": 1e999}}', "data"),
        ('{"data": -1e999}', "data"),
        ('{"data": {"a": ' + "9" * 101 + "}}", "data"),
        ('{"tags": [' + "9" * 5000 + "]}", "tags"),
        ('{"\\u0000": 1}', "\\x00"),
        ('{"\\ud800": 1}', "\\ud800"),
        ('{"name": "a", "name": "b"}', "name"),
        ('{"data": {"x": {"y": 1, "y": 2}}}', "y"),
        ('{"surprise": 1}', "surprise"),
        ('{"id": 7}', "id"),
        ('{"created_at": "2026-01-01T00:00:00Z"}', "created_at"),
        ('{"is_superuser": true}', "is_superuser"),
        ('{"owner": "01890000-0000-7000-8000-000000000000"}', "owner"),
        ('{"version": 7}', "version"),
        ('{"' + "x" * 500_000 + '": 1}', "x" * 100 + "…"),
        ('{"pk": 1, "__class__": {}, "is_deleted": true}', "__class__"),
    ],
)
def test_a_field_that_cannot_be_taken_is_named(caller, method, name, body, field):
    problem = problem_of(caller.send(method, name, body), 400)

    assert field in [error["field"] for error in problem["errors"]]


# --- Fields of one endpoint -------------------------------------------------------------------


@pytest.mark.parametrize(("method", "path"), [("POST", "items"), ("PATCH", "item")])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("name", value) for value in (None, "", " ", 1, 1.5, True, [], {}, "é" * 201)],
        *[("description", value) for value in (None, 7, ["x"], "x" * 10_001)],
        *[("kind", value) for value in (None, "", "spaceship", 1, [], {}, "note ")],
        *[("is_active", value) for value in (None, "true", 0, 1, [], {}, "")],
        *[
            ("tags", value)
            for value in (
                None, "red", {}, {"0": "a"}, 1, [1], [None], [[]], [""], [" "], ["a", "a"],
                ["x" * 51], [str(n) for n in range(21)], ["x"] * 100_000, [1] * 100_000,
            )
        ],
        *[
            ("data", value)
            for value in (
                None, [], "x", 1, True, {"a": "x" * 65_536}, {"x" * 65_536: 1},
                {str(n): n for n in range(9_999)}, {"é": "é" * 40_000},
            )
        ],
    ],
)  # fmt: skip
def test_a_bad_value_of_an_item_is_named(caller, method, path, field, value):
    body = json.dumps({**({"name": "x"} if method == "POST" else {}), field: value})

    problem = problem_of(caller.send(method, path, body), 400)

    assert {error["field"].partition(".")[0] for error in problem["errors"]} == {field}
    assert Item.objects.count() == 1
    assert Item.objects.get().version == 1


@pytest.mark.parametrize(
    "value", ["", "x", 1, True, [], {}, NOWHERE, NOWHERE + "0", "{}", "\u202e"]
)
def test_a_bad_group_is_named(caller, value):
    body = json.dumps({"name": "x", "group": value})

    problem = problem_of(caller.send("POST", "items", body), 400)

    assert [error["field"] for error in problem["errors"]] == ["group"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("first_name", value) for value in (None, 1, [], "x" * 151)],
        *[("bio", value) for value in (None, {}, "x" * 2001)],
        *[
            ("avatar_url", value)
            for value in (
                None, 1, "x", "javascript:alert(1)", "ftp://example.org/a", "data:image/png,",
                "//example.org/a.png", "https://" + "x" * 600 + ".org", "http://[::1", "https://",
            )
        ],
        *[("locale", value) for value in (None, "", 1, "../../etc", "en_US\n", "x" * 36, "en-")],
        *[("timezone", value) for value in (None, "", 1, "Mars/Olympus", "../../etc", "x" * 65)],
    ],
)  # fmt: skip
def test_a_bad_value_of_the_profile_is_named(caller, field, value):
    problem = problem_of(caller.send("PATCH", "me", json.dumps({field: value})), 400)

    assert {error["field"] for error in problem["errors"]} == {field}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("name", value) for value in (None, "", 1, "x" * 101)],
        *[
            ("scopes", value)
            for value in (None, "items.view_item", {}, [1], [None], [""], ["x"], ["items.fly_item"],
                          ["x" * 300], ["items.view_item"] * 101, ["x"] * 100_000)
        ],
        *[
            ("expires_at", value)
            for value in (
                "", "x", 1, [], "2020-01-01T00:00:00Z", "2026-02-30T00:00:00Z", "9" * 999,
                "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59",
            )
        ],
    ],
)  # fmt: skip
def test_a_bad_value_of_a_token_is_named(caller, field, value):
    body = json.dumps({"name": "x", field: value})

    problem = problem_of(caller.send("POST", "tokens", body), 400)

    assert {error["field"].partition(".")[0] for error in problem["errors"]} == {field}


# --- Envelopes --------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "name"), WRITES)
@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain", "application/xml", "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x", "application/json-patch+json", "x", "/", ";;;", "\xff",
        "application/json; charset=utf-16", "application/json; charset=latin-1", "a" * 5000,
        "application/json; charset=nonsense",
    ],
)  # fmt: skip
def test_another_content_type_is_refused(caller, method, name, content_type):
    response = caller.send(method, name, '{"name": "x"}', content_type)

    assert problem_of(response, 415)["code"] == "unsupported_media_type"


@pytest.mark.parametrize(("method", "name"), WRITES)
def test_a_body_that_is_too_large_is_refused(caller, method, name):
    body = json.dumps({"data": {"a": "x" * 2_700_000}})

    assert problem_of(caller.send(method, name, body), 413)["code"] == "too_large"


@pytest.mark.parametrize(
    "accept", ["text/html", "application/xml", "x", "image/*", ";;;,,/", "a" * 9000]
)
@pytest.mark.parametrize("name", ["me", "items", "groups", "tokens", "item", "group"])
def test_another_format_cannot_be_had(caller, name, accept):
    problem_of(caller.send("GET", name, Accept=accept), 406)


@pytest.mark.parametrize("name", ["items", "groups", "tokens", "roles", "role-assignments"])
@pytest.mark.parametrize(
    "query",
    [
        "x=1", "%00=1", "%ff=1", "=1", "&".join(f"p{n}=1" for n in range(900)), "page_size=x",
        "cursor=x", "ordering=x", "format=x", "cursor=" + "x" * 50_000, "x" * 50_000,
        "&".join(f"p{n}=1" for n in range(1500)),
    ],
)  # fmt: skip
def test_parameters_that_make_no_sense_are_refused_by_every_list(caller, name, query):
    problem_of(caller.send("GET", f"{caller.paths[name]}?{query}"), 400)


@pytest.mark.parametrize(
    "identifier",
    [
        "1",
        "x",
        "null",
        "%00",
        "%ff",
        "..",
        "%2e%2e%2f",
        NOWHERE,
        NOWHERE.upper(),
        "0" * 5000,
        "'--",
    ],
)
@pytest.mark.parametrize("base", ["items", "groups", "tokens"])
def test_an_id_that_is_not_one_is_not_found(caller, base, identifier):
    response = caller.send("DELETE", f"{caller.paths[base]}/{identifier}")

    problem_of(response, 404, 405)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "BREW", "DISPATCH"])
@pytest.mark.parametrize(
    "path",
    ["/api", "/api/", "/api/v1", "/api/v2/items", "/api/v1/items/x/y/z", "/api/%00", "/api/é"],
)
def test_an_unknown_url_is_a_problem_too(caller, method, path):
    problem_of(caller.send(method, path), 404)
    with override_settings(DEBUG=True):
        problem_of(caller.send(method, path), 404)


@pytest.mark.parametrize("method", ["PUT", "TRACE", "BREW", "DISPATCH", "action_map"])
@pytest.mark.parametrize("name", ["me", "items", "item", "restore", "groups", "tokens", "token"])
def test_a_wrong_method_is_a_problem_too(caller, method, name):
    response = caller.send(method, name)

    assert problem_of(response, 405)["code"] == "method_not_allowed"
    assert response["Allow"]


@pytest.mark.parametrize(
    "authorization",
    ["Bearer", "Bearer ", "Bearer x", "Bearer a b", "bearer tl_pat_", "Bearer \xff\xfe",
     "Bearer " + "x" * 9000, "Bearer tl_pat_" + "0" * 46, "Basic eDp4", "Token x", "", " "],
)  # fmt: skip
def test_a_token_that_is_none_is_unauthorized(caller, authorization):
    caller.client.credentials(HTTP_AUTHORIZATION=authorization)

    response = caller.send("GET", "me")

    problem_of(response, 401)
    assert response["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("If-Match", "\xff"), ("If-Match", '"' + "9" * 6000 + '"'), ("If-Match", ""),
        ("If-None-Match", "\x01"), ("X-Request-ID", "a\nb"), ("X-Request-ID", "x" * 9000),
        ("Host", "evil"), ("Content-Length", "x"), ("User-Agent", "\0"), ("X-Forwarded-For", "\0,"),
        ("Accept-Language", "\xff"), ("Cookie", "sessionid=\0;;csrftoken=" + "x" * 999),
    ],
)  # fmt: skip
def test_odd_headers_do_no_harm(caller, header, value):
    for method, name in [("GET", "item"), ("PATCH", "item")]:
        response = caller.send(method, name, '{"name": "x"}', **{header: value})

        assert response.status_code < 500, response.content
        if response.status_code >= 400:
            problem_of(response, 400, 412)


# --- Crashes ----------------------------------------------------------------------------------


def test_a_crash_is_a_problem_without_a_trace(caller, monkeypatch):
    monkeypatch.setattr("items.services.items.create_item", lambda **_: 1 / 0)

    response = caller.send("POST", "items", '{"name": "x"}')

    problem = problem_of(response, 500)
    assert problem["code"] == "error"
    assert problem["request_id"] == response["X-Request-ID"]
    assert "division" not in response.content.decode()


@pytest.mark.parametrize(
    ("content_type", "query"),
    [
        ("application/json; charset=idna", "x=%ff"),
        ("application/json; charset=hex", "x=%ff"),
        ("application/json; charset=utf-8", "&".join(f"p{n}=1" for n in range(1500))),
    ],
)
def test_a_request_that_cannot_be_made_is_a_bad_request(content_type, query):
    answers = []
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/health/live",
        "QUERY_STRING": query,
        "CONTENT_TYPE": content_type,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "wsgi.input": None,
    }

    list(application(environ, lambda status, _headers: answers.append(status)))

    assert answers == ["400 Bad Request"]
