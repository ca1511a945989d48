"""What stands in cookies, logs and the database: no secret in clear."""

import json
import logging
import os
import subprocess
import sys
from http import HTTPStatus

import pytest
from cryptography.fernet import Fernet
from django.apps import apps
from django.db import connection
from django.test import Client

from authentication.models import TOTPDevice
from authentication.tests.account_clients import LOGIN, Headless
from authentication.tests.codes import code_of
from authentication.tests.people import PASSWORD, make_user

APP_ID = "2f7b1c9e-58aa-4c0e-9d35-0f6f2f0f8f11"
CANARY = "canary-4f1d-wrong-password"
COOKIES = (
    "SESSION_COOKIE_NAME", "SESSION_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY",
    "SESSION_COOKIE_SAMESITE", "SESSION_COOKIE_PATH", "SESSION_COOKIE_DOMAIN",
    "CSRF_COOKIE_NAME", "CSRF_COOKIE_SECURE", "CSRF_COOKIE_HTTPONLY", "CSRF_COOKIE_SAMESITE",
    "CSRF_COOKIE_DOMAIN", "DEVICE_COOKIE_NAME", "DEVICE_TRUST_COOKIE_NAME",
)  # fmt: skip


@pytest.fixture(scope="module")
def production():
    """The cookie settings of a production installation, as Django loads them."""
    script = (
        "import json; from django.conf import settings; "
        f"print(json.dumps({{name: getattr(settings, name) for name in {COOKIES!r}}}))"
    )
    environ = {
        **{key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "LANG")},
        "DJANGO_SETTINGS_MODULE": "truledgr.settings",
        "DEBUG": "0",
        "ALLOWED_HOSTS": "localhost",
        "SECRET_KEY": "x9-" + "".join(map(chr, range(48, 110))),
        "FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
    }
    done = subprocess.run(
        [sys.executable, "-c", script], env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_nist_5_1_1_every_cookie_of_a_sign_in_is_narrow(db, settings, production):
    for name, value in production.items():
        setattr(settings, name, value)
    user = make_user(username="ada")
    client = Client()
    client.get(LOGIN, secure=True)

    answer = client.post(LOGIN, {"login": "ada", "password": PASSWORD}, secure=True)

    assert {"__Host-sessionid", "__Host-device"} <= set(answer.cookies)
    for name, cookie in client.cookies.items():
        assert name.startswith("__Host-"), name
        assert (cookie["secure"], cookie["path"], cookie["domain"]) == (True, "/", "")
        assert cookie["samesite"] == "Lax"
        # The form token opens nothing by itself, and scripts of the page send it back.
        assert bool(cookie["httponly"]) is (name != "__Host-csrftoken")
        for clear in ("ada", user.email, str(user.pk)):
            assert clear not in cookie.value


def whole_database():
    """Every value of every table, as text."""
    values = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            values.extend(str(row) for row in cursor.fetchall())
    return "\n".join(values)


def test_nist_3_1_4_2_a_dump_of_the_database_opens_nothing(db):
    user = make_user(username="ada")
    app = TOTPDevice.objects.create(user=user, name="Phone")
    browser, program = Client(), Headless("app")
    browser.post(LOGIN, {"login": "ada", "password": PASSWORD})
    browser.post("/accounts/otp/", {"code": code_of(app)})
    program.call(
        "post", "auth/login", {"username": "ada", "password": PASSWORD}, **{"X-Device-ID": APP_ID}
    )

    dump = whole_database()

    assert browser.get("/api/v1/me").status_code == HTTPStatus.OK
    assert str(user.pk.hex) in dump.replace("-", "")  # the dump is one
    device = browser.cookies["device"].value
    for secret in (
        PASSWORD,
        app.secret,
        browser.session.session_key,
        program.token,
        device,
        device.partition(":")[0],
        APP_ID,
    ):
        assert secret not in dump


def test_asvs_16_2_5_no_secret_is_logged(db, caplog, api):
    user = make_user(username="ada")
    caplog.set_level(logging.DEBUG)
    client, program = Client(), Headless("app")
    device = {"X-Device-ID": APP_ID}

    client.post(LOGIN, {"login": "ada", "password": CANARY})
    client.post(LOGIN, {"login": CANARY, "password": CANARY})
    program.call("post", "auth/login", {"username": "ada", "password": CANARY}, **device)
    program.call("post", "auth/login", {"username": "ada", "password": PASSWORD}, **device)
    for _ in range(62):
        api.get("/api/v1/me", headers={"Authorization": f"Bearer {CANARY}"})
        api.get("/api/v1/me", headers={"X-Session-Token": CANARY})

    # The statements of the test database are not what production logs.
    logged = "\n".join(
        record.getMessage() for record in caplog.records if record.name != "django.db.backends"
    )
    assert "bad tokens" in logged
    for secret in (CANARY, PASSWORD, program.token, APP_ID, user.email):
        assert secret not in logged


def test_nist_3_1_1_2_passwords_are_argon2id_in_every_installation():
    script = "from django.conf import settings; print(settings.PASSWORD_HASHERS)"
    environ = {**os.environ, "DJANGO_SETTINGS_MODULE": "truledgr.settings"}
    environ["DATABASE_URL"] = "sqlite:///:memory:"

    done = subprocess.run(
        [sys.executable, "-c", script], env=environ, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "['users.hashers.Argon2idHasher']"
    assert apps.is_installed("users")
