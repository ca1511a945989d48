"""`manage.py doctor` names what is broken, and what mends it."""

import json
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from authentication.models import TOTPDevice
from core.management.base import FindingsError
from items.models import Item
from truledgr import checkup
from truledgr.checkup import Finding, Status
from truledgr.first_aid import version_problem
from users.tests.factories import UserFactory

PROJECT = Path(__file__).resolve().parents[2]
NOWHERE = "127.0.0.1:9"  # the port "discard", where nothing listens


def doctor(*arguments, **options):
    """Its exit code, and what it printed."""
    out = StringIO()
    try:
        call_command("doctor", *arguments, stdout=out, **options)
    except FindingsError as error:
        return error.returncode, out.getvalue()
    return 0, out.getvalue()


def started(*python, **environ):
    """The doctor in a process of its own, as somebody types it who has no idea what is wrong."""
    inherited = {"PATH": os.environ["PATH"], "DATABASE_URL": "sqlite:////dev/null/none"}
    command = [sys.executable, *python, "manage.py", "doctor", "--quick", "--format", "json"]
    ended = subprocess.run(
        command, cwd=PROJECT, env=inherited | environ, capture_output=True, check=False, text=True
    )
    assert ended.returncode == 1, ended.stderr
    return {each["check"]: each for each in json.loads(ended.stdout)["findings"]}


# --- What Django does not start with ----------------------------------------------------------


def test_a_setting_that_is_refused():
    found = started(DEBUG="0", SECRET_KEY="short", DATABASE_POOL_SIZE="many")

    assert "50 random characters" in found["settings.SECRET_KEY"]["summary"]
    assert "is missing" in found["settings.ALLOWED_HOSTS"]["summary"]
    assert "docs/reference/settings.md" in found["settings.SECRET_KEY"]["remedy"]


def test_a_package_that_is_missing():
    found = started("-S")  # without what is installed

    assert "django" in found["packages.missing"]["summary"]
    assert "requirements.txt" in found["packages.missing"]["remedy"]


def test_a_python_that_is_too_old():
    problem = version_problem((3, 9, 18))

    assert problem.summary == "This is Python 3.9.18; 3.11 or newer is needed."
    assert version_problem((3, 11, 0)) is None


def test_a_database_that_is_away():
    found = started(DATABASE_URL=f"postgres://me@{NOWHERE}/none", DATABASE_POOL_TIMEOUT="1")

    assert found["database.unreachable"]["status"] == "failed"
    assert "Start the database server" in found["database.unreachable"]["remedy"]
    assert found["cache.own"]["status"] == "ok"


# --- What Django starts with --------------------------------------------------------------------


def a_migration_that_is_pending(_settings):
    MigrationRecorder(connection).record_unapplied("items", "0001_initial")


def a_cache_that_is_away(settings):
    backend = "django.core.cache.backends.redis.RedisCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": f"redis://{NOWHERE}/0"}}


def a_key_that_is_lost(settings):
    TOTPDevice.objects.create(user=UserFactory(), name="Phone", secret="A" * 32)
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]


def keys_of_development(settings):
    settings.DEBUG = False
    settings.SECRET_KEY = settings.DEVELOPMENT_SECRET_KEY


def no_mail_server(settings):
    settings.DEBUG = False
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"


def tasks_that_fail(settings):
    settings.TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
    DBTaskResult.objects.create(
        args_kwargs={"args": [], "kwargs": {}},
        status=TaskResultStatus.FAILED,
        task_path="core.tasks.any",
        backend_name="default",
    )


def cookies_without_tls(settings):
    settings.DEBUG = False
    settings.CSRF_COOKIE_SECURE = False


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("part", "break_it", "check", "remedy"),
    [
        ("migrations", a_migration_that_is_pending, "migrations.pending", "manage.py migrate"),
        ("cache", a_cache_that_is_away, "cache.unreachable", "CACHE_URL"),
        ("keys", a_key_that_is_lost, "keys.unreadable", "Put the old key back"),
        ("keys", keys_of_development, "keys.development-secret-key", "openssl rand"),
        ("mail", no_mail_server, "mail.not-sent", "EMAIL_URL="),
        ("tasks", tasks_that_fail, "tasks.failed", "names the error"),
        ("settings", cookies_without_tls, "settings.security.W016", "check --deploy"),
    ],
)
def test_what_is_broken_is_named_with_its_remedy(part, break_it, check, remedy, settings):
    settings.DEBUG = True
    assert doctor("--only", part)[0] == 0
    break_it(settings)

    code, output = doctor("--only", part)

    assert code == 1
    assert check in output
    assert remedy in output


@pytest.mark.django_db(transaction=True)
def test_an_index_that_was_taken_away_by_hand():
    (index,) = (each for each in Item._meta.indexes if each.name == "item_newest_idx")
    with connection.schema_editor() as editor:
        editor.remove_index(Item, index)
    try:
        code, output = doctor("--only", "drift")
    finally:
        with connection.schema_editor() as editor:
            editor.add_index(Item, index)

    assert code == 1
    assert "drift.index-missing" in output
    assert "CREATE INDEX" in output


# --- How it says so -----------------------------------------------------------------------------


@pytest.fixture
def two_parts(monkeypatch):
    """One that is well, and one that is not."""
    bad = Finding("cache.bad", Status.WARNING, "It is bad.", "Mend it.")
    monkeypatch.setattr(
        checkup,
        "CHECKS",
        {
            "python": lambda: [Finding("python.good", Status.OK, "It is good.")],
            "cache": lambda: [bad],
        },
    )


def test_people_read_lines(two_parts):
    code, output = doctor()

    assert code == 1
    assert output.splitlines() == [
        "ok       It is good.",
        "warning  It is bad.",
        "         cache.bad",
        "         → Mend it.",
    ]


def test_only_what_is_not_well_is_said_when_little_is_asked_for(two_parts):
    assert "good" not in doctor(verbosity=0)[1]
    assert doctor("--only", "python", verbosity=0) == (0, "")


def test_programs_read_one_document(two_parts):
    code, output = doctor("--format", "json")

    assert code == 1
    assert json.loads(output) == {
        "status": "warning",
        "findings": [
            {"check": "python.good", "status": "ok", "summary": "It is good.", "remedy": ""},
            {"check": "cache.bad", "status": "warning", "summary": "It is bad.",
             "remedy": "Mend it."},
        ],
    }  # fmt: skip


def test_what_it_found_slowly_is_kept_for_the_start_page(two_parts):
    doctor("--quick")
    assert checkup.noted() is None

    doctor()
    assert checkup.noted() is not None
