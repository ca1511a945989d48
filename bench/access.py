"""What somebody may do, and what they may see: ours, by hand, and with django-guardian.

People, roles, permissions, groups, memberships and items as in ``access_world.py``. guardian has
the same people, groups and items in a database beside ours, and the grants that make the same rows
visible: it knows neither owners nor what a group owns, so each item carries a grant, to its owner
or to the ``auth.Group`` of its group, in tables of direct foreign keys (``guardian_project``).
Users are read anew before each turn, untimed, as a request would.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import measuring
from access_world import (
    ITEM_COLUMNS,
    KINDS,
    PAGE,
    STAFF,
    VIEW,
    World,
    group_key,
    person_key,
)
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import Q
from django.utils import timezone
from measuring import Fact, Result

from authorization.access import access_of
from authorization.models import Role, RoleAssignment, RolePermission, RoleScope
from groups.models import GROUPS, Group, Membership
from items.models import Item
from truledgr.tests.engines import connect, with_name
from users.models import User

LABEL = f"items.{VIEW}"
ROLES, PERMISSIONS, HELD_BY_EACH = 100, 500, 40
AS_BY_HAND = 1.5
FASTER = 1.0
ALLOWED_QUERIES = 2
LONG_ENOUGH = 10  # seconds that one contestant is measured, whatever the rounds


def measure(options: argparse.Namespace) -> Iterator[Result | Fact]:
    world = World(rows=options.rows, people=options.people, groups=options.groups)
    _timed("our rows", lambda: fill(world))
    with guardian() as ask:
        _timed("guardian's rows", lambda: ask(world=asdict(world)))
        for kind, who in KINDS.items():
            print(f"  {kind}:")
            yield from _checks(who)
            yield from _compared(who, ask, rounds=options.rounds)


# --- What is measured ----------------------------------------------------------------------


def _checks(who: int) -> Iterator[Fact]:
    user, other, page = person(who), person(who), with_groups(by_hand(who)())
    with measuring.counted_queries() as first:
        user.has_perm(LABEL, page[0])
    with measuring.counted_queries() as later:
        for item in page:
            user.has_perm(LABEL, item)
            user.has_perm("items.delete_item", item)
        user.has_perm("groups.add_group")
    yield Fact(f"queries: {len(first)} for the first check, {len(later)} for 201 later ones",
               len(first) == 1 and not later)  # fmt: skip
    with measuring.counted_queries() as listed:
        newest(other)
    yield Fact(f"queries: {len(listed)} for the newest {PAGE}", len(listed) <= ALLOWED_QUERIES)


def _compared(
    who: int, ask: Callable[..., dict[str, Any]], *, rounds: int
) -> Iterator[Result | Fact]:
    own_list = by_hand(who)
    page = with_groups(own_list())
    ids = [str(item.pk) for item in page]
    keys: dict[str, list[str]] = {"list": [], "first": ids[:1], "again": ids[:1], "page": ids}

    def ready(what: str) -> tuple[Callable[[], Any], ...]:
        user = person(who)
        if what == "again":
            user.has_perm(LABEL, page[0])
        return {
            "list": (lambda: newest(user),),
            "first": (lambda: user.has_perm(LABEL, page[0]),),
            "again": (lambda: user.has_perm(LABEL, page[0]),),
            "page": (lambda: all(user.has_perm(LABEL, item) for item in page),),
            "hand": (own_list,),
        }[what]

    times: dict[tuple[str, str], list[float]] = {}
    turns = [("ours", w) for w in ("list", "hand", "first", "again", "page")]
    turns += [("guardian", w) for w in ("list", "first", "again", "page")]
    shuffle = Random(1).shuffle
    answers: dict[str, dict[str, Any]] = {}
    for number in range(-1, rounds):
        shuffle(turns)
        for whose, what in turns:
            if sum(times.get((whose, what), ())) > LONG_ENOUGH:
                continue
            if whose == "ours":
                (run,) = ready(what)
                started = time.perf_counter()
                run()
                seconds = time.perf_counter() - started
            else:
                answers[what] = ask(what=what, who=who, keys=keys[what])
                seconds = answers[what]["seconds"]
            if number >= 0:
                times.setdefault((whose, what), []).append(seconds)
    middle = {key: median(values) for key, values in times.items()}
    ours, theirs = [str(item.pk) for item in newest(person(who))], answers["list"]["ids"]
    whose = "of ours and by hand (guardian gave up)" if theirs is None else "of all three"
    yield Fact(f"the same {len(ours)} newest {whose}", ours == ids and theirs in (None, ours))
    yield Fact("all of them allowed", all(answers[w]["allowed"] for w in ("first", "page")))
    yield Result(f"newest {PAGE} : with the ids written by hand",
                 middle["ours", "list"], middle["ours", "hand"], AS_BY_HAND)  # fmt: skip
    names = {
        "list": f"newest {PAGE} : get_objects_for_user",
        "first": "first check of one item : has_perm",
        "again": "later check of it : ObjectPermissionChecker",
        "page": f"a new user's checks of {len(page)} items : prefetched",
    }
    for what, name in names.items():
        asked = f", {answers[what]['queries']} queries"
        yield Result(name + asked, middle["ours", what], middle["guardian", what], FASTER)


def person(who: int) -> User:
    user: User = User.objects.get(pk=person_key(who))
    return user


def newest(user: User) -> list[Item]:
    return list(Item.objects.alive().visible_to(user).order_by("-id")[:PAGE])


def by_hand(who: int) -> Callable[[], list[Item]]:
    """The same list with the keys given."""
    user = person(who)
    groups = access_of(user).objects_granting(GROUPS, LABEL)

    def run() -> list[Item]:
        items = Item.objects.filter(is_deleted=False)
        if who != STAFF:
            items = items.filter(Q(owner_id=user.pk) | Q(group_id__in=groups))
        return list(items.order_by("-id")[:PAGE])

    return run


def with_groups(page: list[Item]) -> list[Item]:
    """The same rows as a list reads them that shows the groups."""
    found = Item.objects.select_related("group").in_bulk([item.pk for item in page])
    return [found[item.pk] for item in page]


# --- What it is measured on ------------------------------------------------------------------


def fill(world: World) -> None:
    measuring.migrate()
    people = range(world.people)
    User.objects.bulk_create(
        [User(pk=person_key(n), username=f"person{n}", email=f"person{n}@example.org")
         for n in people], batch_size=2_000,
    )  # fmt: skip
    everywhere, in_groups = roles()
    staff = person(STAFF)
    RoleAssignment.objects.bulk_create(
        [RoleAssignment(user_id=person_key(n), role=everywhere[n % len(everywhere)])
         for n in people if n != STAFF]
        + [RoleAssignment(user=staff, role=Role.objects.get(slug="seer"))], batch_size=2_000,
    )  # fmt: skip
    Group.objects.bulk_create(
        [Group(pk=group_key(n), name=f"Group {n}", slug=f"group-{n}",
               owner_id=person_key(world.people - 1 - n % (world.people // 2)))
         for n in range(world.groups)], batch_size=2_000,
    )  # fmt: skip
    now = timezone.now()
    Membership.objects.bulk_create(
        [Membership(user_id=person_key(n), group_id=group_key(g), joined_at=now,
                    role=in_groups[(n + g) % len(in_groups)])
         for n in people for g in sorted(set(world.groups_of(n)))], batch_size=2_000,
    )  # fmt: skip
    rows = world.items(
        adapt=measuring.adapted_key,
        person=lambda number: measuring.adapted_key(person_key(number)),
        group=lambda number: measuring.adapted_key(group_key(number)),
    )
    measuring.load("default", "items", ITEM_COLUMNS, rows)
    measuring.analyze("default")


def roles() -> tuple[list[Role], list[Role]]:
    """``ROLES`` roles, ``PERMISSIONS`` permissions: those for everywhere, those for groups."""
    kind = ContentType.objects.get_for_model(Item)
    missing = PERMISSIONS - Permission.objects.count()
    Permission.objects.bulk_create(
        [Permission(content_type=kind, codename=f"extra_{n}", name=f"Extra {n}")
         for n in range(missing)]
    )  # fmt: skip
    count = ROLES - Role.objects.count() - 1
    made = [
        Role(name=f"Role {n}", slug=f"role-{n}",
             scope=RoleScope.GROUP if n % 2 else RoleScope.GLOBAL)
        for n in range(count)
    ]  # fmt: skip
    seer = Role(name="Seer", slug="seer", scope=RoleScope.GLOBAL)
    Role.objects.bulk_create([*made, seer])
    view = Permission.objects.get(content_type=kind, codename=VIEW)
    others = list(Permission.objects.exclude(pk=view.pk).filter(codename__startswith="extra_"))
    held = [RolePermission(role=seer, permission=view)]
    for number, role in enumerate(made):
        chosen = {others[(number * 13 + n) % len(others)].pk for n in range(HELD_BY_EACH)}
        held += [RolePermission(role=role, permission_id=key) for key in sorted(chosen)]
        if role.scope == RoleScope.GROUP:
            held.append(RolePermission(role=role, permission=view))
    RolePermission.objects.bulk_create(held)
    everywhere = [role for role in made if role.scope == RoleScope.GLOBAL]
    return everywhere, [role for role in made if role.scope == RoleScope.GROUP]


def _timed(what: str, run: Callable[[], Any]) -> None:
    started = time.perf_counter()
    run()
    print(f"  {what}: {time.perf_counter() - started:.0f} s", flush=True)


@contextmanager
def guardian() -> Iterator[Callable[..., dict[str, Any]]]:
    """A process with settings and a database of its own, which answers one order at a time."""
    url = os.environ[measuring.CHILD]
    if measuring.is_postgres():
        name = f"{connection.settings_dict['NAME']}_guardian"
        with connect(with_name(url, "postgres"), autocommit=True) as server:
            server.execute(f'CREATE DATABASE "{name}"')
        url = with_name(url, name)
    else:
        url = url.replace("bench.sqlite3", "guardian.sqlite3")
    process = subprocess.Popen(  # noqa: S603 - this Python and a file beside this one
        [sys.executable, str(Path(__file__).parent / "guardian_project/contestant.py")],
        env={
            **os.environ,
            "DATABASE_URL": url,
            "DJANGO_SETTINGS_MODULE": "guardian_project.settings",
            "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), str(measuring.PROJECT)]),
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    orders, answers = process.stdin, process.stdout
    assert orders
    assert answers

    def ask(**order: Any) -> dict[str, Any]:
        orders.write(json.dumps(order) + "\n")
        orders.flush()
        found: dict[str, Any] = json.loads(answers.readline())
        return found

    try:
        yield ask
    finally:
        orders.close()
        process.wait()
        answers.close()


if __name__ == "__main__":
    measuring.main(__doc__ or "", measure, rows=1_000_000, people=10_000, groups=2_000, rounds=30)
