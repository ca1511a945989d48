"""The command from end to end: what it shows, what it does, and what is left working."""

import os
import time

import pytest
from django.db import connection

from schematools.tests.archive_project import (
    COMMAND,
    DATABASES,
    ONE,
    SQUASHED,
    contents,
    copied,
    edit,
    make_migrated,
    refusal,
    sql,
    succeed,
)
from schematools.tests.one_engine import on
from schematools.tests.test_check_drift import run, write

pytestmark = pytest.mark.xdist_group("archive")

REPLACED = ("0001_initial", "0002_title", "0003_load")
PLAN = f"""\
move shelf/migrations/0001_initial.py to shelf/migrations/archive/0001_initial.py
move shelf/migrations/0002_title.py to shelf/migrations/archive/0002_title.py
move shelf/migrations/0003_load.py to shelf/migrations/archive/0003_load.py
rewrite desk/migrations/0001_initial.py
    -        ('shelf', '0002_title'),  # for its title
    +        ('shelf', '{SQUASHED}'),  # for its title
rewrite shelf/migrations/{SQUASHED}.py
    -
    -    replaces = [
    -        ("shelf", "0001_initial"),
    -        ("shelf", "0002_title"),  # titles
    -        ("shelf", "0003_load"),
    -    ]
The schema is the same before and after, built from nothing.
"""


@pytest.fixture(scope="module")
def migrated(tmp_path_factory):
    directory = tmp_path_factory.mktemp("migrated")
    make_migrated(directory)
    return directory


@pytest.fixture
def project(migrated, tmp_path):
    return copied(migrated, tmp_path / "project")


@pytest.fixture
def empty_database(db):
    """A database beside the tests' own, as its settings are written."""
    own, name = connection.settings_dict, f"archive_probe_{os.getpid()}"
    with connection._nodb_cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name}")
        cursor.execute(f"CREATE DATABASE {name}")
    yield {
        **{key: own[key] for key in ("ENGINE", "HOST", "PORT", "USER", "PASSWORD")},
        "NAME": name,
    }
    with connection._nodb_cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_a_dry_run_shows_everything_and_changes_nothing(project):
    before = contents(project)

    shown = succeed(project, COMMAND, *ONE)

    assert shown == PLAN + "Nothing was written: add --apply to do it.\n"
    assert contents(project) == before


def test_the_replaced_migrations_go_and_nothing_else_changes(project):
    before = contents(project)
    rows = sql(project, "SELECT * FROM shelf_tallbook")

    shown = succeed(project, COMMAND, "--apply")

    migrations = project / "shelf/migrations"
    after = contents(project)
    for name in REPLACED:
        assert not (migrations / f"{name}.py").exists()
        archived = (migrations / f"archive/{name}.py").relative_to(project)
        assert after[archived] == before[(migrations / f"{name}.py").relative_to(project)]
    assert "replaces" not in (migrations / f"{SQUASHED}.py").read_text()
    assert "python manage.py migrate shelf --prune --database other" in shown
    for alias, file in (("default", "db"), ("other", "other")):
        assert "No migrations to apply" in succeed(project, "migrate", "--database", alias)
        assert sql(project, "SELECT * FROM shelf_tallbook", file) == rows
    assert succeed(project, "makemigrations", "--check") == "No changes detected\n"
    assert "nothing to archive" in succeed(project, COMMAND)


def test_a_new_database_gets_the_same_from_what_is_left(project):
    dump = "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name"
    for database in DATABASES:
        (project / f"{database}.sqlite3").rename(project / f"old-{database}.sqlite3")
    succeed(project, "migrate")
    from_all = sql(project, dump)
    (project / "db.sqlite3").unlink()
    for database in DATABASES:
        (project / f"old-{database}.sqlite3").rename(project / f"{database}.sqlite3")
    succeed(project, COMMAND, "shelf", "--write", "--database", "default")
    (project / "db.sqlite3").unlink()

    succeed(project, "migrate")

    assert sql(project, dump) == from_all
    assert sql(project, "SELECT title FROM shelf_tallbook") == [("First",)]
    assert sql(project, "SELECT name FROM django_migrations WHERE app = 'shelf'") == [(SQUASHED,)]


def test_the_advice_to_prune_is_sound(project):
    succeed(project, COMMAND, *ONE, "--apply")

    succeed(project, "migrate", "shelf", "--prune", "--database", "default")

    assert sql(project, "SELECT name FROM django_migrations WHERE app = 'shelf'") == [(SQUASHED,)]
    assert "No migrations to apply" in succeed(project, "migrate")


def test_the_archive_may_be_anywhere_that_django_does_not_load(project):
    succeed(project, COMMAND, *ONE, "--apply", "--archive", str(project / "attic"))

    assert (project / "attic/shelf/0001_initial.py").exists()
    assert not (project / "shelf/migrations/archive").exists()


def test_a_failure_half_way_puts_everything_back(project):
    before = contents(project)
    write(
        project / "conf_failing.py",
        """\
        from conf import *
        from schematools import archive_files

        written = archive_files._write


        def fail_on_the_last(path, content):
            if "squashed" in path.name and b"replaces" not in content:
                raise KeyboardInterrupt
            written(path, content)


        archive_files._write = fail_on_the_last
        """,
    )

    result = run(project, COMMAND, *ONE, "--apply", DJANGO_SETTINGS_MODULE="conf_failing")

    assert result.returncode != 0
    (project / "conf_failing.py").unlink()
    assert contents(project) == before
    assert not (project / "shelf/migrations/archive").exists()


def test_what_replaced_migrations_were_removed_from_by_hand_is_finished(project):
    (project / "shelf/migrations/0003_load.py").unlink()

    succeed(project, COMMAND, *ONE, "--apply")

    assert sorted(path.name for path in (project / "shelf/migrations/archive").iterdir()) == [
        "0001_initial.py",
        "0002_title.py",
    ]
    assert "No migrations to apply" in succeed(project, "migrate")


def test_an_app_without_squashed_migrations_has_nothing_to_archive(project):
    assert "nothing to archive" in succeed(project, COMMAND, "desk")


def test_help_shows_examples(project):
    assert "manage.py archive_migrations users --apply\n" in succeed(project, COMMAND, "--help")


VIEW = "CREATE VIEW seen AS SELECT title FROM shelf_tallbook"


@on("postgresql")
def test_postgresql_is_proved_in_a_scratch_database_that_goes_again(project, empty_database):
    squashed = project / f"shelf/migrations/{SQUASHED}.py"
    text = squashed.read_text()
    squashed.unlink()
    conf = project / "conf.py"
    conf.write_text(f"{conf.read_text()}DATABASES = {{'default': {empty_database}}}\n")
    load, with_view = "[migrations.Run", f'[migrations.RunSQL("{VIEW}", ""), migrations.Run'
    edit(project / "shelf/migrations/0003_load.py", load, with_view)
    succeed(project, "migrate")
    squashed.write_text(text)
    succeed(project, "migrate")

    assert "does not make what it replaces makes: seen: " in refusal(project)

    edit(squashed, "migrations.RunPython(", f'migrations.RunSQL("{VIEW}"), migrations.RunPython(')
    succeed(project, COMMAND, "--apply")

    assert "No migrations to apply" in succeed(project, "migrate")
    assert lasting_scratch_databases() == set()


def lasting_scratch_databases():
    """Those that are there now and stay; other tests make some as well, for a few seconds."""
    left = found = scratch_databases()
    patience = time.monotonic() + 60
    while left and time.monotonic() < patience:
        time.sleep(0.2)
        left = found & scratch_databases()
    return left


def scratch_databases():
    with connection.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE 'schematools_scratch%'")
        return {name for (name,) in cursor}
