"""Whatever fails, and wherever: a generic answer that names the request, never a trace."""

import asyncio
import io
import json
from http import HTTPStatus

import pytest
from asgiref.testing import ApplicationCommunicator
from django.db import OperationalError
from django.test import RequestFactory

from truledgr.handlers import ASGI, WSGI

pytestmark = pytest.mark.django_db

CANARY = "canary-of-the-error"
PATHS = {"api": "/api/v1/me", "page": "/accounts/login/"}


def broken(*_args, **_kwargs):
    raise RuntimeError(CANARY)


def key_error(*_args, **_kwargs):
    raise KeyError(CANARY)


def away(*_args, **_kwargs):
    raise OperationalError(f"host={CANARY}")


def over_wsgi(path):
    answer = {}

    def start_response(status, headers, exc_info=None):
        answer.update(status=int(status.split()[0]), headers=dict(headers))

    environ = RequestFactory().get(path, headers={"X-Request-ID": "quoted-to-support"}).environ
    body = b"".join(WSGI()({**environ, "wsgi.errors": io.StringIO()}, start_response))
    return answer["status"], answer["headers"], body.decode()


def over_asgi(path):
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
        "scheme": "http", "server": ("testserver", 80), "client": ("127.0.0.1", 5),
        "headers": [(b"host", b"testserver"), (b"x-request-id", b"quoted-to-support")],
    }  # fmt: skip

    async def ask():
        server = ApplicationCommunicator(ASGI(), scope)
        await server.send_input({"type": "http.request", "body": b"", "more_body": False})
        start = await server.receive_output(timeout=10)
        body, more = b"", True
        while more:
            part = await server.receive_output(timeout=10)
            body, more = body + part["body"], part.get("more_body", False)
        await server.wait(timeout=10)
        headers = {name.decode().title(): value.decode() for name, value in start["headers"]}
        return start["status"], headers, body.decode()

    return asyncio.run(ask())


DOORS = {"wsgi": over_wsgi, "asgi": over_asgi}
FAULTS = {
    "view": [("django.views.generic.base.View.dispatch", broken),
             ("rest_framework.views.APIView.dispatch", broken)],
    "middleware": [("csp.middleware.CSPMiddleware.process_request", broken),
                   ("django.middleware.csrf.CsrfViewMiddleware.process_view", broken)],
    "template": [("rest_framework.views.APIView.dispatch", broken),
                 ("django.template.base.Template.render", broken)],
    "error_handler": [("rest_framework.views.APIView.dispatch", broken),
                      ("django.template.base.Template.render", broken),
                      ("truledgr.errors._failed", broken)],
    "error_handler_by_key": [("rest_framework.views.APIView.dispatch", key_error),
                             ("django.template.base.Template.render", key_error),
                             ("truledgr.errors._failed", key_error)],
    "outermost_middleware": [("truledgr.request_log.log", broken)],
    "error_log": [("rest_framework.views.APIView.dispatch", broken),
                  ("django.template.base.Template.render", broken),
                  ("truledgr.log_context.caller_of", broken)],
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", PATHS)
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.django_db(transaction=True)
def test_asvs_16_5_4_whatever_fails_the_answer_is_generic(
    lines,
    monkeypatch,
    settings,
    fault,
    kind,
    door,
):
    for target, failing in FAULTS[fault]:
        monkeypatch.setattr(target, failing)

    status, headers, body = DOORS[door](PATHS[kind])

    assert status == HTTPStatus.INTERNAL_SERVER_ERROR
    assert CANARY not in body
    assert "Traceback" not in body
    assert {name.title(): value for name, value in headers.items()}["X-Request-Id"] == (
        "quoted-to-support"
    )
    if kind == "api":
        problem = json.loads(body)
        assert (problem["code"], problem["status"]) == ("error", 500)
        assert problem["request_id"] == "quoted-to-support"
    failed = [line for line in lines.all() if CANARY in line.get("exception", "")]
    assert failed
    assert "quoted-to-support" in {line["request_id"] for line in failed} or fault == "error_log"


@pytest.mark.parametrize("kind", PATHS)
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.django_db(transaction=True)
def test_asvs_16_5_2_without_the_database_it_is_503(lines, monkeypatch, kind, door):
    monkeypatch.setattr("django.db.backends.utils.CursorWrapper.execute", away)
    monkeypatch.setattr("rest_framework.views.APIView.initial", away)
    monkeypatch.setattr("django.views.generic.base.View.dispatch", away)

    status, headers, body = DOORS[door](PATHS[kind])

    assert status == HTTPStatus.SERVICE_UNAVAILABLE
    assert int({name.title(): value for name, value in headers.items()}["Retry-After"]) >= 1
    assert CANARY not in body
    if kind == "api":
        assert json.loads(body)["code"] == "unavailable"
    else:
        assert "cannot reach its data" in body


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_asvs_16_5_1_an_error_shows_nothing_of_itself(client, monkeypatch, settings, path):
    client.raise_request_exception = False
    monkeypatch.setattr("rest_framework.views.APIView.initial", broken)
    monkeypatch.setattr("django.views.generic.base.View.dispatch", broken)

    answer = client.get(path)

    body = answer.content.decode()
    assert answer.status_code == HTTPStatus.INTERNAL_SERVER_ERROR
    for shown in (CANARY, "RuntimeError", "Traceback", ".py", str(settings.BASE_DIR)):
        assert shown not in body
    assert answer["X-Request-ID"] in body


def test_an_error_page_asks_nothing_of_the_request_that_failed(monkeypatch, client):
    """Its user may be what failed, and would fail again in the template."""
    client.raise_request_exception = False
    monkeypatch.setattr("authentication.middleware.get_user", away)
    client.cookies["sessionid"] = "x" * 32

    answer = client.get("/accounts/login/")

    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
