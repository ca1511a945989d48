"""What the OpenAPI document says of each operation is there, and true as far as it can be told."""

import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import jsonschema
import pytest
from django.conf import settings
from drf_spectacular.generators import SchemaGenerator

from core.api.codes import CODES
from truledgr import api_pages
from truledgr.tests.postgres import PROJECT
from truledgr.tests.test_endpoints import endpoints
from truledgr.tests.test_openapi import operations, resolved

OPERATION_ID = re.compile(r"[a-z]+(_[a-z]+)*")
BOUNDS = {"enum", "format", "pattern", "maxLength", "const"}
# A file that no text could show.
WITHOUT_EXAMPLE = {"application/zip"}


@pytest.fixture(scope="module")
def everything(document):
    return {**operations(document), **operations(document, "/api/auth/")}


def test_every_process_makes_the_same_document():
    """To the byte: clients compare it with what they were made from."""
    processes = [
        subprocess.Popen(
            [sys.executable, "manage.py", "spectacular", "--format", "openapi-json"],
            cwd=PROJECT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
        )
        for seed in "12"
    ]
    one, other = [process.communicate()[0] for process in processes]

    assert len(one) > 100_000
    assert one == other


def test_those_who_ask_first_at_the_same_time_have_it_made_once(monkeypatch):
    made = []

    def slowly(self, **_options):
        made.append({"openapi": "3.1.1"})
        time.sleep(0.2)
        return made[-1]

    monkeypatch.setattr(SchemaGenerator, "get_schema", slowly)
    api_pages._document.cache_clear()
    try:
        with ThreadPoolExecutor(4) as pool:
            got = list(pool.map(lambda _: api_pages.KeptGenerator().get_schema(), range(4)))
    finally:
        api_pages._document.cache_clear()

    assert got == made * 4
    assert len(made) == 1


def test_operation_ids_are_one_of_a_kind_and_make_good_names(everything):
    ids = [operation["operationId"] for operation in everything.values()]

    assert len(set(ids)) == len(ids)
    assert [name for name in ids if not OPERATION_ID.fullmatch(name)] == []
    words = [name.split("_") for name in ids]
    assert [name for name in words if any(a == b for a, b in pairwise(name))] == []
    assert {"items_list", "items_create", "items_get", "groups_members_approve"} <= set(ids)


def test_each_operation_names_the_permission_that_its_view_asks_for(document):
    asked = {}
    for endpoint in endpoints():
        view = getattr(endpoint.view, "cls", None)
        for method, action in getattr(endpoint.view, "actions", {}).items():
            path = re.sub(r"<\w+:(\w+)>", r"{\1}", f"/{endpoint.route}")
            asked[f"{method.upper()} {path.replace('{pk}', '{id}')}"] = view.action_permissions[
                action
            ]
    described = operations(document)

    assert {name: operation["x-permission"] for name, operation in described.items()} == {
        name: asked[name] for name in described
    }
    for operation in described.values():
        permission = operation["x-permission"]
        assert operation["x-scopes"] == ([permission] if permission else [])
        assert "**Needs**" in operation["description"]
        assert permission is None or f"`{permission}`" in operation["description"]


def test_every_body_has_an_example_and_every_example_is_valid(document, everything):
    formats = jsonschema.FormatChecker()
    checked = 0

    for name, operation in everything.items():
        bodies = {"request": operation.get("requestBody", {}), **operation["responses"]}
        for part, body in bodies.items():
            for media_type, content in resolved(document, body).get("content", {}).items():
                values = [content["example"]] if "example" in content else []
                examples = content.get("examples", {}).values()
                values += [resolved(document, one)["value"] for one in examples]
                assert values or media_type in WITHOUT_EXAMPLE, f"{name} {part} {media_type}"
                schema = {**content.get("schema", {}), "components": document["components"]}
                validator = jsonschema.Draft202012Validator(schema, format_checker=formats)
                for value in values:
                    errors = [error.message for error in validator.iter_errors(value)]
                    assert not errors, f"{name} {part}: {errors[:3]}"
                    checked += 1
    assert checked > 1000


def test_every_parameter_is_described_and_bounded(document, everything):
    for name, operation in everything.items():
        for parameter in operation.get("parameters", ()):
            found = resolved(document, parameter)
            schema = found["schema"]
            assert found.get("description"), f"{name} {found['name']}"
            assert schema.get("type") != "string" or BOUNDS & schema.keys(), f"{name} {found}"
            assert schema.get("type") != "integer" or "maximum" in schema, f"{name} {found}"


def test_every_answer_names_its_headers(document, everything):
    for name, operation in everything.items():
        for status, answer in operation["responses"].items():
            headers = resolved(document, answer)["headers"]
            assert "X-Request-ID" in headers, f"{name} {status}"
            assert ("Retry-After" in headers) == (status in {"429", "503"}), f"{name} {status}"
            is_counted = "/api/v1/" in name and status != "503"
            assert ("RateLimit" in headers) == is_counted, f"{name} {status}"
            assert ("RateLimit-Policy" in headers) == is_counted, f"{name} {status}"
            assert ("Link" in headers) == (
                status == "200" and operation["operationId"].endswith("_list")
            ), f"{name} {status}"


def test_a_conditional_write_and_its_answers_go_together(document):
    for name, operation in operations(document).items():
        headers = {
            one["name"]: one for one in operation.get("parameters", ()) if one["in"] == "header"
        }
        statuses = operation["responses"].keys()
        assert ("If-Match" in headers) == ({"412", "428"} <= statuses), name
        assert ("If-Match" in headers) == ("412" in statuses or "428" in statuses), name
        assert ("If-None-Match" in headers) == ("304" in statuses), name


def test_a_page_of_another_origin_may_send_every_header_of_the_document(document, everything):
    sent = {"X-Request-ID", "Authorization", "Content-Type"}  # of no operation alone
    for operation in everything.values():
        for parameter in operation.get("parameters", ()):
            found = resolved(document, parameter)
            if found["in"] == "header":
                sent.add(found["name"])

    assert {"If-Match", "X-Device-ID", "X-Device-Trust", "X-Session-Token"} <= sent
    assert {name.lower() for name in sent} == set(settings.CORS_ALLOW_HEADERS)


def test_the_problems_of_a_status_tell_their_codes_and_the_remedies(document):
    described = document["components"]["responses"]
    told = set()
    for name, answer in described.items():
        if name.startswith("Auth."):
            continue
        for content in answer["content"].values():
            for code, example in content["examples"].items():
                told.add(code)
                assert example["value"]["code"] == code
                assert f"`{code}`: {CODES[code].meaning}" in answer["description"]

    assert {"id_taken", "stale_version", "step_up_required", "session_required"} <= told


def test_every_tag_is_described_and_used(document, everything):
    described = {tag["name"] for tag in document["tags"]}
    used = {tag for operation in everything.values() for tag in operation["tags"]}

    assert described == used
    assert all(tag["description"] for tag in document["tags"])
    assert [server["url"] for server in document["servers"]] == ["/"]
