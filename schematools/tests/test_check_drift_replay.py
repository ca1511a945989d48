"""What the command replays, how often, and what it leaves behind."""

import signal
import time

import pytest

from schematools.tests.shelf import IS_POSTGRESQL, end_group, on_server, write

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("drift_live")]


def test_a_replay_never_reaches_the_database_that_is_checked(shelf):
    before = shelf.rows("SELECT title FROM shelf_tallbook")

    found, notes = shelf.check(SCHEMATOOLS_CACHE_DIR=str(shelf.directory / "empty"))

    assert (found, notes, shelf.runs) == ([], [], 1)
    assert shelf.rows("SELECT title FROM shelf_tallbook") == before
    assert len(before) == 1


def test_the_next_check_needs_no_replay_and_nobody_watching_sees_progress(shelf):
    empty = {"SCHEMATOOLS_CACHE_DIR": str(shelf.directory / "empty")}

    first = shelf.run("check_drift", "--no-docs", **empty)
    second = shelf.run("check_drift", "--no-docs", **empty)

    assert first.stdout == second.stdout
    assert (first.stderr, second.stderr) == ("", "")
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
