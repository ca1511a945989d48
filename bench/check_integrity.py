"""Faults planted in a database with a million rows: how many ``check_integrity`` finds, how fast.

Most rows are items, the rest people and audit events. Constraints are switched off to plant what
they would refuse. The time is that of the whole command, compared with counting the rows of the
three tables by ``SELECT count(*)``.
"""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import measuring
from django.core.management import CommandError, call_command
from django.db import DEFAULT_DB_ALIAS, connection
from django.utils import timezone
from measuring import Fact, Result

from core.ids import uuid7

TABLES = ("items", "users", "audit_events")
ROUNDS = 3
AT_MOST = {"sqlite": 40.0, "postgresql": 40.0}
USER = (
    "id", "username", "email", "password", "first_name", "last_name", "avatar_url", "bio",
    "locale", "timezone", "is_active", "is_verified", "is_staff", "is_superuser",
    "totp_required", "created_at", "updated_at", "is_deleted", "deleted_at", "deletion_id",
)  # fmt: skip
ITEM = (
    "id", "name", "description", "kind", "is_active", "tags", "data", "version", "owner_id",
    "created_at", "updated_at", "is_deleted",
)  # fmt: skip
EVENT = (
    "occurred_at", "action", "actor_id", "actor_label", "via", "request_id", "app", "model",
    "object_id", "object_label", "changes", "row_hash",
)  # fmt: skip
# What is planted, by the finding's id and object: a statement, and the rows it makes wrong.
FAULTS = {
    ("orphaned-reference", "items.owner_id"): (
        137, "UPDATE items SET owner_id = {nobody} WHERE name LIKE 'Item 1%7' AND {few}",
    ),
    ("orphaned-reference", "audit_events.actor_id"): (
        11, "UPDATE audit_events SET actor_id = {nobody} WHERE {few}",
    ),
    ("check-violated", "items.items_item_one_owner_check"): (
        89, "UPDATE items SET owner_id = NULL WHERE name LIKE 'Item 2%3' AND {few}",
    ),
    ("check-violated", "items.version"): (
        23, "UPDATE items SET version = -1 WHERE name LIKE 'Item 3%1' AND {few}",
    ),
    ("duplicate-value", "users.users_user_alive_username_uniq"): (
        62, "UPDATE users SET username = 'Person1' WHERE username LIKE 'person2%5' AND {few}",
    ),
    ("live-child-of-deleted", "items.owner_id"): (
        41, "UPDATE items SET owner_id = {deleted} WHERE name LIKE 'Item 4%9' AND {few}",
    ),
    ("choice-unknown", "items.kind"): (
        17, "UPDATE items SET kind = 'riddle' WHERE name LIKE 'Item 5%2' AND {few}",
    ),
}  # fmt: skip


def measure(options: argparse.Namespace) -> Iterator[Result | Fact]:
    _fill(options.rows)
    with _without_constraints():
        planted = {key: _plant(rows, sql) for key, (rows, sql) in FAULTS.items()}
    planted["duplicate-value", "users.users_user_alive_username_uniq"] += 1  # the first of them
    measuring.analyze(DEFAULT_DB_ALIAS)
    found = _check()
    print(f"  {options.rows:,} rows; found : planted")
    for (name, place), rows in planted.items():
        count = found.pop((name, place), 0)
        yield Fact(f"{f'{name}, {place}':<68} {count:4} : {rows:4}", is_good=count == rows)
    yield Fact(f"{'nothing that was not planted':<68} {len(found):4} :    0", is_good=not found)
    seconds = measuring.medians({"check": _check, "count": _count}, rounds=ROUNDS, warm_up=1)
    at_most = AT_MOST[connection.vendor]
    yield Result("all rules : count(*) of the tables", seconds["check"], seconds["count"], at_most)


def _check() -> dict[tuple[str, str], int]:
    out = io.StringIO()
    try:
        call_command("check_integrity", "--format=json", stdout=out, stderr=io.StringIO())
    except CommandError as error:
        if error.returncode != 1:
            raise
    findings = json.loads(out.getvalue())["findings"]
    return {(each["id"], each["object"]): each["rows"] for each in findings}


def _count() -> None:
    with connection.cursor() as cursor:
        for table in TABLES:
            # Else SQLite would count the entries of the smallest index.
            how = "" if measuring.is_postgres() else " NOT INDEXED"
            cursor.execute(f"SELECT count(*) FROM {table}{how}")
            cursor.fetchall()


# --- Rows -----------------------------------------------------------------------------------


def _fill(rows: int) -> None:
    measuring.migrate()
    people = [_key(uuid7()) for _ in range(rows // 20)]
    alias, now = DEFAULT_DB_ALIAS, timezone.now()
    measuring.load(alias, "users", USER, (_user(*each, now) for each in enumerate(people)))
    items = rows - len(people) - rows // 10
    measuring.load(alias, "items", ITEM, (_item(number, people, now) for number in range(items)))
    events = (_event(number, people, now) for number in range(rows // 10))
    measuring.load(alias, "audit_events", EVENT, events)


def _user(number: int, key: Any, now: Any) -> tuple[Any, ...]:
    """A person; the first is deleted."""
    is_deleted = number == 0
    return (
        key, f"person{number}", f"person{number}@example.org", "!", "", "", "", "", "en", "UTC",
        True, False, False, False, False, now, now, is_deleted,
        now if is_deleted else None, _key(UUID(int=1)) if is_deleted else None,
    )  # fmt: skip


def _item(number: int, people: list[Any], now: Any) -> tuple[Any, ...]:
    owner = people[1 + number % (len(people) - 1)]
    return (
        _key(uuid7()), f"Item {number}", "A few words about it.", "note", True, "[]",
        '{"pages": 12}', 1, owner, now, now, False,
    )  # fmt: skip


def _event(number: int, people: list[Any], now: Any) -> tuple[Any, ...]:
    return (
        now, "create", people[1 + number % (len(people) - 1)], "", "api", "", "items", "item",
        str(number), "", "{}", "0" * 64,
    )  # fmt: skip


def _key(key: UUID) -> UUID | str:
    return key if measuring.is_postgres() else key.hex


# --- Faults ---------------------------------------------------------------------------------


@contextmanager
def _without_constraints() -> Iterator[None]:
    """Refuse nothing meanwhile; what cannot be switched off is dropped."""
    switches = (
        ("SET session_replication_role = replica", "SET session_replication_role = DEFAULT")
        if measuring.is_postgres()
        else (
            "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON",
            "PRAGMA foreign_keys = ON; PRAGMA ignore_check_constraints = OFF",
        )
    )
    with connection.cursor() as cursor:
        _run(cursor, switches[0])
        cursor.execute("DROP INDEX users_user_alive_username_uniq")
        if measuring.is_postgres():
            for name in ("items_item_one_owner_check", "items_version_check"):
                cursor.execute(f"ALTER TABLE items DROP CONSTRAINT {name}")
            cursor.execute("ALTER TABLE audit_events DISABLE TRIGGER USER")
        else:
            # Triggers know no switch: those that keep the trail as it is would refuse.
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            for (name,) in cursor.fetchall():
                cursor.execute(f"DROP TRIGGER {name}")
        yield
        _run(cursor, switches[1])


def _run(cursor: Any, statements: str) -> None:
    for statement in statements.split("; "):
        cursor.execute(statement)


def _plant(rows: int, sql: str) -> int:
    """Change so many rows; answer how many it were."""
    table = sql.split()[1]
    condition = sql.partition(" WHERE ")[2].partition("{few}")[0]
    few = f"id IN (SELECT id FROM {table} WHERE {condition} 1 = 1 ORDER BY id LIMIT {rows})"
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM users WHERE username = 'person0'")
        (deleted,) = cursor.fetchone()
        cursor.execute(sql.format(few=few, nobody=f"'{_key(UUID(int=7))}'", deleted=f"'{deleted}'"))
        return int(cursor.rowcount)


if __name__ == "__main__":
    measuring.main(__doc__ or "", measure, rows=1_000_000)
