"""gunicorn and uvicorn, each run as in production: one person's way, a reload, and the end."""

import json
import re
import signal
import socket
import time
from pathlib import Path

import pytest
import requests
from django.db import connection
from django_otp.oath import TOTP

from authentication import secrets
from authentication.models import TOTP_SECONDS, TOTPDevice
from authentication.tests.people import PASSWORD, make_user
from core.models import AuditEvent
from truledgr.tests.serving import Load, serving
from users.hashers import Argon2idHasher
from users.models import SessionActivity, User, UserSession
from users.sessions import hash_key

pytestmark = pytest.mark.django_db(transaction=True)

TOKEN = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
FLOWS = "/api/auth/app/v1/auth"
POOL = 4  # DATABASE_POOL_SIZE of truledgr.tests.serving
SECONDS = 30
STOPPING = {"gunicorn": "Handling signal: term", "uvicorn": "Shutting down"}


@pytest.fixture
def ada():
    """Of the staff, with an authenticator app, and a password that production can check."""
    user = make_user(username="ada", is_staff=True, is_superuser=True)
    hasher = Argon2idHasher()
    User.objects.filter(pk=user.pk).update(password=hasher.encode(PASSWORD, hasher.salt()))
    TOTPDevice.objects.create(user=user, name="app", confirmed=True)
    return user


class Caller:
    """What a program does with a server that runs."""

    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"
        self.token = ""

    def ask(self, path, method="GET", **options):
        headers = {"X-Session-Token": self.token} | options.pop("headers", {})
        return requests.request(
            method, self.url + path, headers=headers, timeout=SECONDS, **options
        )

    def sign_in(self, user):
        first = self.ask(
            f"{FLOWS}/login", "POST", json={"username": user.username, "password": PASSWORD},
            headers={"X-Forwarded-For": "203.0.113.9"},
        )  # fmt: skip
        assert first.status_code == 401, first.text
        self.token = first.json()["meta"]["session_token"]
        totp = TOTP(secrets.totp_key(TOTPDevice.objects.get(user=user).secret), TOTP_SECONDS)
        totp.time = time.time()
        second = self.ask(f"{FLOWS}/otp", "POST", json={"code": f"{totp.token():06d}"})
        assert second.status_code == 200, second.text
        self.token = second.json()["meta"]["session_token"]

    def metrics(self):
        answer = self.ask("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        assert answer.status_code == 200
        return dict(re.findall(r"^(\S+) (\S+)$", answer.text, re.MULTILINE))


@pytest.mark.parametrize("kind", ["gunicorn", "uvicorn"])
def test_it_serves_all_faces_and_ends_when_everything_is_answered(kind, ada, tmp_path):
    environ = {"METRICS_TOKEN": TOKEN, "LOG_FORMAT": "json", "LOG_LEVEL": "INFO"}
    with serving(tmp_path, kind, **environ) as server:
        server.wait_until_ready()
        caller = Caller(server.port)

        assert_that_it_serves(caller, ada)
        if kind == "gunicorn":
            assert_that_a_reload_keeps_what_was_counted(server, caller)
        load = Load(server.port, caller.token, kind)
        answered = stop_with_a_request_in_hand(server, caller, load)

    assert b" 200 " in answered.splitlines()[0]
    # uvicorn ends by the signal itself, once it has done everything else.
    assert server.process.returncode == (0 if kind == "gunicorn" else -signal.SIGTERM)
    assert_that_nothing_is_lost(load, caller)
    assert_that_each_line_is_json(server, kind)
    assert not list(tmp_path.glob("truledgr-metrics-*"))


def assert_that_it_serves(caller, ada):
    caller.sign_in(ada)
    me = caller.ask("/api/v1/me", headers={"X-Request-ID": "quoted-to-support"})
    items = caller.ask("/api/v1/items")
    admin = requests.get(
        f"{caller.url}/admin/", cookies={"sessionid": caller.token}, timeout=SECONDS
    )
    style = caller.ask("/static/truledgr/pages.css")
    export = caller.ask("/api/v1/items/export.csv")

    assert (me.status_code, me.json()["username"]) == (200, "ada")
    assert me.headers["X-Request-ID"] == "quoted-to-support"
    assert (items.status_code, items.json()["results"]) == (200, [])
    assert (admin.status_code, "ada" in admin.text) == (200, True)
    assert (style.status_code, style.headers["Content-Type"]) == (200, 'text/css; charset="utf-8"')
    assert len(style.content) == Path("truledgr/static/truledgr/pages.css").stat().st_size
    assert (export.status_code, export.text.splitlines()[0][:3]) == (200, "id,")
    # Nobody has said that there is a proxy.
    assert AuditEvent.objects.get(action="sign_in").client_ip == "127.0.0.1"

    told = caller.metrics()
    assert told['truledgr_http_requests_total{method="GET",route="me",status="2xx"}'] == "1.0"
    assert told['truledgr_sign_ins_total{method="password",outcome="succeeded"}'] == "1.0"
    assert told["truledgr_sessions_active"] == "1.0"


def assert_that_a_reload_keeps_what_was_counted(server, caller):
    [old] = children_of(server)
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: len(children_of(server)) == 1 and children_of(server) != [old])

    assert caller.ask("/api/v1/me").status_code == 200
    told = caller.metrics()
    assert told['truledgr_http_requests_total{method="GET",route="me",status="2xx"}'] == "2.0"
    if connection.vendor == "postgresql":
        # The pool of the process that ended is not counted any more.
        most = told['truledgr_database_pool_connections_max{database="default"}']
        assert float(most) == POOL


def stop_with_a_request_in_hand(server, caller, load):
    """Under load, send SIGTERM while a body is awaited, then the body; answer what came back."""
    body = b'{"first_name": "in hand"}'
    with (
        load.under_way(threads=2),
        socket.create_connection(("127.0.0.1", server.port), SECONDS) as slow,
    ):
        wait_until(lambda: len(load.answered) > 10)
        slow.sendall(
            b"PATCH /api/v1/me HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"X-Request-ID: request-in-hand\r\nExpect: 100-continue\r\n"
            + f"Content-Length: {len(body)}\r\n".encode()
            + f"X-Session-Token: {caller.token}\r\n\r\n".encode()
        )
        assert b"100 Continue" in slow.recv(1024)
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: STOPPING[server.kind] in server.log.read_text())
        slow.sendall(body)
        answered = slow.recv(65_536)
    server.process.wait(SECONDS)
    return answered


def assert_that_nothing_is_lost(load, caller):
    rows = SessionActivity.objects.filter(request_id__startswith=f"{load.name}-")
    assert load.refused == []
    assert load.answered.keys() <= set(rows.values_list("request_id", flat=True))
    assert SessionActivity.objects.filter(request_id="request-in-hand", status=200).exists()
    counted = UserSession.objects.get(key_hash=hash_key(caller.token)).request_count
    assert counted >= rows.count() > 10


def assert_that_each_line_is_json(server, kind):
    lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    assert {"request", f"{kind}.error"} <= {line["logger"] for line in lines}
    assert [line for line in lines if line["level"] not in {"INFO", "DEBUG"}] == []
    assert TOKEN not in server.log.read_text()


def children_of(server):
    pid = server.process.pid
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def wait_until(is_so):
    deadline = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)
