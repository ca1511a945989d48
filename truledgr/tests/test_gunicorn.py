"""A real server with production settings: each line that it writes is one JSON object."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from http import HTTPStatus
from pathlib import Path

import pytest
import requests
from django.conf import settings

from truledgr.tests.test_settings import PRODUCTION

SECRET = "canary-key-0123456789abcdef"
AGENT = 'Mozilla "quoted" \\ {"level": "CRITICAL"}'


class Server:
    """Gunicorn as the README starts it, on a port that is free and a database that is empty."""

    def __init__(self, directory, **environ):
        inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self.log = Path(directory, "stderr")
        self.errors = self.log.open("w")
        self.process = subprocess.Popen(
            [Path(sys.executable).with_name("gunicorn"), "truledgr.wsgi", "--bind", "127.0.0.1:0"],
            cwd=settings.BASE_DIR,
            env={
                **inherited,
                **PRODUCTION,
                "DATABASE_URL": f"sqlite:///{directory}/db.sqlite3",
                "SECURE_SSL_REDIRECT": "0",
                "METRICS_DIRECTORY": str(directory),
                **environ,
            },
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.process.kill()
        self.process.communicate()
        self.errors.close()

    @property
    def written(self):
        return self.log.read_text()

    @property
    def url(self):
        while not (found := re.search(r"Listening at: (http://[\d.:]+)", self.written)):
            assert self.process.poll() is None, self.written
            time.sleep(0.05)
        return found[1]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.communicate(timeout=20)[0]


def ask(url, path, **headers):
    headers = {"Host": "ledger.example", "User-Agent": AGENT, **headers}
    return requests.get(url + path, headers=headers, allow_redirects=False, timeout=20).status_code


@pytest.fixture
def server(tmp_path):
    with Server(tmp_path) as server:
        yield server


def test_asvs_16_2_4_each_line_of_the_server_parses_as_json(server):
    url = server.url
    asked = [
        ask(url, "/health/live"),
        ask(url, "/accounts/login/", **{"X-Request-ID": "quoted-to-support"}),
        ask(url, f"/accounts/password/reset/key/{'a' * 32}-{SECRET}/?token={SECRET}"),
        ask(url, f"/nowhere/{SECRET}?code={SECRET}"),
        ask(url, "/api/v1/me", Authorization=f"Bearer tl_pat_{SECRET}"),
        ask(url, "/", Host="elsewhere.example"),
        # The database has no tables: an error, with a traceback.
        ask(url, "/api/v1/me", Cookie=f"__Host-sessionid={SECRET}"),
    ]
    out = server.stop()

    lines = [json.loads(line) for line in server.written.splitlines()]
    assert out == ""
    assert asked == [
        HTTPStatus.OK, HTTPStatus.OK, asked[2], HTTPStatus.NOT_FOUND, HTTPStatus.UNAUTHORIZED,
        HTTPStatus.BAD_REQUEST, HTTPStatus.SERVICE_UNAVAILABLE,
    ]  # fmt: skip
    assert {"gunicorn.error", "request", "security", "django.request"} <= {
        line["logger"] for line in lines
    }
    answered = [line for line in lines if line["logger"] == "request"]
    assert [line["status"] for line in answered] == asked[1:]  # all but the health check
    assert (answered[0]["request_id"], answered[0]["user_agent"]) == ("quoted-to-support", AGENT)
    assert any("OperationalError" in line.get("exception", "") for line in lines)
    assert SECRET not in server.written
    # There is no shared cache, so one process counts the tries.
    assert server.written.count("Booting worker") == 1


def test_a_variable_that_is_wrong_stops_the_server_with_one_sentence(tmp_path):
    with Server(tmp_path, WEB_THREADS="many", LOG_FORMAT="xml") as server:
        server.process.communicate(timeout=20)

    assert "WEB_THREADS: is 'many'" in server.written
    assert "LOG_FORMAT: is 'xml'" in server.written
    assert "Traceback" not in server.written
    assert server.process.returncode != 0
