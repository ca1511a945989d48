"""Runs a server on the database of the test and puts load on it, so that it can be killed."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import quote

from django.db import connection

from truledgr.tests.postgres import PROJECT

ME = "/api/v1/me"
SECONDS_TO_START = 60
COMMANDS = {
    "gunicorn": ["gunicorn", "truledgr.wsgi", "--workers", "1", "--threads", "4"],
    # As docs/operations/deploy.md says.
    "uvicorn": [
        "uvicorn", "truledgr.asgi:application", "--no-access-log", "--no-proxy-headers",
        "--no-server-header", "--lifespan", "on", "--timeout-graceful-shutdown", "30",
    ],
}  # fmt: skip
# The server serves other things than limits here.
ENVIRON = {
    "DJANGO_SETTINGS_MODULE": "truledgr.settings",
    "DEBUG": "1",
    "THROTTLE_USER": "1000000/min",
    "LOG_LEVEL": "ERROR",
    "DATABASE_POOL_SIZE": "4",
}


def database_url():
    """The URL of the database that the tests use, whatever its name is."""
    config = connection.settings_dict
    if connection.vendor != "postgresql":
        return f"sqlite:///{config['NAME']}"
    user, password = quote(config["USER"], safe=""), quote(config["PASSWORD"] or "", safe="")
    host, port = config["HOST"] or "", config["PORT"] or 5432
    if host.startswith("/"):
        return f"postgres://{user}:{password}@:{port}/{config['NAME']}?host={quote(host)}"
    return f"postgres://{user}:{password}@{host or 'localhost'}:{port}/{config['NAME']}"


@dataclass
class Server:
    """One process that serves, in a process group of its own."""

    kind: str
    process: subprocess.Popen
    log: Path
    port: int

    def wait_until_ready(self):
        deadline = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()
            with suppress(OSError, HTTPException), connected(self.port) as http:
                if get(http) == 200:
                    return
            time.sleep(0.05)
        raise AssertionError(self.log.read_text())

    def end(self, number):
        """Send the signal: SIGKILL to worker and arbiter at once, others to the arbiter."""
        if number == signal.SIGKILL:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)
        self.process.wait(timeout=30)


@contextmanager
def serving(directory, kind="gunicorn", **environ):
    port = free_port()
    log = directory / f"{kind}-{port}.log"
    command = [sys.executable, "-m", *COMMANDS[kind]]
    command += ["--port", str(port)] if kind == "uvicorn" else ["--bind", f"127.0.0.1:{port}"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=PROJECT,
            env={
                **os.environ,
                **ENVIRON,
                "DATABASE_URL": database_url(),
                "METRICS_DIRECTORY": str(directory),
                **environ,
            },
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield Server(kind, process, log, port)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def connected(port):
    return closing(HTTPConnection("127.0.0.1", port, timeout=20))


def get(http, path="/health/live", method="GET", body=None, **headers):
    http.request(method, path, body, {name.replace("_", "-"): v for name, v in headers.items()})
    response = http.getresponse()
    response.read()
    return response.status


@dataclass
class Load:
    """Threads that ask as long as they are answered, and remember what was answered when.

    Each tenth request changes the profile, which the audit trail records.
    """

    port: int
    token: str
    name: str
    answered: dict[str, float] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    refused: list[int] = field(default_factory=list)
    is_over: bool = False

    def run(self, number):
        with connected(self.port) as http:
            self.ask(http, number)

    def ask(self, http, number):
        count = 0
        while not self.is_over:
            count += 1
            request_id = f"{self.name}-{number}-{count:06d}"
            headers = {"X_Session_Token": self.token, "X_Request_ID": request_id}
            changes = count % 10 == 0
            try:
                if changes:
                    headers["Content_Type"] = "application/json"
                    body = f'{{"first_name": "{request_id}"}}'
                    status = get(http, ME, "PATCH", body, **headers)
                else:
                    status = get(http, ME, **headers)
            except (OSError, HTTPException):
                return
            if status != 200:
                self.refused.append(status)
                return
            self.answered[request_id] = time.monotonic()
            if changes:
                self.changed.add(request_id)

    @contextmanager
    def under_way(self, *, threads):
        running = [threading.Thread(target=self.run, args=[n]) for n in range(threads)]
        for thread in running:
            thread.start()
        try:
            yield
        finally:
            self.is_over = True
            for thread in running:
                thread.join()
