"""One line for each request: who, what, when, where, and nothing that is secret."""

import logging
import re
from http import HTTPStatus

import pytest
from asgiref.sync import async_to_sync
from django.core.management import call_command
from django.http import HttpResponse
from django.test import AsyncClient, Client, RequestFactory

from authentication.tests.account_clients import LOGIN, Headless, Pages
from authentication.tests.people import PASSWORD, make_user
from core.context import Via, acting
from core.models import AuditEvent
from truledgr.log_settings import OWN
from truledgr.request_log import RequestLogMiddleware
from truledgr.tests.dump import database_bytes, found
from users.activity import flush
from users.models import SessionActivity, UserSession
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
CANARY = "canary-7c0e-that-nobody-may-read"


def test_asvs_16_2_1_a_sign_in_is_told_alike_by_log_and_trail(lines):
    user = make_user(username="ada")
    client = Client(headers={"User-Agent": FIREFOX}, REMOTE_ADDR="192.0.2.7")

    answer = client.post(LOGIN, {"login": "ada", "password": PASSWORD})

    session, event = UserSession.objects.get(), AuditEvent.objects.get(action="sign_in")
    [line] = lines.of("request")
    where = (str(session.pk), "192.0.2.7", answer["X-Request-ID"])
    assert (line["session_id"], line["client_ip"], line["request_id"]) == where
    assert (str(event.session_id), event.client_ip, event.request_id) == where
    assert line["user_id"] == str(event.actor_id) == event.object_id == str(user.pk)
    assert (line["user_agent"], line["route"], line["via"]) == (FIREFOX, "account_login", "web")
    assert (line["method"], line["status"], line["level"]) == ("POST", HTTPStatus.FOUND, "INFO")
    assert line["duration_ms"] >= 0
    assert UTC.fullmatch(line["time"])
    assert event.occurred_at.utcoffset().total_seconds() == 0
    assert (event.changes["method"][1], event.changes["factor"][1]) == ("password", None)
    assert event.changes["agent"][1] == "Firefox 128 on Linux"


def test_asvs_16_2_2_a_request_by_token_names_its_owner(lines, api_of):
    user = UserFactory()

    api_of(user).get("/api/v1/me")

    [line] = lines.of("request")
    assert (line["user_id"], line["session_id"], line["via"]) == (str(user.pk), None, "api")


def test_it_names_the_route_and_neither_path_nor_query(lines):
    Client().get(f"/accounts/not-me/{CANARY}/?next={CANARY}")
    Client().get(f"/nowhere/{CANARY}")

    assert [line["route"] for line in lines.of("request")] == ["account_not_me", "unknown"]
    assert CANARY not in lines.everything()


def test_it_asks_the_database_for_nobody(lines, client, django_assert_num_queries):
    client.force_login(UserFactory())

    # Nothing reads the session where there is no view.
    with django_assert_num_queries(0):
        client.get("/robots.txt")

    assert [line["user_id"] for line in lines.of("request")] == [None]


@pytest.mark.parametrize("path", ["/health/live", "/static/truledgr/pages.css"])
def test_what_says_nothing_about_anybody_is_quiet(lines, client, path):
    client.get(path)

    assert lines.of("request") == []


def test_under_asgi_it_is_the_same(lines):
    answer = async_to_sync(AsyncClient().get)("/api/v1/me")

    [line] = lines.of("request")
    assert (line["route"], line["status"]) == ("me", HTTPStatus.UNAUTHORIZED)
    assert line["request_id"] == answer["X-Request-ID"]


def test_lines_of_a_command_share_one_request_id_and_name_who_acts(lines):
    user = UserFactory()

    with acting(via=Via.COMMAND, actor=user) as context:
        logging.getLogger("users.test").info("one")
        logging.getLogger("items.test").info("two")

    told = [(line["request_id"], line["user_id"], line["via"]) for line in lines.all()]
    assert told == [(context.request_id, str(user.pk), "command")] * 2


def test_a_library_that_logs_the_path_is_not_read(lines):
    """Its name stands there: in the path of a reset link is what sets a password."""
    key = "0123456789abcdef-0123456789abcdef"

    def failing(request):
        error = RuntimeError(f"no reverse for {key} at {request.path}")
        extra = {"request": request, "status_code": 500}
        django = logging.getLogger("django.request")
        django.error("%s: %s", "Server Error", request.path, extra=extra, exc_info=error)
        return HttpResponse()

    request = RequestFactory().get(f"/accounts/password/reset/key/{key}/")
    RequestLogMiddleware(failing)(request)
    assert key not in lines.everything()

    # And where only the key is told, once the route is known.
    client = Client(raise_request_exception=False)
    client.get(f"/accounts/not-me/{key}/")
    assert key not in lines.everything()


@pytest.mark.parametrize("place", ["user_agent", "login", "path", "header", "request_id"])
def test_asvs_16_4_1_a_caller_cannot_forge_a_line(lines, place):
    forged = 'x\r\n{"level":"CRITICAL"}\x1b[2J\u2028y'
    body, headers, path = {"login": "ada", "password": "x"}, {}, LOGIN
    if place == "user_agent":
        headers["User-Agent"] = forged
    elif place == "login":
        body["login"] = forged
    elif place == "path":
        path = f"/{forged}/"
    elif place == "header":
        headers["X-Forwarded-For"] = forged
    else:
        headers["X-Request-ID"] = forged

    Client(headers=headers).post(path, body)

    assert {line["level"] for line in lines.all()} <= {"INFO", "WARNING"}
    assert all(line.isprintable() for line in lines.text.getvalue().removesuffix("\n").split("\n"))
    assert lines.json.getvalue().isascii()


@pytest.fixture
def loud():
    """Our loggers at DEBUG, as LOG_LEVEL=DEBUG sets them."""
    before = {name: logging.getLogger(name).level for name in OWN}
    for name in OWN:
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


def test_asvs_16_2_5_no_secret_reaches_log_activity_or_trail(lines, loud, api, settings):
    settings.ACTIVITY_ON = True
    user, browser, program = make_user(username="ada"), Pages(), Headless("app")
    bearer = {"Authorization": f"Bearer tl_pat_{CANARY}"}

    browser.http.post(LOGIN, {"login": "ada", "password": CANARY})
    browser.http.post(LOGIN, {"login": CANARY, "password": CANARY})
    browser.http.post(f"{LOGIN}?password={CANARY}&next={CANARY}", {"login": "ada", "token": CANARY})
    browser.sign_in(user)
    program.call("post", "auth/login", {"username": "ada", "password": CANARY})
    program.sign_in(user)
    for path in (
        f"/accounts/password/reset/key/{user.pk.hex}-{CANARY}/",
        f"/accounts/not-me/{CANARY}/",
        f"/accounts/oidc/{CANARY}/login/callback/?code={CANARY}&state={CANARY}",
        f"/{CANARY}",
        f"/api/v1/items/{CANARY}",
        f"/api/v1/me?access_token={CANARY}",
    ):
        browser.http.get(path)
    body = {"key": f"{user.pk.hex}-{CANARY}", "password": CANARY}
    program.call("post", "auth/password/reset", body)
    browser.http.post("/accounts/otp/", {"code": CANARY})
    browser.http.post("/accounts/step-up/", {"code": CANARY, "password": CANARY})
    browser.http.cookies["device"] = f"{CANARY}:{CANARY}"
    browser.http.post(LOGIN, {"login": "ada", "password": CANARY})
    for headers in (bearer, {"X-Session-Token": CANARY}, {"Cookie": f"sessionid={CANARY}"}):
        api.get("/api/v1/me", headers=headers)
    secrets = {
        "canary": CANARY,
        "password": PASSWORD,
        "session token": program.token,
        "session key": browser.http.session.session_key,
    }
    flush()

    logged = lines.everything()
    assert len(lines.of("request")) > 15
    assert SessionActivity.objects.exists()
    assert AuditEvent.objects.filter(action="tampered_state").exists()
    assert [name for name, secret in secrets.items() if secret in logged] == []
    rows = [*SessionActivity.objects.values(), *AuditEvent.objects.values()]
    assert [name for name, secret in secrets.items() if secret in str(rows)] == []
    assert user.email not in logged
    assert found({"canary": CANARY}, database_bytes()) == []


def test_asvs_16_2_4_a_command_writes_lines_too(lines):
    call_command("purge", "--dry-run", verbosity=0)

    logging.getLogger("truledgr").warning("after")
    assert lines.all()[-1]["message"] == "after"
