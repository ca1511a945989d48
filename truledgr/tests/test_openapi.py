"""The OpenAPI document is true, complete and offline."""

import json
import re

import jsonschema
import pytest
import yaml

from core.api.codes import CODES
from core.api.errors import CONTENT_TYPE
from groups.services.groups import create_group
from groups.tests.factories import MembershipFactory
from items.tests.factories import ItemFactory
from truledgr.tests.test_endpoints import endpoints
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def operations(document, prefix="/api/v1/"):
    return {
        f"{method.upper()} {path}": operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if path.startswith(prefix)
    }


def read_yaml(text):
    return yaml.load(text, Loader=yaml.CSafeLoader)


def resolved(document, node):
    while "$ref" in node:
        place, node = node["$ref"], document
        for part in place.removeprefix("#/").split("/"):
            node = node[part]
    return node


def served_flows():
    """Method and path of each flow under /api/auth/, ``{client}`` for both kinds."""
    found = set()
    for endpoint in endpoints():
        view = getattr(endpoint.view, "view_class", None)
        if endpoint.route.startswith("api/auth/") and hasattr(view, "as_api_view"):
            path = re.sub(r"<\w+:(\w+)>", r"{\1}", f"/{endpoint.route}")
            path = re.sub(r"/(app|browser)/", "/{client}/", path)
            found |= {
                f"{method.upper()} {path}"
                for method in ("get", "post", "put", "patch", "delete")
                if hasattr(view, method)
            }
    return found


def test_it_is_openapi_3_1_and_valid(document):
    """``spectacular --validate``, which the fixture runs, has no warning either."""
    assert document["openapi"].startswith("3.1")


def test_it_has_every_operation_and_only_those(document):
    assert sorted(operations(document)) == [
        "DELETE /api/v1/groups/{group_pk}/invitations/{id}",
        "DELETE /api/v1/groups/{group_pk}/members/{user_pk}",
        "DELETE /api/v1/groups/{id}",
        "DELETE /api/v1/items/{id}",
        "DELETE /api/v1/me/deletion",
        "DELETE /api/v1/me/devices/{id}/trust",
        "DELETE /api/v1/me/password-resets/{id}",
        "DELETE /api/v1/me/sessions/{id}",
        "DELETE /api/v1/me/tokens/{id}",
        "DELETE /api/v1/role-assignments/{id}",
        "DELETE /api/v1/roles/{id}",
        "DELETE /api/v1/roles/{id}/permissions/{permission}",
        "GET /api/v1/analytics/sessions",
        "GET /api/v1/audit",
        "GET /api/v1/audit/export.csv",
        "GET /api/v1/audit/export.jsonl",
        "GET /api/v1/audit/{id}",
        "GET /api/v1/groups",
        "GET /api/v1/groups/{group_pk}/invitations",
        "GET /api/v1/groups/{group_pk}/members",
        "GET /api/v1/groups/{id}",
        "GET /api/v1/items",
        "GET /api/v1/items/export.csv",
        "GET /api/v1/items/export.jsonl",
        "GET /api/v1/items/{id}",
        "GET /api/v1/items/{id}/history",
        "GET /api/v1/me",
        "GET /api/v1/me/deletion",
        "GET /api/v1/me/devices",
        "GET /api/v1/me/memberships",
        "GET /api/v1/me/password-resets",
        "GET /api/v1/me/permissions",
        "GET /api/v1/me/sessions",
        "GET /api/v1/me/sessions/analytics",
        "GET /api/v1/me/timeline",
        "GET /api/v1/me/tokens",
        "GET /api/v1/permissions",
        "GET /api/v1/permissions/explain",
        "GET /api/v1/permissions/who-can",
        "GET /api/v1/role-assignments",
        "GET /api/v1/role-assignments/{id}",
        "GET /api/v1/roles",
        "GET /api/v1/roles/{id}",
        "GET /api/v1/roles/{id}/compare",
        "PATCH /api/v1/groups/{group_pk}/members/{user_pk}",
        "PATCH /api/v1/groups/{id}",
        "PATCH /api/v1/items/{id}",
        "PATCH /api/v1/me",
        "PATCH /api/v1/me/devices/{id}",
        "PATCH /api/v1/role-assignments/{id}",
        "PATCH /api/v1/roles/{id}",
        "POST /api/v1/groups",
        "POST /api/v1/groups/{group_pk}/invitations",
        "POST /api/v1/groups/{group_pk}/invitations/{id}/resend",
        "POST /api/v1/groups/{group_pk}/members",
        "POST /api/v1/groups/{group_pk}/members/{user_pk}/approve",
        "POST /api/v1/groups/{group_pk}/members/{user_pk}/ban",
        "POST /api/v1/groups/{group_pk}/members/{user_pk}/decline",
        "POST /api/v1/groups/{group_pk}/members/{user_pk}/unban",
        "POST /api/v1/groups/{id}/archive",
        "POST /api/v1/groups/{id}/join",
        "POST /api/v1/groups/{id}/leave",
        "POST /api/v1/groups/{id}/restore",
        "POST /api/v1/groups/{id}/transfer",
        "POST /api/v1/groups/{id}/unarchive",
        "POST /api/v1/invitations/accept",
        "POST /api/v1/invitations/decline",
        "POST /api/v1/items",
        "POST /api/v1/items/bulk",
        "POST /api/v1/items/import",
        "POST /api/v1/items/{id}/move",
        "POST /api/v1/items/{id}/restore",
        "POST /api/v1/items/{id}/revert",
        "POST /api/v1/me/deletion",
        "POST /api/v1/me/devices/{id}/not-me",
        "POST /api/v1/me/devices/{id}/trust",
        "POST /api/v1/me/export",
        "POST /api/v1/me/sessions/end-others",
        "POST /api/v1/me/tokens",
        "POST /api/v1/role-assignments",
        "POST /api/v1/roles",
        "POST /api/v1/roles/{id}/clone",
        "POST /api/v1/roles/{id}/permissions",
        "POST /api/v1/roles/{id}/restore",
    ]


def test_it_has_every_flow_of_signing_in_and_only_those(document):
    described = {
        name.replace("/browser/", "/{client}/") for name in operations(document, "/api/auth/")
    }

    assert described == served_flows()
    assert len(described) > 30


def test_every_flow_is_summed_up_in_words_of_its_own(document):
    summaries = [flow.get("summary") for flow in operations(document, "/api/auth/").values()]

    assert all(summaries)
    assert len(set(summaries)) == len(summaries)


def test_making_the_document_twice_makes_the_same(document, client):
    assert client.get("/api/schema/?format=json").json()["paths"] == document["paths"]


def test_every_operation_is_summed_up_in_words_of_its_own(document):
    summaries = [operation.get("summary") for operation in operations(document).values()]

    assert all(summaries)
    assert len(set(summaries)) == len(summaries)


# By a parameter, not in their path.
NAMES_AN_OBJECT = {"GET /api/v1/permissions/explain", "GET /api/v1/permissions/who-can"}


def test_every_operation_documents_its_problems(document):
    for name, operation in operations(document).items():
        problems = {
            status: resolved(document, answer)
            for status, answer in operation["responses"].items()
            if status >= "400"
        }
        assert {"400", "401", "403", "406", "429", "503"} <= problems.keys(), name
        assert ("404" in problems) == ("{" in name or name in NAMES_AN_OBJECT), name
        assert ("415" in problems) == ("requestBody" in operation), name
        for status, body in problems.items():
            assert list(body["content"]) == [CONTENT_TYPE]
            content = body["content"][CONTENT_TYPE]
            assert content["schema"]["$ref"] == "#/components/schemas/Problem"
            assert {CODES[code].status for code in content["examples"]} == {int(status)}, name


def test_every_operation_takes_a_token_or_a_session(document):
    assert document["components"]["securitySchemes"]["bearerAuth"]["scheme"] == "bearer"
    for name, operation in operations(document).items():
        assert [list(way) for way in operation["security"]] == [
            ["bearerAuth"], ["sessionToken"], ["cookieAuth"],
        ], name  # fmt: skip


def test_every_list_documents_its_parameters(document):
    parameters = operations(document)["GET /api/v1/items"]["parameters"]

    assert all(p["description"] for p in parameters)
    assert {p["name"] for p in parameters} == {
        "kind", "is_active", "owner", "group", "tag", "name_prefix", "search",
        "created_after", "created_before", "updated_after", "updated_before",
        "deleted", "cursor", "page_size", "ordering", "fields", "expand",
    }  # fmt: skip


def test_the_limits_of_free_fields_are_named(document):
    fields = document["components"]["schemas"]["ItemCreateRequest"]["properties"]

    assert "65536 bytes" in fields["data"]["description"]
    assert fields["tags"]["maxItems"] == 20
    assert fields["tags"]["items"]["maxLength"] == 50


def test_answers_are_what_the_document_says(document, api_of):
    member = MembershipFactory(role__permissions=["groups.view_group", "items.view_item"])
    led = create_group(actor=member.user, name="Led", settings={"invitation_days": 3})
    item = ItemFactory(owner=member.user, tags=["a"], data={"b": None})
    ItemFactory(owner=None, group=member.group)
    client = api_of(member.user)
    bulk = "/api/v1/items/bulk"

    for method, path, url, body in [
        ("get", "/api/v1/me", "/api/v1/me", None),
        ("patch", "/api/v1/me", "/api/v1/me", {"bio": "x"}),
        ("get", "/api/v1/me/tokens", "/api/v1/me/tokens", None),
        ("post", "/api/v1/me/tokens", "/api/v1/me/tokens", {"name": "x"}),
        ("get", "/api/v1/groups", "/api/v1/groups?page_size=1", None),
        ("get", "/api/v1/groups/{id}", f"/api/v1/groups/{member.group_id}", None),
        ("post", "/api/v1/groups", "/api/v1/groups", {"name": "x"}),
        ("get", "/api/v1/me/memberships", "/api/v1/me/memberships", None),
        (
            "get",
            "/api/v1/groups/{group_pk}/members",
            f"/api/v1/groups/{led.pk}/members",
            None,
        ),
        ("get", "/api/v1/groups/{id}", f"/api/v1/groups/{led.pk}", None),
        ("get", "/api/v1/items", "/api/v1/items?page_size=1", None),
        ("post", "/api/v1/items", "/api/v1/items", {"name": "x"}),
        ("get", "/api/v1/items/{id}", f"/api/v1/items/{item.pk}", None),
        ("patch", "/api/v1/items/{id}", f"/api/v1/items/{item.pk}", {"name": ""}),
        ("post", "/api/v1/items/{id}/restore", f"/api/v1/items/{item.pk}/restore", None),
        (
            "patch",
            "/api/v1/items/{id}",
            f"/api/v1/items/{item.pk}",
            {"name": "y", "data": {"c": 1}},
        ),
        ("post", "/api/v1/items/{id}/revert", f"/api/v1/items/{item.pk}/revert", {"version": 1}),
        ("post", "/api/v1/items/{id}/move", f"/api/v1/items/{item.pk}/move", {"owner": "me"}),
        ("get", "/api/v1/items/{id}/history", f"/api/v1/items/{item.pk}/history", None),
        ("post", "/api/v1/items/bulk", bulk, {"operations": [{"op": "create", "name": "x"}]}),
        ("post", "/api/v1/items/bulk", bulk, {"operations": [{"op": "create"}]}),
        ("delete", "/api/v1/items/{id}", f"/api/v1/items/{item.pk}", None),
        ("get", "/api/v1/items/{id}", f"/api/v1/items/{item.pk}", None),
    ]:
        response = getattr(client, method)(url, body, headers={"If-Match": "*"})
        described = document["paths"][path][method]["responses"][str(response.status_code)]
        described = resolved(document, described)
        if response.status_code == 204:
            assert "content" not in described
            continue
        schema = described["content"][response["Content-Type"]]["schema"]
        jsonschema.Draft202012Validator(
            {**schema, "components": document["components"]},
            format_checker=jsonschema.FormatChecker(),
        ).validate(response.json())


@pytest.mark.parametrize(
    ("accept", "query", "content_type", "load"),
    [
        ("*/*", "", "application/vnd.oai.openapi", read_yaml),
        ("application/json", "", "application/json", json.loads),
        ("*/*", "?format=json", "application/vnd.oai.openapi+json", json.loads),
    ],
)
def test_a_stranger_reads_it_as_yaml_or_json(client, accept, query, content_type, load):
    response = client.get(f"/api/schema/{query}", headers={"Accept": accept})

    assert response.status_code == 200
    assert response["Content-Type"].startswith(content_type)
    assert load(response.content)["info"]["title"] == "TruLedgr API"


@pytest.mark.parametrize("path", ["/api/schema/", "/api/docs/"])
@pytest.mark.parametrize(
    "query", ["lang=%00", "lang=../../x", "version=a%0ab", "version=x", "format=exe", "x=1"]
)
def test_odd_parameters_of_the_pages_are_bad_requests(client, path, query):
    response = client.get(f"{path}?{query}")

    assert (response.status_code, response["Content-Type"]) == (400, CONTENT_TYPE)


def test_the_pages_need_no_other_host_and_no_inline_script(client):
    page = client.get("/api/docs/").content.decode()
    script = client.get("/api/docs/?script=").content.decode()

    assert "<style" not in page
    assert "<script>" not in page
    assert "//" not in page.replace("<!doctype", "")
    assert 'url: "/api/schema/"' in script.replace("\\u002D", "-").replace("\\/", "/")


def test_who_is_signed_in_makes_no_difference_to_the_document(client):
    anonymous = client.get("/api/schema/").content
    client.force_login(UserFactory(is_superuser=True))

    assert client.get("/api/schema/").content == anonymous
