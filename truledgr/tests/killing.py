"""Kills jobs half way on scratch databases and tells, as JSON, what they left.

    DATABASE_URL=… python -m truledgr.tests.killing kill|round_trip

A job runs in a fork that sends itself SIGKILL before its n-th write, so that it dies at the same
point every time. What is checked afterwards is read by the process that stays.
"""

import json
import os
import re
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import django
from django.db import connection

WRITES = re.compile(
    r"\s*(INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|COMMENT|PRAGMA foreign_keys)", re.IGNORECASE
)
SMALL = {"users": 30, "items": 200, "seed": 7}
TREE = 300
ATTEMPTS = 8
OWN_APPS = ("core", "users", "authentication", "authorization", "groups", "items", "account")

if __name__ == "__main__":
    django.setup()

from django.apps import apps  # noqa: E402 (models need the set-up)
from django.core.management import call_command, execute_from_command_line  # noqa: E402
from django.db.migrations.executor import MigrationExecutor  # noqa: E402
from django.db.migrations.loader import MigrationLoader  # noqa: E402
from django.db.migrations.recorder import MigrationRecorder  # noqa: E402

from core import seals  # noqa: E402
from core.models import AuditEvent  # noqa: E402
from groups.models import Group  # noqa: E402
from items.models import Item  # noqa: E402
from users.models import User  # noqa: E402

# --- Killing ------------------------------------------------------------------------------


class Killer:
    """Counts the writes of this process; kills it before write number ``at``, or at a commit.

    ``number`` is the signal. ``among`` narrows the count to writes whose text or parameters
    contain it.
    """

    def __init__(
        self,
        *,
        at: int | None,
        at_commit: bool = False,
        among: str = "",
        number: int = signal.SIGKILL,
    ) -> None:
        self.at, self.at_commit, self.among, self.writes = at, at_commit, among, 0
        self.number = number
        self.real_commit = connection._commit

    def __call__(self, execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        if WRITES.match(str(sql)) and self.among in f"{sql} {params}":
            self.writes += 1
            if self.writes == self.at:
                os.kill(os.getpid(), self.number)
        return execute(sql, params, many, context)

    def commit(self) -> None:
        if self.at_commit and self.writes:
            os.kill(os.getpid(), signal.SIGKILL)
        self.real_commit()


def run(
    job: Callable[[], object], *, at: int | None = None, at_commit: bool = False, among: str = ""
) -> int | None:
    """Run ``job`` in a fork; answer how many writes it made, or None when it was killed."""
    close()
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            killer = Killer(at=at, at_commit=at_commit, among=among)
            connection._commit = killer.commit
            with connection.execute_wrapper(killer):
                job()
            os.write(writer, str(killer.writes).encode())
            status = 0
        except BaseException:  # noqa: BLE001 (nothing may unwind into the parent's stack)
            traceback.print_exc()
        os._exit(status)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        written = pipe.read()
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return None
    if status:
        raise RuntimeError(f"{job.__name__} failed by itself")
    return int(written)


def stopped(number: int, at: int, *words: str, among: str = "") -> tuple[int, str]:
    """Run a command in a fork that gets the signal before a write; its exit code and last words."""
    close()
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(writer, sys.stderr.fileno())
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
        try:
            with connection.execute_wrapper(Killer(at=at, number=number, among=among)):
                execute_from_command_line(["manage.py", *words])
        except SystemExit as end:
            code = int(end.code or 0)
        except BaseException:  # noqa: BLE001 (nothing may unwind into the parent's stack)
            traceback.print_exc()
        sys.stderr.flush()
        os._exit(code)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        said = pipe.read()
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), said


def killed_again_and_again(job: Callable[[], object], *, writes: int) -> Iterator[None]:
    """Run ``job``, of so many writes, until it is done, killed on the way; yield after each kill.

    What is done stays done, so that each attempt dies further on.
    """
    at = writes // ATTEMPTS
    while run(job, at=at) is None:
        yield
        at += writes // (ATTEMPTS * 4)


# --- Databases ----------------------------------------------------------------------------


def is_postgres() -> bool:
    return connection.vendor == "postgresql"


def close() -> None:
    """Leave nothing open: forks share no connection, and PostgreSQL copies no busy database."""
    connection.close()
    if is_postgres():
        connection.close_pool()


def use(name: str) -> None:
    close()
    connection.settings_dict["NAME"] = name


@contextmanager
def databases(*names: str) -> Iterator[None]:
    """Empty databases on the engine that DATABASE_URL names, dropped at the end."""
    try:
        for name in names:
            create(name)
        yield
    finally:
        close()
        for name in names:
            drop(name)


def create(name: str, *, template: str = "") -> None:
    close()
    if not is_postgres():
        if template:
            shutil.copyfile(template, name)
        return
    copied = f' TEMPLATE "{template}"' if template else ""
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}"{copied}')


def drop(name: str) -> None:
    if is_postgres():
        with connection._nodb_cursor() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def schema() -> list[str]:
    """Tables, columns, indexes, constraints and triggers as the engine spells them."""
    with connection.cursor() as cursor:
        if not is_postgres():
            cursor.execute("SELECT coalesce(sql, name) FROM sqlite_master")
        else:
            cursor.execute(
                "SELECT format('%s.%s %s %s', c.relname, a.attname, a.atttypid::regtype, "
                "a.attnotnull) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
                "WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace "
                "AND a.attnum > 0 AND NOT a.attisdropped "
                "UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' "
                "UNION ALL SELECT conrelid::regclass::text || conname || pg_get_constraintdef(oid) "
                "FROM pg_constraint WHERE connamespace = 'public'::regnamespace "
                "UNION ALL SELECT pg_get_triggerdef(oid) || tgenabled::text FROM pg_trigger "
                "WHERE NOT tgisinternal"
            )
        return sorted(row[0] for row in cursor.fetchall())


# --- What a job left ----------------------------------------------------------------------


def flaws() -> list[str]:
    """What the engine and the audit trail find wrong with the data; nothing when all is well."""
    found = []
    if not is_postgres():
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA integrity_check")
            found += [row[0] for row in cursor.fetchall() if row[0] != "ok"]
    try:
        connection.check_constraints()
    except django.db.IntegrityError as error:
        found.append(str(error))
    return found + seals.verify().findings


def disagreements() -> list[str]:
    """Where the audit trail and the rows of a seed tell different stories."""
    found = []
    for model in map(apps.get_model, ("users.User", "groups.Group", "items.Item",
                                      "groups.Membership", "authentication.APIToken")):  # fmt: skip
        events = AuditEvent.objects.filter(model=model._meta.model_name)
        created = events.filter(action="create").count()
        rows = model._base_manager.count()
        if created != rows:
            found.append(f"{model._meta.label}: {rows} rows, {created} create events")
        if hasattr(model, "deletion_id"):
            deleted = events.filter(action="delete").count()
            marked = model._base_manager.filter(is_deleted=True).count()
            if deleted != marked:
                found.append(f"{model._meta.label}: {marked} deleted, {deleted} delete events")
    return found


def rows() -> dict[str, int]:
    return {model._meta.label: model._base_manager.count() for model in apps.get_models()}


# --- The jobs -----------------------------------------------------------------------------


def migrate() -> None:
    call_command("migrate", verbosity=0)


def seed() -> None:
    call_command("seed_demo", **SMALL, stdout=StringIO())


def delete_tree() -> None:
    Group.objects.get(slug="doomed").delete()


def killed_migrations(scratch: str, reference: str) -> dict[str, Any]:
    use(reference)
    writes = run(migrate)
    expected = schema()
    applied = MigrationRecorder(connection).migration_qs.order_by("id").values_list("app", "name")
    notes = [f"'{app}', '{name}'" for app, name in applied if app in OWN_APPS]
    use(scratch)
    # The first ones die between what a migration does and the note that it was done.
    stop = stopped(signal.SIGINT, 1, "migrate", among=notes[0])
    kills = sum(run(migrate, at=1, among=note) is None for note in notes)
    kills += sum(1 for _ in killed_again_and_again(migrate, writes=writes))
    return {
        "kills": kills,
        "stops": [stop],
        "is_same_schema": schema() == expected,
        "flaws": flaws(),
        "system_roles": apps.get_model("authorization.Role").objects.count(),
        "permissions": apps.get_model("auth.Permission").objects.count(),
        "unapplied": MigrationExecutor(connection).migration_plan(
            MigrationExecutor(connection).loader.graph.leaf_nodes()
        ),
    }


def killed_deletes(scratch: str) -> dict[str, Any]:
    use(scratch)
    owner = User.objects.create_user("ada", "ada@example.org")
    group = Group.objects.create(name="Doomed", slug="doomed", owner=owner)
    Item.objects.bulk_create(Item(name=f"Item {n}", group=group) for n in range(TREE))
    outcomes = []
    for at in (1, 2, 3, 4, None):
        is_killed = run(delete_tree, at=at, at_commit=at is None) is None
        outcomes.append({"is_killed": is_killed, **_state_of_tree(), "flaws": flaws()})
    run(delete_tree)
    return {"kills": outcomes, "end": {**_state_of_tree(), "flaws": flaws()}}


def _state_of_tree() -> dict[str, int]:
    marked = Item.objects.filter(is_deleted=True)
    return {
        "groups": Group.objects.filter(is_deleted=True).count(),
        "items": marked.count(),
        "deletions": marked.values("deletion_id").distinct().count(),
        "events": AuditEvent.objects.filter(action="delete").count(),
    }


def killed_seeds(scratch: str, reference: str) -> dict[str, Any]:
    use(reference)
    writes = run(seed)
    expected = rows()
    use(scratch)
    size = [f"--{name}={value}" for name, value in SMALL.items()]
    stops = [
        stopped(number, writes // ATTEMPTS, "seed_demo", *size)
        for number in (signal.SIGINT, signal.SIGTERM)
    ]
    flaws_of_stops = flaws() + disagreements()
    outcomes = [
        {"flaws": flaws(), "other": disagreements()}
        for _ in killed_again_and_again(seed, writes=writes)
    ]
    made, again = rows(), run(seed)
    # One event for each new password; an audit event is all that a further run adds.
    for counts in (made, expected):
        counts.pop("core.AuditEvent")
    after = rows()
    after.pop("core.AuditEvent")
    return {
        "kills": outcomes,
        "stops": stops,
        "flaws_of_stops": flaws_of_stops,
        "flaws": flaws() + disagreements(),
        "differences": _differences(made, expected),
        "added_again": _differences(after, made) if again else {},
    }


def _differences(one: dict[str, int], other: dict[str, int]) -> dict[str, Any]:
    return {name: (one[name], other[name]) for name in one if one[name] != other[name]}


def kill(name: str) -> dict[str, Any]:
    reference, seeded, seeded_reference = f"{name}_r", f"{name}_s", f"{name}_sr"
    with databases(name, reference):
        report = {"migrations": killed_migrations(name, reference)}
        use(name)
        with connection.cursor() as cursor:
            if not is_postgres():
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        try:
            for copy in (seeded, seeded_reference):
                create(copy, template=name)
            report["deletes"] = killed_deletes(name)
            report["seeds"] = killed_seeds(seeded, seeded_reference)
        finally:
            close()
            for copy in (seeded, seeded_reference):
                drop(copy)
    return report


def round_trip(name: str) -> dict[str, Any]:
    """Take every app to zero and forward again."""
    with databases(name):
        use(name)
        migrate()
        expected = schema()
        tables = {model._meta.label: model._meta.db_table for model in apps.get_models()}
        report = {"apps": {}, "tables": connection.introspection.table_names()}
        for app in OWN_APPS:
            call_command("migrate", app, "zero", verbosity=0)
            left = set(connection.introspection.table_names())
            own = {t for label, t in tables.items() if label.split(".")[0] == app}
            migrate()
            report["apps"][app] = {
                "left": sorted(own & left),
                "differences": sorted(set(schema()) ^ set(expected)),
                "flaws": flaws(),
            }
    return report


if __name__ == "__main__":
    MigrationLoader(None)  # once here, and not in every fork
    scenario = {"kill": kill, "round_trip": round_trip}[sys.argv[1]]
    sys.stdout.write(json.dumps(scenario(str(connection.settings_dict["NAME"]))))
