"""The newest 100 of many items, half of them deleted, against a table of the live half only.

The live rows are the same in all three databases. In one, every other row is a deleted one; in
another, the deleted rows are all newer than the live ones. Statements are timed at the cursor,
rows fetched, without the ORM's part, which is the same for all.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any
from uuid import UUID

import measuring
from django.db import connections
from django.db.models import Q
from django.utils import timezone
from measuring import Result

from groups.models import Group
from items.models import Item
from users.models import User

PAGE = 100
ROWS_PER_OWNER = 1_000
OWNERS_ASKED = 50
LIVE, MIXED, NEWEST = "live", "mixed", "newest"
CASES = {MIXED: "every other row deleted", NEWEST: "the newest half deleted"}
COLUMNS = (
    "id", "name", "description", "kind", "is_active", "tags", "data", "version", "owner_id",
    "group_id", "created_by_id", "created_at", "updated_at", "is_deleted", "deleted_at",
    "deletion_id",
)  # fmt: skip
START = datetime(2025, 1, 1, tzinfo=UTC)
ROUNDS, SLOW_ROUNDS = 400, 5
ALIVE, NAIVE = Q(is_deleted=False), Q(deleted_at=None)


def measure(options: argparse.Namespace) -> Iterator[Result]:
    live = options.rows // 2
    owners = max(1, live // ROWS_PER_OWNER)
    users, groups = _people(owners)
    for alias in (LIVE, *CASES):
        measuring.copy_database(alias)
        measuring.load(alias, "items", COLUMNS, _rows(alias, live, users, groups))
    measuring.analyze(LIVE, *CASES)
    print(f"  {options.rows:,} items, {owners} people and as many groups; newest {PAGE}:")
    at_most = 1.3 if measuring.is_postgres() else 1.6
    lists: dict[str, Callable[[Any, int], Any]] = {
        "all": lambda items, _: items,
        "one person's": lambda items, number: items.filter(owner=users[number % owners]),
        "one group's": lambda items, number: items.filter(group=groups[number % owners]),
    }
    for name, narrowed in lists.items():
        fast = {alias: _listing(alias, narrowed, ALIVE) for alias in (LIVE, *CASES)}
        naive = {alias: _listing(alias, narrowed, NAIVE) for alias in CASES}
        seconds = measuring.medians(fast, rounds=ROUNDS)
        slow = measuring.medians(naive, rounds=SLOW_ROUNDS, warm_up=1)
        for alias, case in CASES.items():
            yield Result(f"{name}, {case}", seconds[alias], seconds[LIVE], at_most)
            yield Result("  … through deleted_at IS NULL", slow[alias], seconds[LIVE])


def _listing(alias: str, narrowed: Callable[[Any, int], Any], condition: Q) -> Callable[[], None]:
    """Runs the statement of a list on one database, for one owner after the other."""
    items = Item.objects.using(alias).filter(condition)
    statements = cycle(
        narrowed(items, number)
        .order_by("-id")[:PAGE]
        .query.get_compiler(connection=connections[alias])
        .as_sql()
        for number in range(OWNERS_ASKED)
    )

    def run() -> None:
        with connections[alias].cursor() as cursor:
            cursor.execute(*next(statements))
            cursor.fetchall()

    return run


def _people(count: int) -> tuple[list[User], list[Group]]:
    measuring.migrate()
    users = [
        User(username=f"person{number}", email=f"person{number}@example.org")
        for number in range(count)
    ]
    User.objects.bulk_create(users)
    groups = [
        Group(name=f"Group {number}", slug=f"group-{number}", owner=users[number])
        for number in range(count)
    ]
    Group.objects.bulk_create(groups)
    return users, groups


def _rows(
    alias: str, live: int, users: list[User], groups: list[Group]
) -> Iterator[tuple[Any, ...]]:
    """The live rows, and where ``alias`` has deleted ones those too, in the order of their keys."""

    def adapt(key: UUID) -> UUID | str:
        return key if measuring.is_postgres() else key.hex

    keys = [[adapt(row.pk) for row in rows] for rows in (users, groups)]
    now = timezone.now()
    deletion_id = adapt(UUID(int=1))

    def row(number: int, position: int, *, is_deleted: bool) -> tuple[Any, ...]:
        belongs_to_group, owner = number % 2, number // 2 % len(users)
        key = UUID(int=(1_735_689_600_000 + position) << 80 | 0x7 << 76 | 0b10 << 62 | number)
        moment = START + timedelta(milliseconds=position)
        return (
            adapt(key), f"Item {number}", "A few words about it.", "note", True, "[]",
            '{"pages": 12, "format": "pdf"}', 1,
            None if belongs_to_group else keys[0][owner],
            keys[1][owner] if belongs_to_group else None,
            keys[0][owner], moment, moment, is_deleted,
            now if is_deleted else None, deletion_id if is_deleted else None,
        )  # fmt: skip

    for number in range(live):
        yield row(number, 2 * number, is_deleted=False)
        if alias == MIXED:
            yield row(number, 2 * number + 1, is_deleted=True)
    if alias == NEWEST:
        for number in range(live):
            yield row(number, 2 * live + number, is_deleted=True)


if __name__ == "__main__":
    measuring.main(__doc__ or "", measure, rows=1_000_000)
