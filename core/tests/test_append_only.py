import sqlite3

import pytest
from django.db import IntegrityError, connection, transaction

from core import audit
from core.models import AuditEvent
from items.models import Item
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

ATTACKS = [
    "UPDATE audit_events SET action = 'nothing'",
    "UPDATE audit_events SET action = 'nothing' WHERE id = -1",
    "DELETE FROM audit_events",
]
SQLITE_ATTACKS = ["INSERT OR REPLACE INTO audit_events SELECT * FROM audit_events"]
POSTGRESQL_ATTACKS = [
    "TRUNCATE audit_events",
    "INSERT INTO audit_events SELECT * FROM audit_events ON CONFLICT (id) DO UPDATE SET via = 'x'",
    "SET LOCAL session_replication_role = replica; DELETE FROM audit_events",
]


@pytest.fixture
def event():
    audit.save(Item(name="Kettle", owner=UserFactory()))
    return AuditEvent.objects.first()


def test_the_database_refuses_to_change_what_is_written(event):
    own = SQLITE_ATTACKS if connection.vendor == "sqlite" else POSTGRESQL_ATTACKS
    row_level = "WHERE id = -1"
    for attack in ATTACKS + own:
        if row_level in attack and connection.vendor == "sqlite":
            continue  # SQLite's triggers are asked per row, and no row is touched here.
        with (
            pytest.raises(IntegrityError, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(attack)

    assert AuditEvent.objects.first().action == event.action


def test_the_orm_cannot_either(event):
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        AuditEvent.objects.update(action="nothing")
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        event.delete()


def test_a_foreign_client_without_our_pragmas_cannot_replace_rows(tmp_path):
    """The trigger does not rely on ``recursive_triggers``, which a plain client leaves off."""
    if connection.vendor != "sqlite":
        assert_triggers_are_always_on()
        return
    triggers = (
        "SELECT sql FROM sqlite_master WHERE tbl_name = 'audit_events' ORDER BY rootpage DESC"
    )
    with connection.cursor() as cursor:
        cursor.execute(triggers)
        statements = [sql for (sql,) in cursor.fetchall() if sql]
    client = sqlite3.connect(tmp_path / "copy.sqlite3")
    client.execute("CREATE TABLE users (id char(32) PRIMARY KEY)")
    for statement in sorted(statements, key=lambda sql: not sql.startswith("CREATE TABLE")):
        client.execute(statement)
    insert = (
        "INSERT OR REPLACE INTO audit_events VALUES (1, '2026-01-01', 'x', '', 'task', NULL, '', "
        "NULL, 'a', 'm', '1', '', NULL, '{}', '', NULL, NULL, NULL)"
    )
    client.execute(insert)

    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        client.execute(insert)
    client.close()


def assert_triggers_are_always_on():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgenabled FROM pg_trigger WHERE tgrelid = 'audit_events'::regclass "
            "AND tgname = 'audit_events_append_only'"
        )
        assert cursor.fetchone() == ("A",)
