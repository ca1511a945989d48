"""deploy/: the image, the services and the proxy fit the settings, and leave out what is unsafe."""

import os
import re
import runpy
import subprocess
import sys
import threading
from configparser import RawConfigParser
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import yaml
from django.apps import apps
from django.conf import settings
from django.core.management import get_commands

from truledgr import settings as project
from truledgr.reference.settings import variables_read
from truledgr.tests.serving import COMMANDS, free_port

DEPLOY = settings.BASE_DIR / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
PAGES = sorted((settings.BASE_DIR / "docs/operations").glob("*.md"))
REQUIRED = {"DEBUG", "SECRET_KEY", "ALLOWED_HOSTS", "FIELD_ENCRYPTION_KEYS"}
# What several processes and real mails need besides.
EXPECTED = REQUIRED | {"DATABASE_URL", "CACHE_URL", "EMAIL_URL", "METRICS_TOKEN"}
# Of other programs, and of the pages themselves.
FOREIGN = {
    "POSTGRES_PASSWORD", "POSTGRES_USER", "POSTGRES_DB", "TRULEDGR_IMAGE",
    "BACKUP", "BACKUPS", "DATABASE", "RESTORED", "RESTORED_URL",
}  # fmt: skip
HARDENED = {
    "NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes", "PrivateTmp": "yes",
    "PrivateDevices": "yes", "CapabilityBoundingSet": "", "RestrictNamespaces": "yes",
    "MemoryDenyWriteExecute": "yes", "SystemCallArchitectures": "native", "UMask": "0077",
}  # fmt: skip


def names_in(path):
    """The variables that a file gives a value to."""
    return set(re.findall(r"^(?:export )?([A-Z][A-Z_]+)=", path.read_text(), re.MULTILINE))


def compose():
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def test_every_variable_that_is_named_is_one_of_the_settings():
    named = {
        "compose.yaml": set(compose()["x-app"]["environment"]),
        **{
            str(path.relative_to(settings.BASE_DIR)): names_in(path)
            for path in (*DEPLOY.glob("*.example"), *DEPLOY.glob("systemd/*.example"), *PAGES)
        },
    }

    assert len(named) > 5
    known = variables_read().keys() | FOREIGN
    assert {name: sorted(found - known) for name, found in named.items() if found - known} == {}


def test_what_production_needs_is_given():
    assert set(compose()["x-app"]["environment"]) >= EXPECTED
    assert names_in(DEPLOY / "systemd/environment.example") >= EXPECTED


# --- Containers -----------------------------------------------------------------------------


def test_no_secret_of_the_containers_has_a_default():
    text = (DEPLOY / "compose.yaml").read_text()
    asked = dict(re.findall(r"\$\{([A-Z_]+)(:[?-][^}]*)\}", text))
    examples = (DEPLOY / "compose.env.example").read_text()
    needed = {name for name, how in asked.items() if how.startswith(":?")}

    assert needed >= {"SECRET_KEY", "FIELD_ENCRYPTION_KEYS", "POSTGRES_PASSWORD", "METRICS_TOKEN"}
    assert all(len(asked[name]) > len(":?") for name in needed), "each says what to set"
    assert names_in(DEPLOY / "compose.env.example") == needed
    assert re.findall(r"^[A-Z_]+=(.+)$", examples, re.MULTILINE) == []


def test_the_containers_wait_for_migrations_and_are_closed_to_others():
    services = compose()["services"]

    assert services.keys() == {"database", "cache", "migrate", "web", "worker", "scheduler"}
    for name in ("web", "worker", "scheduler"):
        waits = services[name]["depends_on"]["migrate"]
        assert waits == {"condition": "service_completed_successfully"}, name
    for name, service in services.items():
        assert "privileged" not in service
        is_own = "TRULEDGR_IMAGE" in service["image"]
        assert is_own or re.search(r":\d+\.\d+", service["image"]), name
        ports = service.get("ports", [])
        assert all(port.startswith("127.0.0.1:") for port in ports), name
        if is_own:
            assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"]), name


def test_what_the_containers_run_is_there():
    commands = [
        service["command"] for service in compose()["services"].values() if "command" in service
    ]
    own = [command[2] for command in commands if command[:2] == ["python", "manage.py"]]

    assert sorted(own) == ["db_worker", "migrate", "run_schedule"]
    assert set(own) <= get_commands().keys()


def test_the_image_is_pinned_small_and_not_of_root():
    lines = (DEPLOY / "Dockerfile").read_text().splitlines()

    assert re.search(r"python:3\.\d+\.\d+-slim", "\n".join(lines))
    assert [line for line in lines if line.startswith("USER ")] == ["USER 10001:10001"]
    assert any("--require-hashes" in line for line in lines)
    assert any(line.startswith("HEALTHCHECK ") for line in lines)
    for line in lines:
        words = line.split()
        if words and words[0] in {"CMD", "ENTRYPOINT"}:
            assert words[1].startswith("["), line
        assert not re.match(r"ENV .*(KEY|PASSWORD|TOKEN)", line)


def test_what_goes_into_the_image_is_listed_and_every_app_is():
    lines = (settings.BASE_DIR / ".dockerignore").read_text().splitlines()
    listed = {line.removeprefix("!") for line in lines if line.startswith("!")}
    own = {
        config.name
        for config in apps.get_app_configs()
        if (settings.BASE_DIR / config.name).is_dir()
    }

    assert "*" in lines
    assert (
        own | {"manage.py", "gunicorn.conf.py", "requirements.txt", "deploy/healthcheck.py"}
        <= listed
    )
    assert all((settings.BASE_DIR / name).exists() for name in listed)


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1), (None, 1)])
def test_the_health_check_of_the_image_fails_unless_the_server_is_ready(status, code):
    asked = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, self.headers["Host"]))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_line):
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer) if status else None
    port = server.server_port if server else free_port()
    if server:
        threading.Thread(target=server.handle_request).start()
    environ = {**os.environ, "PORT": str(port), "ALLOWED_HOSTS": "ledger.example,other.example"}

    done = subprocess.run([sys.executable, DEPLOY / "healthcheck.py"], env=environ, check=False)

    if server:
        server.server_close()
    assert done.returncode == code
    assert asked == ([("/health/ready", "ledger.example")] if status else [])


# --- Services -------------------------------------------------------------------------------


def unit(path):
    parser = RawConfigParser(strict=False)
    parser.optionxform = str
    parser.read(path)
    return parser


def test_there_is_a_service_for_each_process():
    assert [path.stem for path in UNITS] == [
        "truledgr-migrate", "truledgr-scheduler", "truledgr-web", "truledgr-worker",
    ]  # fmt: skip


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_a_service_runs_what_there_is_and_may_do_little_else(path):
    service = unit(path)["Service"]
    program, *arguments = service["ExecStart"].split()

    assert program.startswith("/opt/truledgr/.venv/bin/")
    if arguments[0] == "manage.py":
        assert arguments[1] in get_commands()
    else:
        assert (program.rsplit("/")[-1], arguments[0]) == ("gunicorn", "truledgr.wsgi")
    assert (service["User"], service["Group"]) == ("truledgr", "truledgr")
    assert service["EnvironmentFile"] == "/etc/truledgr/environment"
    assert {name: service.get(name) for name in HARDENED} == HARDENED


def test_the_services_start_after_the_migrations():
    for path in UNITS:
        order = unit(path)["Unit"]
        if path.stem != "truledgr-migrate":
            assert order["Requires"] == "truledgr-migrate.service"
            assert "truledgr-migrate.service" in order["After"].split()


def test_the_web_server_has_time_to_end():
    service = unit(DEPLOY / "systemd/truledgr-web.service")["Service"]
    server = runpy.run_path(str(settings.BASE_DIR / "gunicorn.conf.py"))

    assert int(service["TimeoutStopSec"]) > server["graceful_timeout"]
    assert service["ExecReload"] == "/bin/kill -s HUP $MAINPID"
    runtime = f"METRICS_DIRECTORY=/run/{service['RuntimeDirectory']}"
    assert runtime in (DEPLOY / "systemd/environment.example").read_text().splitlines()


def test_the_proxy_says_who_asks_and_how():
    text = (DEPLOY / "nginx/truledgr.conf").read_text()
    headers = dict(re.findall(r"^\s*proxy_set_header (\S+) (.+);$", text, re.MULTILINE))

    assert headers == {
        "Connection": '""',
        "Host": "$host",
        "X-Forwarded-Proto": "$scheme",
        "X-Forwarded-For": "$proxy_add_x_forwarded_for",
    }
    assert text.count("{") == text.count("}")
    most = int(re.search(r"client_max_body_size (\d+)m;", text)[1]) * 1024**2
    assert most > project.ITEM_IMPORT_MAX_BYTES


def test_the_page_starts_uvicorn_as_the_tests_do():
    page = (settings.BASE_DIR / "docs/operations/deploy.md").read_text()

    assert " ".join(COMMANDS["uvicorn"]) in " ".join(page.replace("\\\n", " ").split())
