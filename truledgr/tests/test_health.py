import logging
from types import SimpleNamespace

import pytest
from django.core.cache import cache
from django.db import connection, connections
from django.db.migrations.recorder import MigrationRecorder
from django.db.utils import DatabaseErrorWrapper, OperationalError
from psycopg_pool import PoolTimeout

from truledgr import health

pytestmark = pytest.mark.django_db


def test_live_asks_nobody(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        response = client.get("/health/live")

    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert "no-store" in response["Cache-Control"]


def test_ready_names_each_part(client, django_assert_max_num_queries):
    # SELECT 1, then whether the table of migrations exists, and what is in it.
    with django_assert_max_num_queries(3):
        response = client.get("/health/ready")

    assert response.status_code == 200
    assert response.json() == {
        "status": "ok",
        "checks": {"database": "ok", "migrations": "ok", "cache": "ok"},
    }


def failed_parts(client):
    response = client.get("/health/ready")
    assert response.status_code == 503
    assert response.json()["status"] == "unavailable"
    return {name for name, state in response.json()["checks"].items() if state != "ok"}


def test_a_pending_migration_is_not_ready(client, caplog):
    MigrationRecorder(connection).record_unapplied("items", "0001_initial")

    with caplog.at_level(logging.ERROR):
        assert failed_parts(client) == {"migrations"}

    assert "items.0001_initial" in caplog.text
    assert "manage.py migrate" in caplog.text


def test_a_replaced_migration_that_was_applied_is_not_pending(client, monkeypatch):
    replaced = {("items", "0001_initial")}
    on_disk = {("items", "0001_squashed"): replaced}
    monkeypatch.setattr(health, "_migrations_on_disk", lambda: on_disk)

    assert client.get("/health/ready").status_code == 200


def test_a_broken_cache_is_not_ready(client, monkeypatch):
    monkeypatch.setattr(cache, "get", lambda *_: None)

    assert failed_parts(client) == {"cache"}


def test_a_database_that_is_away_is_not_ready_and_gives_no_reason(client, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise OperationalError("password authentication failed for host=db.internal")

    monkeypatch.setattr(connection, "cursor", refuse)
    monkeypatch.setattr(MigrationRecorder, "applied_migrations", refuse)

    response = client.get("/health/ready")

    assert b"internal" not in response.content
    assert failed_parts(client) == {"database", "migrations"}


class Exhausted:
    """A pool whose connections are all in use; ``asked`` is how long somebody would wait."""

    asked = ()

    def open(self):
        pass

    def connection(self, *, timeout):
        self.asked = (*self.asked, timeout)
        raise PoolTimeout("no connection")


def test_an_exhausted_pool_is_not_ready_within_a_second(client, monkeypatch):
    pool = Exhausted()
    errors = DatabaseErrorWrapper(connections.create_connection("default"))
    busy = SimpleNamespace(pool=pool, connection=None, wrap_database_errors=errors)
    monkeypatch.setattr(health, "connection", busy)

    response = client.get("/health/ready")

    assert response.status_code == 503
    assert response.json()["checks"] == {
        "database": "failed", "migrations": "unknown", "cache": "ok",
    }  # fmt: skip
    assert pool.asked == (1.0,)


def test_production_answers_without_tls(client, settings):
    settings.SECURE_SSL_REDIRECT, settings.SECURE_REDIRECT_EXEMPT = True, [r"^health/"]

    assert client.get("/health/live").status_code == 200
    assert client.get("/accounts/login/").status_code == 301


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_health_is_only_read(client, path):
    assert client.head(path).status_code == 200
    assert client.post(path).status_code == 405
