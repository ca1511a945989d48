"""Who gets what answer from every endpoint: a row each, a column for each kind of caller.

The rows are in ``matrix/``. An endpoint without a row fails, and so does a row without an endpoint.
"""

import json
from http.cookies import SimpleCookie

import pytest
from django.core.cache import cache
from django.db import transaction

from truledgr.tests.matrix.admin_pages import TABLE as ADMIN
from truledgr.tests.matrix.api import TABLE as API
from truledgr.tests.matrix.flows import TABLE as FLOWS
from truledgr.tests.matrix.pages import TABLE as PAGES
from truledgr.tests.matrix.paths import admin_path_of, body_of, path_of, query_of
from truledgr.tests.matrix.world import CALLERS, World
from truledgr.tests.test_endpoints import ALL
from truledgr.tests.test_openapi import served_flows

pytestmark = pytest.mark.django_db

JSON = "application/json"


def rows_of(table):
    """``METHOD route`` and the answer to each caller, in the order of ``CALLERS``."""
    rows = {}
    for line in table.strip().splitlines():
        if line.strip() and not line.startswith("#"):
            method, route, *answers = line.split()
            rows[f"{method} {route}"] = dict(zip(CALLERS, answers, strict=True))
    return rows


def name_of(endpoint):
    """The route as a row has it, in one word."""
    if endpoint.route.startswith("^admin/(?P<app_label>"):
        return "admin/<app_label>/"
    return endpoint.route or "(front-page)"


ROWS = {
    "api": rows_of(API), "flows": rows_of(FLOWS), "pages": rows_of(PAGES), "admin": rows_of(ADMIN),
}  # fmt: skip
BY_ROUTE = {name_of(endpoint): endpoint for endpoint in ALL}
IN_API = {
    f"{method.upper()} {endpoint.route}"
    for endpoint in ALL
    if endpoint.route.startswith("api/v1/")
    for method in endpoint.view.actions
}
OF_BROWSERS = {
    f"{method} {name_of(endpoint)}"
    for endpoint in ALL
    if not endpoint.route.startswith(("api/v1/", "api/auth/"))
    for method in ("GET", "POST")
}
IN_ADMIN = {name for name in OF_BROWSERS if " admin/" in name}
OPERATIONS = {
    "api": IN_API,
    "flows": {name.replace(" /", " ") for name in served_flows()},
    "pages": OF_BROWSERS - IN_ADMIN,
    "admin": IN_ADMIN,
}


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), transaction.atomic():
        yield World()
        transaction.set_rollback(True)


def answer_of(client, method, path, body=None):
    """The status of one request, of which nothing is left: no row, no cookie.

    ``in`` is a redirect to where one signs in.
    """
    cookies = client.cookies.output(header="")
    cache.clear()  # and no count of a rate limit
    sent, content_type = "", "application/octet-stream"
    if body is not None:
        is_text = isinstance(body, str)
        sent, content_type = (body, "text/csv") if is_text else (json.dumps(body), JSON)
    with transaction.atomic():
        response = client.generic(method, path, sent, content_type, headers={"If-Match": "*"})
        if response.streaming:
            b"".join(response.streaming_content)
        transaction.set_rollback(True)
    client.cookies = SimpleCookie(cookies)
    leads_to = response.headers.get("Location", "")
    if leads_to.startswith(("/accounts/login/", "/admin/login/")):
        return "in"
    return str(response.status_code)


def held_to(kind, operation, found):
    seen = f"{operation}  {' '.join(found.values())}"
    assert found == ROWS[kind].get(operation), seen


@pytest.mark.parametrize("kind", OPERATIONS)
def test_asvs_8_2_1_every_operation_has_a_row_and_every_row_an_operation(kind):
    assert sorted(ROWS[kind]) == sorted(OPERATIONS[kind])


@pytest.mark.parametrize("operation", sorted(OPERATIONS["api"]))
def test_asvs_8_2_1_each_caller_of_the_api_gets_what_is_meant_for_them(operation, world):
    method, _space, route = operation.partition(" ")
    path = path_of(route, world) + query_of(operation, world)
    body = None if method == "GET" else body_of(operation, world)

    found = {name: answer_of(world.clients[name].program, method, path, body) for name in CALLERS}

    held_to("api", operation, found)


@pytest.mark.parametrize("operation", sorted(OPERATIONS["flows"]))
def test_asvs_8_2_1_each_caller_of_a_flow_gets_what_is_meant_for_them(operation, world):
    method, _space, route = operation.partition(" ")
    body = None if method == "GET" else {}
    path = path_of(route, world)

    found, as_app = (
        {
            name: answer_of(
                getattr(world.clients[name], kind), method, path.replace("{client}", kind), body
            )
            for name in CALLERS
        }
        for kind in ("browser", "app")
    )

    held_to("flows", operation, found)
    held_to("flows", operation, as_app)


@pytest.mark.parametrize("operation", sorted(OPERATIONS["pages"] | OPERATIONS["admin"]))
def test_asvs_8_2_1_each_visitor_of_a_page_gets_what_is_meant_for_them(operation, world):
    kind = "admin" if operation in OPERATIONS["admin"] else "pages"
    method, _space, route = operation.partition(" ")
    is_object = kind == "admin" and "<path:object_id>" in route
    path = admin_path_of(route, world) if is_object else BY_ROUTE[route].path
    path += query_of(operation, world)

    found = {name: answer_of(world.clients[name].browser, method, path) for name in CALLERS}

    held_to(kind, operation, found)
