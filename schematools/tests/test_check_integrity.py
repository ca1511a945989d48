"""The command from end to end, on a table that only the database knows."""

import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections

from schematools.errors import CannotRunError
from schematools.integrity import find_violations
from schematools.progress import ProgressLine
from schematools.read_only import Limits
from schematools.tests.one_engine import on

COMMAND = "check_integrity"

pytestmark = pytest.mark.django_db


@pytest.fixture
def probe():
    """A table with a check that two of its three rows break, in spite of the database."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                "CREATE TABLE probe (id integer PRIMARY KEY, CONSTRAINT few CHECK (id < 2))"
            )
            cursor.execute("PRAGMA ignore_check_constraints = ON")
        else:
            cursor.execute("CREATE TABLE probe (id integer PRIMARY KEY)")
        cursor.execute("INSERT INTO probe VALUES (1), (2), (3)")
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA ignore_check_constraints = OFF")
        else:
            cursor.execute("ALTER TABLE probe ADD CONSTRAINT few CHECK (id < 2) NOT VALID")


def run(*arguments):
    out, err = io.StringIO(), io.StringIO()
    code = 0
    try:
        call_command(COMMAND, *arguments, stdout=out, stderr=err, no_color=True)
    except CommandError as error:
        code = error.returncode
        err.write(str(error))
    return code, out.getvalue(), err.getvalue()


def test_findings_are_printed_with_their_number_and_what_lists_them(probe):
    expected = (
        "error: probe.few: Expected id < 2; found 2 rows for which that is false, with id 2, 3. "
        "[check-violated]\n"
        '    correct these rows; list them: SELECT * FROM "probe" AS t WHERE NOT (id < 2) '
        'ORDER BY "id"\n'
    )

    assert run("--table", "probe") == (1, expected, "1 finding.")


def test_programs_get_numbers_and_keys(probe):
    code, out, _ = run("--table", "probe", "--format", "json", "--sample", "10")
    report = json.loads(out)
    (finding,) = report.pop("findings")

    assert code == 1
    assert report == {
        "version": 1,
        "database": "default",
        "rules": 1,
        "tables": 1,
        "sample": 10,
        "unchecked": [],
    }
    assert (finding["id"], finding["rows"], finding["keys"]) == ("check-violated", 2, ["2", "3"])


def test_what_is_ignored_is_no_finding(probe):
    assert run("--table", "probe", "--ignore", "check-violated:probe.*") == (
        0,
        "Nothing breaks a rule: 1 rule held by all rows of 1 table.\n",
        "",
    )


def test_a_sample_is_named_where_nothing_is_found(probe):
    code, out, err = run("--table", "probe", "--sample", "1", "--ignore", "duplicate-value:x")

    assert code == 1
    assert "found 1 row for which" in out
    assert "Nothing is left out by ignoring 'duplicate-value:x'" in err
    assert "held by the last 5 rows of" in run("--app", "contenttypes", "--sample", "5")[1]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--app", "contenttype"], "no app 'contenttype'. Did you mean 'contenttypes'?"),
        (["--table", "prob"], "No table is 'prob'. Did you mean 'probe'"),
        (["--database", "other"], "no database 'other'"),
        (["--ignore", "duplicate-values"], "Did you mean 'duplicate-value'?"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_sentence(probe, arguments, sentence):
    code, _, err = run(*arguments)

    assert code == 2
    assert sentence in err


@pytest.mark.parametrize("number", ["0", "-1", "many"])
def test_a_sample_is_a_number_of_rows(number):
    with pytest.raises(CommandError, match="is not a positive whole number"):
        call_command(COMMAND, f"--sample={number}")


def test_a_database_that_cannot_be_reached_is_said_so(run_project):
    result = run_project(COMMAND, PROJECT_ENGINE="postgresql", PROJECT_HOST="/nowhere")

    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("The database cannot be read: ")
    assert len(result.stderr.splitlines()) == 1


def test_a_database_without_tables_asks_for_migrate(run_project):
    result = run_project(COMMAND)

    assert result.returncode == 2
    assert result.stderr == (
        "The database 'default' has no tables. Run 'python manage.py migrate'.\n"
    )


def test_the_help_shows_examples():
    out = io.StringIO()

    with pytest.raises(SystemExit), pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdout", out)
        call_command(COMMAND, "--help")

    assert "Examples:" in out.getvalue()
    assert "--sample 100000" in out.getvalue()


@on("postgresql")
def test_a_lock_is_waited_for_only_so_long():
    other = connections.create_connection("default")
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("LOCK TABLE django_migrations IN ACCESS EXCLUSIVE MODE")

        with pytest.raises(CannotRunError, match="Another session holds a lock"):
            find_violations(connection, tables=["django_migrations"], limits=Limits(lock=0.1))
    finally:
        other.rollback()
        other.close()


class Terminal(io.StringIO):
    def write(self, text, ending="\n"):
        return super().write(text + ending)

    def isatty(self):
        return True


def test_progress_is_one_line_on_a_terminal():
    terminal = Terminal()

    line = ProgressLine(terminal, is_shown=True)
    line(6, 12, "orders")
    line.clear()

    assert terminal.getvalue() == f"\r[{'#' * 12}{' ' * 12}] 6/12 orders\x1b[K\r\x1b[K"


def test_no_progress_is_written_where_nobody_watches():
    stream = io.StringIO()

    ProgressLine(stream, is_shown=False)(6, 12, "orders")

    assert stream.getvalue() == ""
