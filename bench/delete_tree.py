"""Deleting a group with its items: the queries do not depend on the rows, and what a row costs.

The group and every item of it are marked, and each gets its audit event, in one transaction.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import measuring
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from measuring import Fact, Result

from core.context import Via, acting
from core.ids import uuid7
from core.models import AuditEvent
from groups.models import Group
from items.models import Item
from users.models import User

UNMARKED = {"is_deleted": False, "deleted_at": None, "deletion_id": None}


def measure(options: argparse.Namespace) -> Iterator[Result | Fact]:
    measuring.migrate()
    actor = User.objects.create_user("ada", "ada@example.org")
    sizes = [10, 1_000, options.rows]
    groups = [_group(actor, number, size) for number, size in enumerate(sizes)]
    measuring.analyze("default")
    with acting(via=Via.API, actor=actor):
        counts = set()
        for group, size in zip(groups, sizes, strict=True):
            statements = _statements_of_delete(group)
            queries = [sql for sql in statements if not sql.startswith(("BEGIN", "COMMIT"))]
            counts.add(len(queries))
            commits = statements.count("COMMIT")
            yield Fact(
                f"a group of {size:>6,} items: {len(queries)} queries, {commits} transaction",
                is_good=commits == 1 and len(counts) == 1,
            )
            marked = Item.objects.filter(group=group, is_deleted=True).count()
            events = AuditEvent.objects.filter(group_id=group.pk, action="delete").count()
            yield Fact(
                f"  … {marked:,} items marked, {events:,} events",
                is_good=(marked, events) == (size, size + 1),
            )
            _unmark(group)
        for group, size in zip(groups, sizes, strict=True):
            rounds = max(9, min(200, 100_000 // size))
            yield _against_update(group, size, rounds)


def _group(actor: User, number: int, size: int) -> Group:
    group = Group.objects.create(name=f"Group {number}", slug=f"group-{number}", owner=actor)
    Item.objects.bulk_create(
        Item(group=group, name=f"Item {number}", data={"pages": number}) for number in range(size)
    )
    return group


def _statements_of_delete(group: Group) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        group.delete()
    return [query["sql"] for query in captured.captured_queries]


def _unmark(group: Group) -> None:
    Group.objects.filter(pk=group.pk).update(**UNMARKED)
    Item.objects.filter(group=group).update(**UNMARKED)


def _against_update(group: Group, size: int, rounds: int) -> Result:
    def delete_tree() -> None:
        group.delete()

    def bare_update() -> None:
        marks = {"is_deleted": True, "deleted_at": timezone.now(), "deletion_id": uuid7()}
        with transaction.atomic():
            Group.objects.filter(pk=group.pk, is_deleted=False).update(**marks)
            Item.objects.filter(group=group, is_deleted=False).update(**marks)

    seconds = measuring.medians(
        {"delete": delete_tree, "update": bare_update},
        rounds=rounds,
        warm_up=2,
        after_each=lambda: _unmark(group),
    )
    per_row = seconds["delete"] / (size + 1) * 1e6
    what = f"{size:,} items, against two bare UPDATEs ({per_row:.0f} µs a row)"
    return Result(what, seconds["delete"], seconds["update"])


if __name__ == "__main__":
    measuring.main(__doc__ or "", measure, rows=10_000)
