"""Migrates databases once, and hands out copies of them to spoil."""

import json
import os
import secrets
import shutil
import subprocess
import sys
from contextlib import contextmanager

import django
from django.core.management import call_command
from django.db import connection, connections
from django.db.migrations.recorder import MigrationRecorder

from schematools.documentation import in_silence
from schematools.replay import replay
from schematools.tests.running import REPOSITORY

PROJECTS = {
    "depot": "schematools.tests.migrated.settings",
    "truledgr": "truledgr.settings_test",
}
IN_PROCESSES_OF_THEIR_OWN = ("DJANGO_", "PROJECT_", "COVERAGE_", "COV_")


class Template:
    """A freshly migrated database of a project; ``expected`` is what a replay says of it."""

    def __init__(self, project, directory):
        mark = f"{project}_{secrets.token_hex(4)}"
        settings = connection.settings_dict
        if connection.vendor == "postgresql":
            self.name = f"{settings['NAME'][:40]}_{mark}"
            self._on_server(f'CREATE DATABASE "{self.name}"')
        else:
            self.name = str(directory / f"{mark}.sqlite3")
        result = directory / f"{mark}.json"
        done = subprocess.run(
            [sys.executable, "-m", "schematools.tests.mutating", str(result)],
            cwd=REPOSITORY,
            env=self._environment(project),
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        self.expected = json.loads(result.read_text(encoding="utf-8"))

    def _environment(self, project):
        settings = connection.settings_dict
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(IN_PROCESSES_OF_THEIR_OWN)
        }
        engine = settings["ENGINE"].rpartition(".")[2]
        place = f"{settings['USER']}@{settings['HOST']}:{settings['PORT'] or 5432}"
        url = (
            f"postgres://{place}/{self.name}"
            if engine == "postgresql"
            else f"sqlite:///{self.name}"
        )
        given = {
            "DJANGO_SETTINGS_MODULE": PROJECTS[project],
            "DATABASE_URL": url,
            "PROJECT_ENGINE": engine,
            "PROJECT_DATABASE": self.name,
            "PROJECT_HOST": settings["HOST"],
            "PGPORT": str(settings["PORT"]),
            "PGUSER": settings["USER"],
            "PGPASSWORD": settings["PASSWORD"],
        }
        return inherited | {name: value for name, value in given.items() if value}

    @contextmanager
    def copy(self):
        """Yield a connection to a copy, which is gone at the end."""
        name = f"{self.name}_copy"
        if connection.vendor == "postgresql":
            self._on_server(f'CREATE DATABASE "{name}" TEMPLATE "{self.name}"')
        else:
            shutil.copyfile(self.name, name)
        copied = {**connection.settings_dict, "NAME": name}
        copied["OPTIONS"] = {k: v for k, v in copied["OPTIONS"].items() if k != "pool"}
        opened = connections["default"].__class__(copied, alias="default")
        try:
            yield opened
        finally:
            opened.close()
            self._drop(name)

    def remove(self):
        self._drop(self.name)

    def _drop(self, name):
        if connection.vendor == "postgresql":
            self._on_server(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def _on_server(self, statement):
        with connections["default"]._nodb_cursor() as cursor:
            cursor.execute(statement)


def run(opened, statements):
    """Run SQL as somebody would paste it, in one go."""
    with opened.cursor() as cursor:
        if opened.vendor == "sqlite":
            cursor.connection.executescript(statements)
        elif "CONCURRENTLY" in statements:  # which is never one of several
            for statement in filter(None, map(str.strip, statements.split(";"))):
                cursor.execute(statement)
        else:
            cursor.execute(statements.replace("%", "%%"), [])


def rewrite(opened, table, old, new):
    """Make a table of SQLite anew with another text, keeping indexes and triggers."""
    rows = opened.cursor().execute(
        "SELECT type, sql FROM sqlite_master WHERE tbl_name = %s AND sql IS NOT NULL", [table]
    )
    around = [(kind, sql) for kind, sql in rows.fetchall()]
    (text,) = [sql for kind, sql in around if kind == "table"]
    assert old in text, text
    changed = text.replace(old, new).replace(f'"{table}"', '"changed"', 1)
    changed = changed.replace(f"TABLE {table} ", 'TABLE "changed" ', 1)
    script = [
        "PRAGMA foreign_keys=OFF",
        "PRAGMA legacy_alter_table=ON",
        changed,
        f'DROP TABLE "{table}"',
        f'ALTER TABLE "changed" RENAME TO "{table}"',
        *(sql for kind, sql in around if kind != "table"),
        "PRAGMA legacy_alter_table=OFF",
    ]
    opened.cursor().connection.executescript(";\n".join(script))


def main(result):
    """Migrate the database of the settings, and write what a replay makes."""
    django.setup()
    call_command("migrate", verbosity=0)
    recorded = list(MigrationRecorder(connection).applied_migrations())
    found = replay(connection, mode="migrations", recorded=recorded, progress=in_silence)
    with open(result, "w", encoding="utf-8") as file:  # noqa: PTH123
        json.dump(found, file)


if __name__ == "__main__":
    main(sys.argv[1])
