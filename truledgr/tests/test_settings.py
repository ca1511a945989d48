"""The settings as a process meets them: each test starts one with an environment of its own."""

import os
import subprocess
import sys

import pytest
from cryptography.fernet import Fernet
from django.conf import settings
from django.db import connection

PRODUCTION = {
    "DEBUG": "0",
    "SECRET_KEY": "k9#" * 20 + "abcdefgh",
    "ALLOWED_HOSTS": "ledger.example",
    "FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
}


def manage(*arguments, **environ):
    inherited = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=settings.BASE_DIR,
        env=inherited | environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_with_no_environment_it_is_a_development_set_up():
    assert manage("check").returncode == 0


def test_production_without_secrets_stops_and_lists_all_that_is_missing():
    result = manage("check", DEBUG="0")

    assert result.returncode != 0
    for name in ("SECRET_KEY", "ALLOWED_HOSTS", "FIELD_ENCRYPTION_KEYS"):
        assert f"{name}: is missing." in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("missing", ["SECRET_KEY", "ALLOWED_HOSTS", "FIELD_ENCRYPTION_KEYS"])
def test_each_of_them_is_needed(missing):
    environ = {name: value for name, value in PRODUCTION.items() if name != missing}

    assert f"{missing}: is missing." in manage("check", **environ).stderr


def test_a_weak_secret_key_is_refused():
    result = manage("check", **PRODUCTION | {"SECRET_KEY": "a" * 60})

    assert "SECRET_KEY: is too weak" in result.stderr


def test_the_deployment_check_is_silent_in_production():
    result = manage("check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)

    assert result.returncode == 0, result.stderr
    assert "no issues" in result.stdout
    assert result.stderr == ""


def test_an_unreadable_database_url_is_one_clear_sentence():
    result = manage("check", DATABASE_URL="oracle://x/y")

    assert "DATABASE_URL: has the scheme 'oracle'" in result.stderr
    assert "Traceback" not in result.stderr


def test_sqlite_runs_with_write_ahead_log_and_immediate_transactions(db):
    if connection.vendor != "sqlite":
        assert "pool" in connection.settings_dict["OPTIONS"]
        return
    with connection.cursor() as cursor:
        pragmas = {}
        for name in ("journal_mode", "foreign_keys", "recursive_triggers", "busy_timeout"):
            cursor.execute(f"PRAGMA {name}")
            pragmas[name] = cursor.fetchone()[0]
    assert pragmas == {
        "journal_mode": "wal",
        "foreign_keys": 1,
        "recursive_triggers": 1,
        "busy_timeout": 20_000,
    }
