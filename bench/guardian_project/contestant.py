"""Answers ``bench/access.py``, one line of JSON for each: fill, list, first, page or again."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import django
from django.core.management import call_command
from django.db import OperationalError, connection

django.setup()

import measuring  # noqa: E402 (models need the set-up)
from access_world import ITEM_COLUMNS, PAGE, STAFF, VIEW, World, item_key  # noqa: E402
from django.contrib.auth.models import Group, Permission, User  # noqa: E402
from guardian.core import ObjectPermissionChecker  # noqa: E402
from guardian.shortcuts import get_objects_for_user  # noqa: E402

from guardian_project.models import Item  # noqa: E402

LABEL = f"guardian_project.{VIEW}"
PATIENCE = 20


def fill(world: World) -> None:
    """The grants that make the same rows visible to the same people."""
    call_command("migrate", run_syncdb=True, verbosity=0)
    people = range(world.people)
    User.objects.bulk_create(
        [User(pk=n + 1, username=f"person{n}") for n in people], batch_size=2_000
    )
    Group.objects.bulk_create([Group(pk=n + 1, name=f"Group {n}") for n in range(world.groups)])
    User.groups.through.objects.bulk_create(
        [
            User.groups.through(user_id=n + 1, group_id=g + 1)
            for n in people
            for g in set(world.groups_of(n))
        ],
        batch_size=5_000,
    )
    view = Permission.objects.get(codename=VIEW, content_type__app_label="guardian_project")
    User.objects.get(pk=STAFF + 1).user_permissions.add(view)
    adapt = measuring.adapted_key
    rows = world.items(adapt=adapt, person=lambda n: n + 1, group=lambda n: n + 1)
    measuring.load("default", "items", ITEM_COLUMNS, rows)
    for table, whose, of in (
        ("itemuserobjectpermission", "user_id", world.owner_of),
        ("itemgroupobjectpermission", "group_id", world.group_of),
    ):
        measuring.load(
            "default",
            f"guardian_project_{table}",
            (whose, "permission_id", "content_object_id"),
            (
                (holder + 1, view.pk, adapt(item_key(number)))
                for number in range(world.rows)
                if (holder := of(number)) is not None
            ),
        )
    measuring.analyze("default")


def answer(what: str, who: int, keys: list[str]) -> dict[str, Any]:
    """Seconds, statements and what came of it; the user and the page are there beforehand."""
    user = User.objects.get(pk=who + 1)
    page = [Item._default_manager.get(pk=key) for key in keys]
    if what == "again":
        user.has_perm(LABEL)
        checker = ObjectPermissionChecker(user)
        checker.has_perm(VIEW, page[0])
    listed: list[Item] | None = None
    with measuring.counted_queries() as queries:
        started = time.perf_counter()
        if what == "list":
            listed, allowed = _newest_in_time(user), True
        elif what == "first":
            # Django keeps what is held everywhere apart from what is held on an object.
            allowed = user.has_perm(LABEL) or user.has_perm(LABEL, page[0])
        elif what == "again":
            allowed = user.has_perm(LABEL) or checker.has_perm(VIEW, page[0])
        else:
            checker = ObjectPermissionChecker(user)
            if not user.has_perm(LABEL):
                checker.prefetch_perms(page)  # type: ignore[arg-type] # which it documents
            allowed = all(user.has_perm(LABEL) or checker.has_perm(VIEW, item) for item in page)
        seconds = time.perf_counter() - started
    ids = None if listed is None else [str(item.pk) for item in listed]
    return {"seconds": seconds, "queries": len(queries), "allowed": allowed, "ids": ids}


def _newest(user: User) -> list[Item]:
    live = Item._default_manager.filter(is_deleted=False)
    return list(get_objects_for_user(user, LABEL, klass=live).order_by("-id")[:PAGE])


def _newest_in_time(user: User) -> list[Item] | None:
    """None when SQLite has not answered after ``PATIENCE`` seconds."""
    if measuring.is_postgres():
        return _newest(user)
    started = time.perf_counter()
    raw = connection.connection
    raw.set_progress_handler(lambda: time.perf_counter() - started > PATIENCE, 100_000)
    try:
        return _newest(user)
    except OperationalError:
        return None
    finally:
        raw.set_progress_handler(None, 0)


def main() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        if "world" in order:
            fill(World(**order["world"]))
            print("{}", flush=True)
        else:
            print(json.dumps(answer(order["what"], order["who"], order["keys"])), flush=True)


if __name__ == "__main__":
    main()
