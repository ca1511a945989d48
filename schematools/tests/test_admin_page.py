import json
import re

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from schematools.admin import read_document
from schematools.html_page import SCRIPTS, STYLE
from schematools.models import DatabaseSchema, MigrationStatus
from schematools.tests.running import run_django

PERMISSION = "schematools.view_databaseschema"
STATUS_URL = "/admin/schematools/migrationstatus/"
STATUS_PERMISSION = "schematools.view_migrationstatus"
URL = "/admin/schematools/databaseschema/"
PLAIN_SETTINGS = """
SECRET_KEY = "for tests alone"
CORE = ["admin", "auth", "contenttypes", "messages", "sessions", "staticfiles"]
INSTALLED_APPS = [*(f"django.contrib.{name}" for name in CORE), "schematools"]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [{
    "BACKEND": "django.template.backends.django.DjangoTemplates",
    "APP_DIRS": True,
    "OPTIONS": {"context_processors": [
        "django.template.context_processors.request",
        "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages",
    ]},
}]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
ALLOWED_HOSTS = ["testserver"]
ROOT_URLCONF = "plain_urls"
STATIC_URL = "static/"
SCHEMATOOLS = {"MODULES": {"people": ["auth"]}}
"""
PLAIN_URLS = """
from django.contrib import admin
from django.urls import path
urlpatterns = [path("admin/", admin.site.urls)]
"""
PLAIN_VISIT = """
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
call_command("migrate", verbosity=0)
client = Client()
client.force_login(User.objects.create_superuser("root"))
print(client.get("/admin/schematools/databaseschema/").content.decode())
"""

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_remembered():
    read_document.cache_clear()
    yield
    read_document.cache_clear()


@pytest.fixture
def sign_in(client, monkeypatch):
    """Sign in a member of staff who holds these permissions and no others."""
    model = get_user_model()

    def sign_in(*permissions, **fields):
        user = model.objects.create(
            **{model.USERNAME_FIELD: "anna", model.EMAIL_FIELD: "anna@example.org"}
            | {"is_staff": True}
            | fields
        )
        if not fields.get("is_superuser"):
            monkeypatch.setattr(
                model, "has_perm", lambda _user, name, _obj=None: name in permissions
            )
            monkeypatch.setattr(model, "has_module_perms", lambda _user, _label: bool(permissions))
        client.force_login(user)
        return client

    return sign_in


def data_in(response, name):
    body = response.content.decode()
    return json.loads(
        re.search(rf'<script id="{name}" type="application/json">(.*?)</script>', body)[1]
    )


def test_strangers_are_sent_to_sign_in(client):
    response = client.get(URL)

    assert response.status_code == 302
    assert "login" in response["Location"]


def test_staff_without_the_permission_see_neither_the_page_nor_its_name(sign_in):
    client = sign_in("users.view_user")

    assert client.get(URL).status_code == 403
    assert "Database schema" not in client.get("/admin/").content.decode()


def test_people_who_are_not_staff_do_not_see_it_whatever_they_hold(sign_in):
    assert sign_in(PERMISSION, is_staff=False).get(URL).status_code in (302, 403)


def test_staff_with_the_permission_find_it_and_see_it(sign_in):
    client = sign_in(PERMISSION)

    index = client.get("/admin/").content.decode()
    response = client.get(URL)

    assert f'href="{URL}"' in index
    assert f'href="{URL}add/"' not in index
    assert response.status_code == 200
    assert "<h1>Database schema</h1>" in response.content.decode()


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_there_is_nothing_to_change_for_superusers_either(sign_in, method):
    client = sign_in(is_superuser=True)

    assert client.get(URL).status_code == 200
    assert client.head(URL).status_code == 200
    assert getattr(client, method)(URL).status_code == 405
    assert client.get(f"{URL}add/").status_code == 404


def test_the_page_needs_no_exception_from_a_strict_policy(sign_in):
    body = sign_in(is_superuser=True).get(URL).content.decode()
    scripts = re.findall(r"<script(?![^>]* src=)[^>]*>", body)

    assert all('type="application/json"' in script for script in scripts)
    assert "<style" not in body
    assert " style=" not in body
    assert not re.search(r" on\w+=", body)
    for name in (*SCRIPTS, STYLE):
        assert finders.find(name)
        assert f"{name}" in body


def test_the_page_holds_the_schema_and_what_is_in_the_tables_now(sign_in):
    client = sign_in(is_superuser=True)
    table = get_user_model()._meta.db_table

    response = client.get(URL)

    assert table in {one["name"] for one in data_in(response, "schematools-data")["tables"]}
    assert set(data_in(response, "schematools-live")[table]) == {"rows", "precision", "bytes"}


def test_the_page_costs_the_same_queries_every_time(sign_in):
    client = sign_in(is_superuser=True)

    # session, user; SQLite: tables, counts, pages; PostgreSQL: limits, statistics, counts between
    # a savepoint and its rollback
    with CaptureQueriesContext(connection) as first:
        client.get(URL)
    with CaptureQueriesContext(connection) as second:
        client.get(URL)

    assert len(first) == len(second) <= 8


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"TITEL": "x"}, "unknown key &#x27;TITEL&#x27;"),
        ({"MODULES": {"x": ["no_such_app"]}}, "no_such_app"),
    ],
)
def test_a_wrong_configuration_is_told_on_the_page(sign_in, settings, setting, message):
    settings.SCHEMATOOLS = setting

    response = sign_in(is_superuser=True).get(URL)

    assert response.status_code == 200
    assert message in response.content.decode()
    assert 'id="schematools-data"' not in response.content.decode()


def test_the_models_of_pages_are_permissions_and_nothing_else():
    held = Permission.objects.filter(content_type__app_label="schematools")

    assert sorted(held.values_list("codename", flat=True)) == [
        "view_databaseschema",
        "view_migrationstatus",
    ]
    for model in (DatabaseSchema, MigrationStatus):
        assert model._meta.db_table not in connection.introspection.table_names()
    assert reverse("admin:schematools_databaseschema_changelist") == URL


def test_a_dump_passes_the_model_by(capsys, django_assert_num_queries):
    for everything in (True, False):
        with django_assert_num_queries(0):
            call_command("dumpdata", "schematools", use_base_manager=everything)

    assert capsys.readouterr().out.split("[]") == ["", "", ""]


def test_any_project_with_the_admin_has_the_page(tmp_path):
    (tmp_path / "plain_settings.py").write_text(PLAIN_SETTINGS, encoding="utf-8")
    (tmp_path / "plain_urls.py").write_text(PLAIN_URLS, encoding="utf-8")

    run = run_django(
        *("shell", "--no-imports", "-c", PLAIN_VISIT),
        PYTHONPATH=str(tmp_path),
        DJANGO_SETTINGS_MODULE="plain_settings",
    )

    assert run.returncode == 0, run.stderr
    assert '"auth_permission"' in run.stdout
    assert "<h1>Database schema</h1>" in run.stdout


def test_the_page_of_migrations_is_for_those_who_may_see_it(sign_in, client):
    assert "login" in client.get(STATUS_URL)["Location"]

    client = sign_in(PERMISSION)
    assert client.get(STATUS_URL).status_code == 403


def test_the_page_of_migrations_tells_what_was_applied(sign_in):
    client = sign_in(STATUS_PERMISSION)

    response = client.get(STATUS_URL)

    page = response.content.decode()
    assert response.status_code == 200
    assert "Nothing is pending." in page
    assert "schematools.0001_database_schema" in page
    assert client.put(STATUS_URL).status_code == 405


def test_pending_migrations_are_listed_on_the_page(sign_in):
    (latest,) = MigrationLoader(connection).graph.leaf_nodes("schematools")
    MigrationRecorder(connection).record_unapplied(*latest)

    page = sign_in(is_superuser=True).get(STATUS_URL).content.decode()

    assert "1 pending" in page
    assert ".".join(latest) in page
