"""The command against a live database, from end to end, on the engine of this test run."""

import time

import pytest

from schematools.tests.one_engine import on
from schematools.tests.shelf import IS_POSTGRESQL, Shelf, on_server, write

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("drift_live")]


# What is found


def test_a_finding_says_what_is_expected_and_how_to_mend_it(shelf):
    shelf.sql("DROP TABLE by_hand")

    done = shelf.run("check_drift", "--no-docs")

    assert done.returncode == 1
    assert done.stdout == (
        "error: by_hand: Expected a table; found none. [table-missing]\n"
        + (
            '    CREATE TABLE "by_hand" ("a" integer);\n'
            if IS_POSTGRESQL
            else "    CREATE TABLE by_hand (a integer);\n"
        )
    )
    assert done.stderr == "1 finding.\n"


def test_what_only_code_in_a_migration_makes_is_neither_missing_nor_extra(shelf):
    assert shelf.check() == ([], [])


def test_the_database_can_be_left_out(shelf):
    shelf.sql("DROP TABLE by_hand")

    assert shelf.check("--no-live") == ([], [])


def test_findings_can_be_ignored_by_switch_and_by_setting(shelf):
    shelf.sql("CREATE TABLE legacy_one (a integer)", "CREATE TABLE legacy_two (a integer)")
    assert shelf.check()[0] == [("table-extra", "legacy_one"), ("table-extra", "legacy_two")]

    found, _ = shelf.check("--ignore", "table-extra:legacy_o*")
    assert found == [("table-extra", "legacy_two")]

    conf = shelf.directory / "conf.py"
    with conf.open("a") as file:
        file.write('SCHEMATOOLS["DRIFT_IGNORE"] = {"table-extra:legacy_*": "another program\'s"}\n')
    assert shelf.check()[0] == []

    shelf.sql("DROP TABLE legacy_one", "DROP TABLE legacy_two")
    done = shelf.run("check_drift", "--no-docs")
    assert done.returncode == 0
    assert "Nothing is left out by ignoring 'table-extra:legacy_*'" in done.stderr


def test_tables_of_unmanaged_models_and_of_the_cache_are_nobodys_drift(shelf):
    write(
        shelf.directory / "shelf/models.py",
        (shelf.directory / "shelf/models.py").read_text()
        + "\n\nclass Foreign(models.Model):\n    class Meta:\n        managed = False\n",
    )
    write(
        shelf.directory / "shelf/migrations/0003_foreign.py",
        """\
        from django.db import migrations, models


        class Migration(migrations.Migration):
            dependencies = [("shelf", "0002_data")]
            operations = [
                migrations.CreateModel(
                    "Foreign",
                    [("id", models.BigAutoField(primary_key=True, serialize=False))],
                    options={"managed": False},
                )
            ]
        """,
    )
    with (shelf.directory / "conf.py").open("a") as file:
        file.write(
            'CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache",'
            ' "LOCATION": "kept"}}\n'
        )
    assert shelf.run("migrate").returncode == 0
    assert shelf.run("createcachetable").returncode == 0
    shelf.sql("CREATE TABLE shelf_foreign (id bigint)")

    found, _ = shelf.check()

    assert [each for each in found if each[0] != "model-not-migrated"] == []


def test_a_router_decides_which_tables_are_expected_where(shelf, tmp_path):
    other = Shelf(shelf.directory, shelf.database + "_other")
    if IS_POSTGRESQL:
        on_server(f'CREATE DATABASE "{other.database}"')
    write(
        shelf.directory / "routers.py",
        """\
        class Router:
            def allow_migrate(self, db, app_label, **hints):
                return (db == "other") == (app_label == "attic")
        """,
    )
    write(shelf.directory / "attic/__init__.py", "")
    write(
        shelf.directory / "attic/models.py",
        """\
        from django.db import models


        class Box(models.Model):
            size = models.IntegerField()
        """,
    )
    with (shelf.directory / "conf.py").open("a") as file:
        file.write(
            'INSTALLED_APPS.append("attic")\n'
            'DATABASE_ROUTERS = ["routers.Router"]\n'
            'DATABASES["other"] = {**PLACE, "NAME": DATABASES["default"]["NAME"] + "_other"}\n'
        )
    try:
        assert shelf.run("makemigrations", "attic").returncode == 0
        for alias in ("default", "other"):
            assert shelf.run("migrate", "--database", alias).returncode == 0, alias

        assert shelf.check() == ([], [])
        assert shelf.check("--database", "other") == ([], [])

        other.sql("DROP TABLE attic_box")

        assert shelf.check() == ([], [])
        assert shelf.check("--database", "other")[0] == [("table-missing", "attic_box")]
    finally:
        other.remove()


@on("postgresql")
def test_a_sequence_behind_its_column_is_found(shelf):
    shelf.sql("INSERT INTO shelf_tallbook (id, title) VALUES (7, 'with a number of its own')")

    done = shelf.run("check_drift", "--no-docs")

    assert "error: shelf_tallbook.id: Expected the next number to be above 7" in done.stdout
    remedy = done.stdout.splitlines()[1].strip()
    shelf.sql(remedy)
    assert shelf.check() == ([], [])


# Faults


def refused(shelf, *arguments, **environment):
    done = shelf.run("check_drift", "--no-docs", *arguments, **environment)
    assert done.returncode == 2, done.stdout + done.stderr
    (sentence,) = done.stderr.splitlines()
    return sentence


def test_an_unknown_database_is_said(shelf):
    assert "There is no database 'defaul' in DATABASES. Did you mean 'default'?" in refused(
        shelf, "--database", "defaul"
    )


def test_a_database_without_records_is_said(shelf):
    shelf.sql("DROP TABLE django_migrations")

    assert "has no table django_migrations" in refused(shelf)


def test_a_locked_database_is_waited_for_only_so_long(shelf):
    lock = {
        True: ["BEGIN", "LOCK TABLE shelf_tallbook IN ACCESS EXCLUSIVE MODE"],
        False: ["BEGIN EXCLUSIVE"],
    }[IS_POSTGRESQL]
    with shelf.session() as execute:
        for statement in lock:
            execute(statement)
        started = time.monotonic()

        sentence = refused(shelf)

    assert "Another session has locked a table of the database 'default'" in sentence
    assert time.monotonic() - started < 20


@on("postgresql")
def test_a_server_that_is_not_there_and_a_stranger_are_said(shelf):
    assert "The database cannot be read: " in refused(shelf, PROJECT_HOST="/nowhere")
    assert "The database cannot be read: " in refused(shelf, PROJECT_USER="nobody_knows_me")


@on("postgresql")
def test_a_role_that_may_only_read_can_check(shelf):
    role = f"reader_{shelf.database[-8:]}"
    shelf.sql(f"CREATE ROLE {role} LOGIN", f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
    empty = {"SCHEMATOOLS_CACHE_DIR": str(shelf.directory / "empty")}
    try:
        assert shelf.check(PROJECT_USER=role) == ([], [])  # others have replayed before

        found, notes = shelf.check(PROJECT_USER=role, **empty)
        assert found == []
        assert "permission denied to create database" in notes[0]

        shelf.sql("ALTER TABLE shelf_tallbook ALTER COLUMN title DROP NOT NULL")
        assert shelf.check(PROJECT_USER=role, **empty)[0] == [
            ("column-null", "shelf_tallbook.title")
        ]
        shelf.sql("ALTER TABLE shelf_tallbook ALTER COLUMN title SET NOT NULL")

        shelf.sql(f"REVOKE SELECT ON django_migrations FROM {role}")
        assert "permission denied for table django_migrations" in refused(shelf, PROJECT_USER=role)
    finally:
        shelf.sql(f"DROP OWNED BY {role}", f"DROP ROLE {role}")
