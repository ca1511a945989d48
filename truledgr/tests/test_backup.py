"""The commands of docs/operations/backup-and-restore.md, run as they are written."""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection

from core.models import AuditEvent
from items.models import Item
from items.tests.factories import ItemFactory
from truledgr.tests.docs.blocks import blocks_in
from truledgr.tests.engines import connect, with_name
from truledgr.tests.postgres import PACKAGE, PROJECT
from truledgr.tests.serving import database_url
from truledgr.tests.test_crash import signed_in_token
from users.models import SessionActivity, UserSession
from users.tests.factories import UserFactory

# It is long: a group of its own begins early.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("backup")]

PAGE = "docs/operations/backup-and-restore.md"
OBJECTS = {
    "sqlite": "SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY 1, 2",
    # Triggers, indexes, and which table is a part of which.
    "postgresql": (
        "SELECT 'trigger', tgrelid::regclass || ' ' || tgname FROM pg_trigger "
        "WHERE NOT tgisinternal "
        "UNION ALL SELECT 'index', indexname FROM pg_indexes WHERE schemaname = 'public' "
        "UNION ALL SELECT 'part', inhparent::regclass || ' ' || inhrelid::regclass "
        "FROM pg_inherits "
        "UNION ALL SELECT 'rule', conrelid::regclass || ' ' || conname FROM pg_constraint "
        "WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2"
    ),
}


def test_what_was_backed_up_is_restored_whole(tmp_path):
    fill()
    before = contents(database_url())
    section = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[connection.vendor]
    scratch = f"{connection.settings_dict['NAME']}_restored"
    places = {
        "/var/backups/truledgr": str(tmp_path),
        "truledgr_restored": scratch,
        "DATABASE=db.sqlite3": f"DATABASE={connection.settings_dict['NAME']}",
    }
    try:
        printed = run([*commands(section, places), 'echo "RESTORED_URL=$RESTORED_URL"'], {})
        restored = re.search(r"^RESTORED_URL=(.+)$", printed, re.MULTILINE)[1]
        after = contents(restored)
        told = run(commands("After restoring", places), {"RESTORED_URL": restored})
    finally:
        if connection.vendor == "postgresql":
            drop(scratch)

    assert after == before
    assert before["tables"]["audit_events"] == AuditEvent.objects.count() > 5
    assert len(before["objects"]) > 50
    kinds = {kind for kind, _name in before["objects"]}
    assert kinds >= {"trigger", "index"} | (
        {"part"} if connection.vendor == "postgresql" else set()
    )
    assert "1 session ended" in told
    assert UserSession.objects.active().count() == 1  # only those of the copy were ended


def fill():
    owner = UserFactory()
    ItemFactory.create_batch(6, owner=owner)
    Item.objects.filter(owner=owner).delete()
    signed_in_token()
    SessionActivity.objects.create(activity_type="request", user=owner)
    call_command("audit_seal", verbosity=0)


def commands(section, places):
    """The blocks of one section of the page, with directories and names of the test's own."""
    text = (PROJECT / PAGE).read_text()
    [found] = re.findall(rf"^## {section}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    blocks = [block.text for block in blocks_in(found)]
    assert blocks
    for written, meant in places.items():
        blocks = [block.replace(written, meant) for block in blocks]
    return blocks


def run(blocks, environ):
    search = [str(Path(sys.executable).parent), os.environ["PATH"]]
    if connection.vendor == "postgresql":
        search.insert(0, str(client_programs()))
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(blocks)],
        cwd=PROJECT,
        env={
            **os.environ,
            "PATH": os.pathsep.join(search),
            "DJANGO_SETTINGS_MODULE": "truledgr.settings",
            "DATABASE_URL": database_url(),
            **environ,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def client_programs():
    """Where pg_dump and its like of the server's major version are."""
    version = connection.pg_version // 10_000
    directories = [Path(shutil.which("pg_dump") or "/").parent]
    directories.append(Path(f"/usr/lib/postgresql/{version}/bin"))
    if spec := find_spec(PACKAGE):
        directories.append(Path(spec.submodule_search_locations[0], "pginstall", "bin"))
    for directory in directories:
        program = directory / "pg_dump"
        if program.exists() and f") {version}." in told_version(program):
            return directory
    raise AssertionError(
        f"The server is PostgreSQL {version}, and its programs are not here. Install them (on "
        f"Debian and Ubuntu: apt install postgresql-client-{version})."
    )


def told_version(program):
    return subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout


def contents(url):
    """How many rows each table has, and what else there is."""
    opened = connect(url) if connection.vendor == "postgresql" else sqlite3.connect(url[10:])
    with closing(opened) as database:
        tables = connection.introspection.table_names()
        counts = {
            table: database.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]
            for table in tables
        }
        return {
            "tables": counts,
            "objects": [tuple(row) for row in database.execute(OBJECTS[connection.vendor])],
        }


def drop(name):
    with connect(with_name(database_url(), "postgres"), autocommit=True) as server:
        server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
