"""Every endpoint denies by default: a new one is covered the day it is written."""

import re
import uuid
from dataclasses import dataclass
from http import HTTPStatus

import pytest
from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.settings import api_settings
from rest_framework.views import APIView

from core.api.permissions import DenyAll
from core.soft_delete import is_soft_deleted
from users.models import User

# What a stranger may open. A line here is a decision: say why.
PUBLIC = {
    "": "leads to the admin or to the API's pages",
    "privacy/": "says what is kept about people",
    "health/live": "for load balancers",
    "health/ready": "for load balancers; names parts, never causes",
    "api/schema/": "holds nothing that is not in the source",
    "api/docs/": "shows the schema",
    "api/auth/openapi.yaml": "leads to the schema",
    "^api(?:/|$)": "answers 404 for unknown URLs of the API",
    "admin/login/": "leads to the sign-in page",
    "admin/logout/": "ends the caller's own session, when there is one",
    "admin/jsi18n/": "Django's translations for scripts",
    "accounts/login/": "the sign-in page",
    "accounts/logout/": "ends the caller's own session, when there is one",
    "accounts/signup/": "signs up, or says that it is closed",
    "accounts/inactive/": "says that signing in did not work",
    "accounts/3rdparty/login/cancelled/": "says that nothing has happened",
    "accounts/confirm-email/": "says that a message was sent",
    "api/v1/invitations/decline": "the token permits to say no, and a mail brings it",
    "accounts/invitations/<str:token>/": "the token permits to answer it, and a mail brings it",
    "accounts/not-me/<str:token>/": "the token in it is the permission, and a mail brings it",
    "accounts/password/reset/": "asks for a message",
    "accounts/password/reset/done/": "says that a message was sent",
    "^accounts/password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$": "the key permits it",
    "accounts/password/reset/key/done/": "says that a password was set",
}
# The flows of signing in, for apps and for browsers.
PUBLIC_FLOWS = {
    "config": "what a client may offer",
    "auth/session": "whether somebody is signed in; signs out",
    "auth/login": "signs in",
    "auth/signup": "signs up, or says that it is closed",
    "auth/email/verify": "409 unless the session waits for a mailed code",
    "auth/email/verify/resend": "409 unless the session waits for a mailed code",
    "auth/password/request": "asks for a message",
    "auth/password/reset": "the key in it is the permission",
    "auth/provider/redirect": "leads to a provider",
    "auth/provider/token": "signs in by what a provider says",
    "auth/provider/signup": "409 unless the session waits for it",
    "account/email": "409 unless the session waits for a mailed code",
}
PUBLIC |= {
    f"api/auth/{kind}/v1/{route}": why
    for kind in ("app", "browser")
    for route, why in PUBLIC_FLOWS.items()
}
METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Endpoint:
    route: str
    path: str
    view: object

    def __str__(self):
        return self.route or "(root)"

    @property
    def is_flow(self):
        return self.route.startswith("api/auth/") and hasattr(self.view, "view_class")


def endpoints(patterns=None, route="", path="/"):
    for entry in get_resolver().url_patterns if patterns is None else patterns:
        inner_route = route + str(entry.pattern).removeprefix("^") if route else str(entry.pattern)
        inner_path = path + example_of(str(entry.pattern))
        if isinstance(entry, URLResolver):
            yield from endpoints(entry.url_patterns, inner_route, inner_path)
        elif isinstance(entry, URLPattern):
            yield Endpoint(with_caret(entry, route, inner_route), inner_path, entry.callback)


def with_caret(entry, route, inner_route):
    """A route under a prefix as it is written in PUBLIC: a regular expression starts with ``^``."""
    is_regex = str(entry.pattern).startswith("^")
    return f"^{inner_route}" if is_regex and route else inner_route


def example_of(pattern):
    """A path that the pattern matches."""
    path = re.sub(r"<uuid:\w+>", str(uuid.UUID(int=1)), pattern)
    path = re.sub(r"<path:\w+>|<\w+>|<\w+:\w+>", "1", path)
    path = re.sub(r"\(\?P<url>.*\)", "", path)
    path = re.sub(r"\(\?P<app_label>([^|)]+)[^)]*\)", r"\1", path)
    path = re.sub(r"\(\?P<\w+>[^)]*\)", "1", path)
    path = path.replace("(?:/|$)", "/unknown")
    return path.removeprefix("^").removesuffix("$")


ALL = list(endpoints())
PRIVATE = [endpoint for endpoint in ALL if endpoint.route not in PUBLIC]
API_VIEWS = [e for e in ALL if isinstance(getattr(e.view, "cls", None), type(APIView))]

OVER_SOFT_DELETED_ROWS = [
    e
    for e in API_VIEWS
    if getattr(e.view.cls, "queryset", None) is not None
    and is_soft_deleted(e.view.cls.queryset.model)
    and e.view.cls.queryset.model is not User  # its one view serves request.user
]


def test_the_list_of_public_endpoints_names_only_what_is_there():
    assert PUBLIC.keys() <= {endpoint.route for endpoint in ALL}


def test_the_walk_finds_what_there_is():
    routes = {endpoint.route for endpoint in ALL}

    assert len(ALL) > 60
    assert {"api/v1/me", "api/v1/items", "api/v1/items/<uuid:pk>/restore", "admin/"} <= routes


@pytest.mark.django_db
@pytest.mark.parametrize("endpoint", PRIVATE, ids=str)
def test_a_stranger_gets_nowhere(client, endpoint):
    for method in METHODS:
        response = getattr(client, method)(endpoint.path)

        if response.status_code in {HTTPStatus.FOUND, HTTPStatus.MOVED_PERMANENTLY}:
            sign_in = response["Location"].startswith(("/accounts/login/", "/admin/login/"))
            assert sign_in, (method, response["Location"])
        else:
            expected = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
            if not endpoint.path.startswith("/api/"):
                expected |= {HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_FOUND}
            elif endpoint.is_flow and not hasattr(endpoint.view.view_class, method):
                expected.add(HTTPStatus.METHOD_NOT_ALLOWED)
            assert response.status_code in expected, (method, endpoint.path)


@pytest.mark.parametrize("endpoint", API_VIEWS, ids=str)
def test_an_api_view_says_who_may_use_it(endpoint):
    view = endpoint.view.cls

    assert view.permission_classes, "an empty list lets everybody in"
    assert DenyAll not in view.permission_classes, "the project's default: choose"
    assert "permission_classes" in {name for kind in view.__mro__[:-1] for name in vars(kind)}


@pytest.mark.parametrize(
    "endpoint", [e for e in API_VIEWS if e.route.startswith("api/v1/")], ids=str
)
def test_an_action_names_its_permission(endpoint):
    view = endpoint.view.cls

    assert set(endpoint.view.actions.values()) <= view.action_permissions.keys()


def test_what_names_no_permission_answers_nobody():
    [default] = api_settings.DEFAULT_PERMISSION_CLASSES

    assert default is DenyAll
    assert not DenyAll().has_permission(request=None, view=None)


@pytest.mark.parametrize("endpoint", OVER_SOFT_DELETED_ROWS, ids=str)
def test_a_list_over_soft_deleted_rows_says_alive(endpoint, django_user_model, rf, db):
    """What ``get_queryset`` answers to a superuser for a GET names ``is_deleted = false``."""
    view = endpoint.view.cls
    request = rf.get(endpoint.path)
    request.user = django_user_model(is_superuser=True)
    request.query_params = request.GET
    for action in endpoint.view.actions.values():
        rows = view(request=request, action=action, kwargs={}).get_queryset()

        where = str(rows.query).partition("WHERE")[2]
        assert f'"{view.queryset.model._meta.db_table}"."is_deleted"' in where, action


# --- One form of each URL ---------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("asked", "canonical"),
    [
        ("/api/v1/items/", "/api/v1/items"),
        ("/api/v1/me/?x=1&y=%20", "/api/v1/me?x=1&y=%20"),
        ("/api/schema", "/api/schema/"),
        ("/api/docs", "/api/docs/"),
    ],
)
def test_the_other_form_of_a_url_leads_to_its_one_form(client, asked, canonical):
    for method in ("get", "post"):
        response = getattr(client, method)(asked)

        assert (response.status_code, response["Location"]) == (308, canonical)


@pytest.mark.parametrize("asked", ["/api//evil.example/", "/api/v1//items/", "/api/v1/items//"])
def test_no_url_leads_elsewhere(client, asked):
    assert client.get(asked).status_code == 404


@pytest.mark.django_db
def test_the_front_page_leads_staff_to_the_admin_and_others_to_the_docs(client, django_user_model):
    assert client.get("/")["Location"] == "/api/docs/"

    staff = django_user_model.objects.create_user("staff", "staff@example.org", is_staff=True)
    client.force_login(staff)

    assert client.get("/")["Location"] == "/admin/"


@pytest.mark.django_db
def test_every_response_carries_the_security_headers(client):
    response = client.get("/api/docs/")

    assert "script-src" not in response["Content-Security-Policy"]
    assert "'unsafe" not in response["Content-Security-Policy"]
    assert response["X-Frame-Options"] == settings.X_FRAME_OPTIONS
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Request-ID"]
