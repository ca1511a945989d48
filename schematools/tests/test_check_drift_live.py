"""The command against a live database, from end to end, on the engine of this test run."""

import signal
import time

import pytest

from schematools.tests.shelf import IS_POSTGRESQL, Shelf, end_group, on_server, write

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("drift_live")]


def on(engine):
    """Keep a test for the kind of database that it is about; elsewhere there is none."""
    is_this = engine == ("postgresql" if IS_POSTGRESQL else "sqlite")
    return lambda test: test if is_this else None


@pytest.fixture(scope="module")
def clean(tmp_path_factory, django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        shelf = Shelf.made(tmp_path_factory.mktemp("shelf"))
        yield shelf
        shelf.remove()


@pytest.fixture
def shelf(clean, tmp_path):
    copied = clean.copied(tmp_path / "project")
    yield copied
    copied.remove()


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
    assert done.stderr == "CommandError: 1 finding.\n"


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


# Replaying


def test_a_replay_never_reaches_the_database_that_is_checked(shelf):
    before = shelf.rows("SELECT title FROM shelf_tallbook")

    found, notes = shelf.check(SCHEMATOOLS_CACHE_DIR=str(shelf.directory / "empty"))

    assert (found, notes, shelf.runs) == ([], [], 1)
    assert shelf.rows("SELECT title FROM shelf_tallbook") == before
    assert len(before) == 1


def test_the_first_check_shows_how_far_it_is_and_the_next_needs_none(shelf):
    empty = {"SCHEMATOOLS_CACHE_DIR": str(shelf.directory / "empty")}

    first = shelf.run("check_drift", "--no-docs", **empty)
    second = shelf.run("check_drift", "--no-docs", **empty)

    assert first.stderr.startswith("The first check takes longer than later ones. Replaying 1 of ")
    assert first.stdout == second.stdout
    assert second.stderr == ""
    assert shelf.runs == 1


def test_a_changed_migration_is_replayed_anew(shelf):
    path = shelf.directory / "shelf/migrations/0001_initial.py"
    path.write_text(path.read_text() + "\n# a remark\n")

    assert shelf.check() == ([], [])
    assert shelf.runs == 1


def test_only_what_was_applied_is_replayed(shelf):
    write(
        shelf.directory / "shelf/migrations/0003_more.py",
        """\
        from django.db import migrations


        class Migration(migrations.Migration):
            dependencies = [("shelf", "0002_data")]
            operations = [migrations.RunSQL("CREATE TABLE more (a integer)")]
        """,
    )

    assert shelf.check()[0] == [("migration-unapplied", "shelf.0003_more")]
    assert shelf.runs == 0  # a file that nobody has applied yet changes nothing


def test_a_migration_that_cannot_be_replayed_is_said_and_models_are_compared(shelf):
    shelf.sql("ALTER TABLE shelf_tallbook ADD COLUMN extra integer", "CREATE TABLE e (a integer)")
    failing = {"PROJECT_FAILS": "1", "SCHEMATOOLS_CACHE_DIR": str(shelf.directory / "empty")}

    found, notes = shelf.check(**failing)

    assert found == []
    assert "the other service does not answer." in notes[0]
    assert "compared with the models" in notes[1]

    shelf.sql("ALTER TABLE shelf_tallbook DROP COLUMN title")

    assert shelf.check(**failing)[0] == [("column-missing", "shelf_tallbook.title")]


def test_without_replaying_no_code_of_a_migration_runs(shelf):
    shelf.sql("ALTER TABLE shelf_tallbook DROP COLUMN title")

    found, notes = shelf.check("--no-replay", SCHEMATOOLS_CACHE_DIR=str(shelf.directory / "empty"))

    assert shelf.runs == 0
    assert found == [("column-missing", "shelf_tallbook.title")]
    assert "compared with the models" in notes[0]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_check_that_is_ended_leaves_no_scratch_place(shelf, tmp_path, number):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    process = shelf.start(
        "check_drift",
        "--no-docs",
        PROJECT_SLEEPS="60",
        TMPDIR=str(temporary),
        SCHEMATOOLS_CACHE_DIR=str(shelf.directory / "empty"),
    )
    while not shelf.runs:
        time.sleep(0.05)
    if IS_POSTGRESQL:
        (name,) = scratch_databases(shelf)
    else:
        assert list(temporary.iterdir())

    end_group(process, number) if number == signal.SIGINT else process.send_signal(number)
    process.communicate(timeout=30)

    assert process.returncode != 0
    assert list(temporary.iterdir()) == []
    if IS_POSTGRESQL:
        assert on_server(f"SELECT 1 FROM pg_database WHERE datname = '{name}'") == []


def scratch_databases(shelf):
    """Return the scratch databases in which this project's migration made its table."""
    names = on_server(
        "SELECT DISTINCT datname FROM pg_stat_activity WHERE datname LIKE 'schematools_scratch_%%' "
        "AND query LIKE 'CREATE TABLE by_hand%%'"
    )
    assert names
    return names


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


# Edited migrations


def test_a_migration_that_was_edited_after_it_was_applied_is_found(shelf):
    path = shelf.directory / "shelf/migrations/0002_data.py"
    path.write_text(path.read_text().replace("(a integer)", "(a bigint)"))

    found, _ = shelf.check("--no-live")

    assert found == [("migration-edited", "shelf.0002_data")]


def test_a_migration_that_was_only_reformatted_is_no_drift(shelf):
    path = shelf.directory / "shelf/migrations/0001_initial.py"
    text = path.read_text().replace('"', "'").replace("    ", "  ")
    path.write_text(f'"""What it is for."""\n# A remark.\n{text}')

    assert shelf.check("--no-live") == ([], [])


def test_an_edited_migration_that_is_applied_again_is_as_applied(shelf):
    path = shelf.directory / "shelf/migrations/0002_data.py"
    shelf.sql("DROP TABLE by_hand")
    assert shelf.run("migrate", "shelf", "0001").returncode == 0
    path.write_text(path.read_text().replace("(a integer)", "(a bigint)"))
    assert shelf.run("migrate").returncode == 0

    assert shelf.check() == ([], [])


def test_a_half_applied_squash_is_found(shelf):
    write(
        shelf.directory / "shelf/migrations/0001_squashed.py",
        """\
        from django.db import migrations


        class Migration(migrations.Migration):
            replaces = [("shelf", "0002_data"), ("shelf", "0003_more")]
            dependencies = [("shelf", "0001_initial")]
            operations = []
        """,
    )
    write(
        shelf.directory / "shelf/migrations/0003_more.py",
        """\
        from django.db import migrations


        class Migration(migrations.Migration):
            dependencies = [("shelf", "0002_data")]
            operations = []
        """,
    )

    assert shelf.check()[0] == [
        ("migration-half-replaced", "shelf.0001_squashed"),
        ("migration-unapplied", "shelf.0003_more"),
    ]


def test_texts_are_compared_as_they_were_written(shelf):
    models = shelf.directory / "shelf/models.py"
    source = models.read_text()
    text = '_("Yes")'  # Django itself translates it
    write(
        models,
        f"from django.utils.translation import gettext_lazy as _\n{source}\n"
        f"class Answer(models.Model):\n    class Meta:\n        verbose_name = {text}\n",
    )
    shelf.run("makemigrations", "shelf")
    shelf.run("migrate")

    findings, _ = shelf.check(PROJECT_LANGUAGE="de")

    assert findings == []
