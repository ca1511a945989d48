"""A project's own ``makemigrations``, which knows best what is missing."""

import pytest

from schematools import missing_operations
from schematools.history import load_migrations
from schematools.missing_operations import find_missing_operations
from schematools.tests.shelf import write

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("drift_live")]

SPOKEN_OF = '    title = models.TextField(help_text="As on the cover.")\n'
FOUND = [("model-not-migrated", "shelf.TallBook")]
COULD_NOT = "The project's own makemigrations could not be asked ({}), so models and "
START = """\
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.core.management.commands.makemigrations import Command as Django
from django.db import connection, models


"""
# As pretix does: in its second run in one process it would fail.
QUIET = """\
OPTIONS = ["help_text", "verbose_name"]


class Command(Django):
    def handle(self, *args, **options):
        OPTIONS.remove("help_text")
        deconstruct = models.Field.deconstruct

        def without_help(field):
            name, path, args, kwargs = deconstruct(field)
            kwargs.pop("help_text", None)
            return name, path, args, kwargs

        models.Field.deconstruct = without_help
        models.TextField.db_type = lambda *_: "a type that nobody has"
        return super().handle(*args, **options)
"""


def give_command(shelf, source):
    folder = shelf.directory / "shelf/management/commands"
    write(folder.parent / "__init__.py", "")
    write(folder / "__init__.py", "")
    (folder / "makemigrations.py").write_text(START + source)


def change_model(shelf, *lines):
    path = shelf.directory / "shelf/models.py"
    source = path.read_text().replace("    title = models.TextField()\n", SPOKEN_OF)
    path.write_text(source + "".join(f"    {line}\n" for line in lines))


def check(shelf):
    return shelf.check("--no-live")


def test_without_a_command_of_its_own_a_project_hears_what_django_says(shelf):
    change_model(shelf)

    assert check(shelf) == (FOUND, [])


def test_what_the_projects_own_command_leaves_out_is_not_missing(shelf):
    give_command(shelf, QUIET)
    change_model(shelf)

    assert check(shelf) == ([], [])


def test_what_the_projects_own_command_finds_is_named_in_words(shelf):
    give_command(shelf, QUIET)
    change_model(shelf, "colour = models.TextField()")

    done = shelf.run("check_drift", "--no-docs", "--no-live")

    assert done.stdout == (
        "error: shelf.TallBook: Expected a migration that does this: Add field colour to tallbook; "
        "found none. [model-not-migrated]\n"
        "    python manage.py makemigrations shelf\n"
    )
    assert done.stderr == "1 finding.\n"


def test_what_the_command_patches_reaches_neither_pages_nor_database(shelf):
    give_command(shelf, QUIET)
    shelf.run("generate_erd")

    done = shelf.run("check_drift")

    assert (done.returncode, done.stderr) == (0, "")


def test_code_that_an_app_put_into_djangos_command_counts_as_well(shelf):
    write(
        shelf.directory / "shelf/apps.py",
        """\
        from django.apps import AppConfig
        from django.core.management.commands import makemigrations


        def handle(self, *labels, **options):
            self.stdout.write("Nothing ever changes.")


        class Shelf(AppConfig):
            name = "shelf"

            def ready(self):
                makemigrations.Command.handle = handle
        """,
    )
    change_model(shelf)

    assert check(shelf) == ([], [])


def test_an_app_that_was_never_migrated_is_found_by_such_a_command_too(shelf):
    give_command(shelf, QUIET)
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
        file.write('INSTALLED_APPS.append("attic")\n')

    assert check(shelf) == ([("model-not-migrated", "attic.Box")], [])


ANSWERING = {
    "noisy": """\
class Command(Django):
    def handle(self, *args, **options):
        print('{"operations": []}')
        self.stdout.write("Looking …")
        super().handle(*args, **options)
""",
    "requiring more": """\
class Command(Django):
    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument("ticket")
        parser.add_argument("--author", required=True)
        parser.add_mutually_exclusive_group(required=True).add_argument("--yes")
""",
    "asking Django's": """\
class Command(BaseCommand):
    def add_arguments(self, parser):
        Django().add_arguments(parser)

    def handle(self, *args, **options):
        Django().handle(*args, **options)
""",
    "writing by itself": """\
class Command(Django):
    def write_migration_files(self, changes, *paths):
        self.stdout.write("a file")
""",
    "failing afterwards": """\
class Command(Django):
    def handle(self, *args, **options):
        try:
            super().handle(*args, **options)
        except SystemExit:
            raise CommandError("Ask the keeper of the schema.")
""",
    "asking": """\
class Command(Django):
    def handle(self, *args, **options):
        options["interactive"] = True
        super().handle(*args, **options)
""",
    "updating": """\
class Command(Django):
    def handle(self, *args, **options):
        options["update"] = True
        super().handle(*args, **options)
""",
}


@pytest.mark.parametrize("source", ANSWERING.values(), ids=ANSWERING)
def test_a_command_answers_in_whatever_way_it_works(shelf, source):
    give_command(shelf, source)

    assert check(shelf) == ([], [])

    change_model(shelf)

    assert check(shelf) == (FOUND, [])


def test_operations_that_are_not_written_are_not_missing(shelf):
    give_command(
        shelf,
        """\
class Command(Django):
    def write_migration_files(self, changes, *paths):
        for migrations in changes.values():
            migrations[0].operations = migrations[0].operations[:1]
        super().write_migration_files(changes, *paths)
""",
    )
    change_model(shelf, "colour = models.TextField()", "weight = models.IntegerField()")

    assert check(shelf) == (FOUND, [])


FAILING = {
    "RuntimeError: the ticket system does not answer": """\
class Command(Django):
    def handle(self, *args, **options):
        raise RuntimeError("the ticket system does not answer.\\nTry again.")
""",
    "Not on a Friday": """\
class Command(Django):
    def handle(self, *args, **options):
        raise CommandError("Not on a Friday.")
""",
    "it ended with 5": """\
class Command(Django):
    def handle(self, *args, **options):
        raise SystemExit(5)
""",
    "EOFError: EOF when reading a line": """\
class Command(Django):
    def handle(self, *args, **options):
        input("Sure? ")
""",
    "Error: unrecognized arguments: --check --dry-run --no-input": """\
class Command(BaseCommand):
    def handle(self, *args, **options):
        Path(__file__).with_name("written").touch()
""",
    "ImportError: no such library": """\
raise ImportError("no such library")
""",
    "it ended without a word": """\
class Command(Django):
    def handle(self, *args, **options):
        __import__("os")._exit(0)
""",
}


@pytest.mark.parametrize(("reason", "source"), FAILING.items(), ids=FAILING)
def test_a_command_that_does_not_answer_is_said_and_djangos_word_counts(shelf, reason, source):
    give_command(shelf, source)

    found, (note,) = check(shelf)

    assert found == []
    assert note.startswith(COULD_NOT.format(reason))

    change_model(shelf)

    found, (note,) = check(shelf)

    assert found == FOUND
    assert note.startswith(COULD_NOT.format(reason))
    assert not list(shelf.directory.glob("**/written"))


def test_such_a_command_cannot_write_to_the_database(shelf):
    give_command(
        shelf,
        """\
class Command(Django):
    def handle(self, *args, **options):
        connection.cursor().execute("DELETE FROM shelf_tallbook")
""",
    )

    found, (note,) = check(shelf)

    assert found == []
    assert "read" in note  # PostgreSQL: a read-only transaction; SQLite: a readonly database
    assert shelf.rows("SELECT count(*) FROM shelf_tallbook") == [(1,)]


@pytest.mark.parametrize(
    ("place", "name", "value", "reason"),
    [
        ("settings", "SETTINGS_MODULE", "", "the settings are no module"),
        ("", "PATIENCE", 0, "it took longer than 0 seconds"),
    ],
)
def test_a_command_that_no_process_can_run_is_said(monkeypatch, place, name, value, reason):
    commands = {"makemigrations": "shelf"}
    monkeypatch.setattr(missing_operations, "get_commands", lambda: commands)
    owner = getattr(missing_operations, place) if place else missing_operations
    monkeypatch.setattr(owner, name, value)

    (note,) = find_missing_operations(load_migrations("default")).notes

    assert note.startswith(COULD_NOT.format(reason).partition(")")[0])
