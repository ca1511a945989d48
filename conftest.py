"""Fixtures that every app's tests share."""

from __future__ import annotations

import gc

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from rest_framework.test import APIClient

from authentication.services.api_tokens import create_api_token
from core import append_only
from core.models import AuditEvent
from core.tests.redis_server import redis_server
from truledgr.tests.migrated import copy_what_is_migrated
from users.activity.buffer import buffer
from users.models import SessionActivity


def pytest_collection_finish():
    """Look for garbage among what tests make only, and less often: an eighth of their time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)


@pytest.fixture(autouse=True)
def _empty_cache():
    """Rate limits live in the cache: no test starts with the counts of another."""
    cache.clear()


@pytest.fixture(autouse=True, scope="session")
def _flushable_audit_trail():
    """Let Django empty the tables after a transactional test, triggers or not."""
    ops = type(connection.ops)
    flush, sql_flush = ops.execute_sql_flush, ops.sql_flush

    def by_deletes(self, style, tables, *, reset_sequences=False, allow_cascade=False):
        """PostgreSQL makes each table's files anew to truncate it: a second for all of ours."""
        if reset_sequences or not _may_switch_keys_off(self.connection):
            return sql_flush(
                self, style, tables, reset_sequences=reset_sequences, allow_cascade=allow_cascade
            )
        return [
            "SET LOCAL session_replication_role = replica",
            *(f"DELETE FROM {self.quote_name(table)}" for table in tables),  # noqa: S608
        ]

    def without_triggers(self, sql_list):
        with self.connection.schema_editor() as editor:
            append_only.remove(editor, AuditEvent._meta.db_table)
        flush(self, sql_list)
        with self.connection.schema_editor() as editor:
            append_only.install(editor, AuditEvent._meta.db_table)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ops, "execute_sql_flush", without_triggers)
        patch.setattr(ops, "sql_flush", by_deletes)
        yield


def _may_switch_keys_off(connection):
    """Whether tables may be emptied in any order: foreign keys are triggers to PostgreSQL."""
    if connection.vendor != "postgresql":
        return False
    with connection.cursor() as cursor:
        cursor.execute("SHOW is_superuser")
        return cursor.fetchone() == ("on",)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix, django_db_blocker):
    """Migrate once for all workers; see ``truledgr.tests.migrated``."""
    with pytest.MonkeyPatch.context() as patch, django_db_blocker.unblock():
        copy_what_is_migrated(patch)
        yield


@pytest.fixture(autouse=True, scope="session")
def _backup_codes_of_little_cost():
    """Nearly every test of a second factor makes ten; their own test is of the real cost."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("authentication.secrets.BACKUP_CODE_ITERATIONS", 10)
        yield


@pytest.fixture(autouse=True)
def _mails_leave_a_test_that_never_commits(monkeypatch):
    """Inside of the transaction that pytest rolls back, mails leave at once, not after it."""

    def leave(now):
        if any(getattr(block, "_from_testcase", False) for block in connection.atomic_blocks):
            now()
        else:
            transaction.on_commit(now, robust=True)

    monkeypatch.setattr("authentication.mails.delivery.after_commit", leave)


@pytest.fixture
def activity(settings):
    """Note requests and sign-ins, each written before its answer, by the test's own thread."""
    settings.ACTIVITY_ON = settings.ACTIVITY_SYNC = True
    yield SessionActivity.objects.order_by("pk")
    buffer.start_empty()


@pytest.fixture(scope="session")
def redis_url():
    """Where a Redis answers; see ``core.tests.redis_server``."""
    with redis_server() as url:
        yield url


@pytest.fixture
def api():
    """An API client that is not signed in."""
    return APIClient()


@pytest.fixture
def api_of():
    """Make an API client that sends a personal access token of the given user."""

    def client_of(user, *, scopes=()):
        _token, secret = create_api_token(actor=user, user=user, name="test", scopes=scopes)
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
        return client

    return client_of
