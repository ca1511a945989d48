"""A small project that tests write, migrate on the engine of the test run, and spoil."""

import json
import os
import secrets
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import contextmanager, suppress
from textwrap import dedent

from django.db import connection, connections

from schematools.tests.running import REPOSITORY, run_django

IS_POSTGRESQL = connection.vendor == "postgresql"

FILES = {
    "conf.py": """\
        import os
        from pathlib import Path

        BASE_DIR = Path(__file__).parent
        SECRET_KEY = "for tests alone"
        INSTALLED_APPS = ["schematools", "shelf"]
        PLACE = {
            "ENGINE": "django.db.backends." + os.environ["PROJECT_ENGINE"],
            "HOST": os.environ["PROJECT_HOST"],
            "USER": os.environ.get("PROJECT_USER", ""),
        }
        DATABASES = {"default": {**PLACE, "NAME": os.environ["PROJECT_DATABASE"]}}
        DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
        LANGUAGE_CODE = os.environ.get("PROJECT_LANGUAGE", "en")
        USE_TZ = True
        SCHEMATOOLS = {"OUTPUT": "docs"}
        """,
    "shelf/__init__.py": "",
    "shelf/models.py": """\
        from django.db import models


        class TallBook(models.Model):
            title = models.TextField()
        """,
    "shelf/migrations/__init__.py": "",
    "shelf/migrations/0001_initial.py": """\
        from django.db import migrations, models

        AUTOMATIC = {"auto_created": True, "primary_key": True, "serialize": False}


        class Migration(migrations.Migration):
            initial = True
            dependencies = []
            operations = [
                migrations.CreateModel(
                    "TallBook",
                    [
                        ("id", models.BigAutoField(verbose_name="ID", **AUTOMATIC)),
                        ("title", models.TextField()),
                    ],
                ),
            ]
        """,
    # Runs as every migration may: by the default manager, and outside of any database.
    "shelf/migrations/0002_data.py": """\
        import os
        import time
        from pathlib import Path

        from django.db import connection, migrations

        from shelf.models import TallBook

        BASE_DIR = Path(__file__).parents[2]


        def write(apps, schema_editor):
            with (BASE_DIR / "runs").open("a") as file:
                file.write(f"{os.getpid()}\\n")
            if os.environ.get("PROJECT_FAILS"):
                raise RuntimeError("the other service does not answer.")
            TallBook.objects.create(title="written by the default manager")
            with connection.cursor() as cursor:
                cursor.execute("CREATE TABLE by_hand (a integer)")
            time.sleep(float(os.environ.get("PROJECT_SLEEPS", 0)))


        class Migration(migrations.Migration):
            dependencies = [("shelf", "0001_initial")]
            operations = [migrations.RunPython(write, migrations.RunPython.noop)]
        """,
}


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text))


class Shelf:
    """The project in a directory, with a database of its own."""

    def __init__(self, directory, database):
        self.directory = directory
        self.database = database
        self.environment = {
            "DJANGO_SETTINGS_MODULE": "conf",
            "PROJECT_DATABASE": database,
            "PROJECT_ENGINE": connection.settings_dict["ENGINE"].rpartition(".")[2],
            "PROJECT_HOST": connection.settings_dict["HOST"],
            "PROJECT_USER": connection.settings_dict["USER"],
            "PGPORT": str(connection.settings_dict["PORT"]),
            "PGPASSWORD": connection.settings_dict["PASSWORD"],
            "PYTHONPATH": str(directory),
            "SCHEMATOOLS_CACHE_DIR": str(directory / "cache"),
        }

    @classmethod
    def made(cls, directory):
        """Write the project and migrate its database."""
        for name, text in FILES.items():
            write(directory / name, text)
        shelf = cls(directory, _new_name(directory))
        if IS_POSTGRESQL:
            on_server(f'CREATE DATABASE "{shelf.database}"')
        for command in ("migrate", "check_drift"):
            done = shelf.run(command, *(["--no-docs"] if command == "check_drift" else []))
            assert done.returncode == 0, done.stdout + done.stderr
        return shelf

    def copied(self, directory):
        """Return another project with the same files, database and snapshots."""
        shutil.copytree(
            self.directory,
            directory,
            ignore=shutil.ignore_patterns("__pycache__", "*.sqlite3", "runs"),
        )
        shelf = Shelf(directory, _new_name(directory))
        if IS_POSTGRESQL:
            on_server(f'CREATE DATABASE "{shelf.database}" TEMPLATE "{self.database}"')
        else:
            shutil.copyfile(self.database, shelf.database)
        return shelf

    def run(self, *arguments, **environment):
        return run_django(*arguments, **self.environment | environment)

    def check(self, *arguments, **environment):
        """Return the findings' ids and objects, and the notes."""
        done = self.run("check_drift", "--no-docs", "--format", "json", *arguments, **environment)
        assert done.returncode in {0, 1}, done.stderr
        report = json.loads(done.stdout)
        assert bool(report["findings"]) == bool(done.returncode)
        return [(item["id"], item["object"]) for item in report["findings"]], report["notes"]

    def start(self, *arguments, **environment):
        """Start a command and return its process, in a group of its own."""
        path = os.pathsep.join([str(self.directory), str(REPOSITORY)])
        return subprocess.Popen(
            [sys.executable, "-m", "django", *arguments],
            env=os.environ | self.environment | {"PYTHONPATH": path} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        )

    @contextmanager
    def session(self):
        """Yield what runs SQL in another session."""
        if IS_POSTGRESQL:
            settings = {**connection.settings_dict, "NAME": self.database, "OPTIONS": {}}
            opened = connections["default"].__class__(settings, alias="default")
            try:
                yield lambda sql: opened.cursor().execute(sql)
            finally:
                opened.close()
        else:
            opened = sqlite3.connect(self.database, isolation_level=None)
            try:
                yield opened.execute
            finally:
                opened.close()

    def sql(self, *statements):
        with self.session() as execute:
            for statement in statements:
                execute(statement)

    def rows(self, sql):
        with self.session() as execute:
            found = execute(sql)
            return [tuple(row) for row in found] if not IS_POSTGRESQL else list(found)

    @property
    def runs(self):
        """How often the second migration's code ran, the first time left out."""
        path = self.directory / "runs"
        return len(path.read_text().splitlines()) if path.exists() else 0

    def remove(self):
        if IS_POSTGRESQL:
            on_server(f'DROP DATABASE IF EXISTS "{self.database}" WITH (FORCE)')


def _new_name(directory):
    mark = secrets.token_hex(4)
    if IS_POSTGRESQL:
        return f"{connection.settings_dict['NAME'][:40]}_shelf_{mark}"
    return str(directory / f"{mark}.sqlite3")


def on_server(statement):
    with connections["default"]._nodb_cursor() as cursor:
        cursor.execute(statement)
        with suppress(Exception):  # statements that return nothing
            return [row for (row,) in cursor.fetchall()]


def scratch_places():
    """Return what a check would leave behind if it did not tidy up."""
    if IS_POSTGRESQL:
        return set(on_server("SELECT datname FROM pg_database WHERE datname ~ '^schematools_'"))
    return set()


def end_group(process, number=signal.SIGINT):
    os.killpg(process.pid, number)
