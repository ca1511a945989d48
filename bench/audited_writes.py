"""What an audit row costs: a write of one item, and an update of a thousand, with and without it.

"Limit" is the same write and one raw INSERT of a ready-made audit row in the same transaction:
nothing that writes an audit row in its own statement can cost less.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import UUID

import measuring
from django.db import connection, transaction
from django.utils import timezone
from measuring import Fact, Result

from core import audit
from core.context import Via, acting
from core.models import AuditEvent
from groups.models import Group
from items.models import Item, ItemKind, ItemQuerySet
from truledgr.demo.loading import insert
from users.models import User

AT_MOST_ONE = 1.5
AT_MOST_MANY = {"sqlite": 5.0, "postgresql": 2.0}
ROWS = 1_000
ROUNDS_OF_MANY, WARM_UP = 30, 4
QUERIES = 2
COPIED = (
    "occurred_at, action, actor_id, actor_label, via, session_id, request_id, client_ip, app, "
    "model, object_id, object_label, group_id, changes, row_hash"
)
READY_MADE = (
    f"INSERT INTO audit_events ({COPIED}) SELECT {COPIED} FROM audit_events "
    "WHERE id BETWEEN %s AND %s"
)

number_of = count()


def measure(options: argparse.Namespace) -> Iterator[Result | Fact]:
    measuring.migrate()
    actor = User.objects.create_user("ada", "ada@example.org")
    with acting(via=Via.API, actor=actor):
        yield from _one_row(options.rounds, actor)
        yield from _many_rows(actor)


# --- One row --------------------------------------------------------------------------------


def _one_row(rounds: int, actor: User) -> Iterator[Result]:
    print(f"  one item, {rounds} rounds:")
    raw = _raw_insert(actor)
    for name, (with_event, without) in _writes(actor).items():

        def bare(write: Callable[[], object] = without) -> None:
            with transaction.atomic():
                write()

        def limit(write: Callable[[], object] = without) -> None:
            with transaction.atomic():
                write()
                with connection.cursor() as cursor:
                    cursor.execute(*raw)

        def audited(write: Callable[[], object] = with_event) -> None:
            with transaction.atomic():
                write()

        seconds = measuring.medians(
            {"with": audited, "without": bare, "limit": limit}, rounds=rounds, warm_up=30
        )
        yield Result(f"{name}, audited", seconds["with"], seconds["without"], AT_MOST_ONE)
        yield Result("  … the limit: one raw INSERT", seconds["limit"], seconds["without"])


def _writes(actor: User) -> dict[str, tuple[Callable[[], object], Callable[[], object]]]:
    """The writes, each with its event and without; whoever calls opens the transaction."""
    audited, bare = (Item.objects.create(owner=actor, name="Item") for _ in range(2))
    doomed = {name: _doomed(actor) for name in ("with", "without")}

    def create_bare() -> None:
        _new(actor).save()

    def update_audited() -> None:
        before = audit.snapshot(audited)
        _change(audited)
        audit.save(audited, before=before)

    def update_bare() -> None:
        _change(bare)
        bare.save()

    def delete_bare() -> None:
        with _unaudited():
            next(doomed["without"]).delete()

    return {
        "create": (lambda: audit.save(_new(actor)), create_bare),
        "update": (update_audited, update_bare),
        "soft delete": (lambda: next(doomed["with"]).delete(), delete_bare),
    }


def _new(actor: User) -> Item:
    number = next(number_of)
    return Item(
        owner=actor,
        created_by=actor,
        name=f"Item {number}",
        description="A few words about it.",
        kind=ItemKind.DOCUMENT,
        tags=["draft", "finance"],
        data={"pages": number, "format": "pdf"},
    )


def _change(item: Item) -> None:
    number = next(number_of)
    item.name = f"Renamed {number}"
    item.data = {"pages": number, "format": "pdf"}


def _doomed(actor: User) -> Iterator[Item]:
    while True:
        items = [_new(actor) for _ in range(5_000)]
        yield from Item.objects.bulk_create(items)


@contextmanager
def _unaudited() -> Iterator[None]:
    """A delete of an item writes no event meanwhile."""
    spec = Item.audit
    Item.audit = None  # type: ignore[assignment]
    try:
        yield
    finally:
        Item.audit = spec


def _raw_insert(actor: User) -> tuple[str, list[Any]]:
    """An INSERT of one audit row as the trail has it, with everything worked out beforehand."""
    with transaction.atomic():
        audit.save(_new(actor))
    event = AuditEvent.objects.order_by("-id")[0]
    fields = [field for field in AuditEvent._meta.concrete_fields if not field.primary_key]
    names = ", ".join(str(field.column) for field in fields)
    marks = ", ".join(["%s"] * len(fields))
    values = [field.get_db_prep_save(getattr(event, field.attname), connection) for field in fields]
    return f"INSERT INTO audit_events ({names}) VALUES ({marks})", values


# --- Many rows ------------------------------------------------------------------------------


def _many_rows(actor: User) -> Iterator[Result | Fact]:
    """Every call changes other rows, each of which has its create event and no more."""
    print(f"  {ROWS:,} items at once, {ROUNDS_OF_MANY} rounds:")
    blocks = iter(_blocks(actor, len(CHOSEN) * 3 * (ROUNDS_OF_MANY + WARM_UP) + 1))
    for how, choose in CHOSEN.items():

        def audited(choose: Choose = choose) -> None:
            audit.update(choose(next(blocks)), is_active=False)

        def bare(choose: Choose = choose) -> None:
            choose(next(blocks)).update(is_active=False, updated_at=timezone.now())

        def limit(choose: Choose = choose) -> None:
            block = next(blocks)
            with transaction.atomic(), connection.cursor() as cursor:
                choose(block).update(is_active=False, updated_at=timezone.now())
                cursor.execute(READY_MADE, [block.last_event - ROWS + 1, block.last_event])

        seconds = measuring.medians(
            {"audited": audited, "bare": bare, "limit": limit},
            rounds=ROUNDS_OF_MANY,
            warm_up=WARM_UP,
        )
        at_most = AT_MOST_MANY[connection.vendor] if choose is _by_keys else None
        yield Result(f"update, chosen by {how}", seconds["audited"], seconds["bare"], at_most)
        yield Result("  … the limit: one INSERT of copies", seconds["limit"], seconds["bare"])
    with measuring.counted_queries() as queries:
        audited()
    queries = [sql for sql in queries if not sql.startswith("BEGIN")]
    yield Fact(f"audit.update() sends {len(queries)} queries", is_good=len(queries) == QUERIES)


def _by_keys(block: Block) -> ItemQuerySet:
    return Item.objects.filter(pk__in=block.keys)


def _by_group(block: Block) -> ItemQuerySet:
    return Item.objects.alive().filter(group=block.group)


Choose = Callable[["Block"], ItemQuerySet]
# Finding rows by a thousand keys takes its time, with events and without. By an index it costs
# next to nothing, so that what is left to compare is an INSERT with an UPDATE: for contrast.
CHOSEN: dict[str, Choose] = {"their keys": _by_keys, "their group": _by_group}


@dataclass(frozen=True, slots=True)
class Block:
    """A thousand items of one group, and the last of their create events."""

    group: Group
    keys: list[UUID]
    last_event: int


def _blocks(actor: User, count: int) -> list[Block]:
    groups = Group.objects.bulk_create(
        Group(name=f"Group {number}", slug=f"group-{number}", owner=actor)
        for number in range(count)
    )
    blocks = []
    for group in groups:
        now = timezone.now()
        items = [_new(actor) for _ in range(ROWS)]
        for item in items:
            item.owner, item.group, item.created_at, item.updated_at = None, group, now, now
        with transaction.atomic():
            insert(items)
            audit.record_rows(Item.objects.filter(group=group), action="create")
        last_event = AuditEvent.objects.order_by("-id").values_list("id", flat=True)[0]
        blocks.append(Block(group, [item.pk for item in items], last_event))
    measuring.analyze("default")
    return blocks


if __name__ == "__main__":
    measuring.main(__doc__ or "", measure, rounds=500)
