"""What the command refuses, in one sentence, with every file left as it was."""

import pytest

from schematools.tests.archive_project import (
    COMMAND,
    DATABASES,
    ONE,
    SQUASHED,
    copied,
    edit,
    make_migrated,
    refusal,
    sql,
    succeed,
)
from schematools.tests.test_check_drift import write
from schematools.tests.test_lint_migrations import git

pytestmark = pytest.mark.xdist_group("archive")


@pytest.fixture(scope="module")
def migrated(tmp_path_factory):
    directory = tmp_path_factory.mktemp("migrated")
    make_migrated(directory)
    return directory


@pytest.fixture
def project(migrated, tmp_path):
    return copied(migrated, tmp_path / "project")


def test_an_archive_that_would_be_loaded_is_refused(project):
    (project / "apps").symlink_to(project / "shelf")
    inside = project / "apps"
    (inside / "shelf").symlink_to(project / "shelf/migrations")

    assert "Django loads migrations from" in refusal(project, "--archive", str(inside))


def test_files_in_the_archive_are_not_written_over(project):
    write(project / "shelf/migrations/archive/0002_title.py", "# mine\n")

    assert "0002_title.py is there already" in refusal(project)


@pytest.mark.parametrize(
    ("database", "name"), [("db", SQUASHED), ("other", SQUASHED), ("other", "0002_title")]
)
def test_a_database_that_lacks_it_is_named(project, database, name):
    alias = {"db": "default"}.get(database, database)
    sql(project, f"DELETE FROM django_migrations WHERE name = '{name}'", database)

    assert refusal(project, "--apply") == (
        f"shelf.{name} is not recorded as applied on the database {alias!r}: "
        f"run 'python manage.py migrate shelf --database {alias}' first.\n"
    )


def test_only_the_named_databases_are_asked(project):
    (project / "other.sqlite3").unlink()

    assert "The database 'other' does not exist yet" in refusal(project)
    assert "Nothing was written" in succeed(project, COMMAND, "--database", "default")
    assert "Did you mean 'other'?" in refusal(project, "--database", "othr")


def test_a_database_that_cannot_be_reached_is_named(project):
    edit(
        project / "conf.py",
        '{"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "other.sqlite3"}',
        '{"ENGINE": "django.db.backends.postgresql", "NAME": "x", "HOST": "/nowhere"}',
    )

    assert "The database 'other' cannot be asked: " in refusal(project)


def test_an_edited_migration_is_refused(project):
    sql(project, "DELETE FROM schematools_migration_hashes")
    sql(project, "DELETE FROM schematools_migration_hashes", "other")
    edit(
        project / "shelf/migrations/0002_title.py",
        "models.TextField())",
        "models.TextField(help_text='Edited.'))",
    )

    assert refusal(project) == (
        f"shelf.{SQUASHED} does not leave the models as what it replaces does "
        "(Alter field title on tallbook): one of the files was edited. "
        "Bring back what was applied.\n"
    )


def test_an_edit_that_the_database_remembers_is_refused(project):
    edit(project / "shelf/migrations/0003_load.py", '"First"', '"Second"')

    assert "shelf.0003_load was edited after it was applied" in refusal(project)


def test_a_squashed_migration_that_makes_another_schema_is_refused(project):
    edit(
        project / f"shelf/migrations/{SQUASHED}.py",
        "migrations.RunPython(load,",
        'migrations.RunSQL("CREATE INDEX extra ON shelf_tallbook (title)"),\n'
        "        migrations.RunPython(load,",
    )
    for database in DATABASES:
        sql(project, "DELETE FROM schematools_migration_hashes", database)

    assert "does not make what it replaces makes: shelf_tallbook" in refusal(project, *ONE)


def test_code_that_imports_a_replaced_migration_is_refused(project):
    edit(
        project / "desk/models.py",
        "from django.db import models",
        "from importlib import import_module\n\nfrom django.db import models\n\n"
        'load = import_module("shelf.migrations.0003_load").load',
    )

    assert "shelf.migrations.0003_load is imported, and would be in the archive" in refusal(
        project, *ONE
    )


def test_dependencies_that_are_computed_are_refused(project):
    edit(
        project / "desk/migrations/0001_initial.py",
        "('shelf', '0002_title')",
        "tuple('shelf 0002_title'.split())",
    )
    for database in DATABASES:
        sql(project, "DELETE FROM schematools_migration_hashes", database)

    assert "0001_initial.py computes its 'dependencies'" in refusal(project)


def test_replaces_that_is_computed_in_parts_is_refused(project):
    edit(project / f"shelf/migrations/{SQUASHED}.py", "    initial = True", "    replaces += []")

    assert "'replaces' is not one plain assignment. Change it by hand." in refusal(project)


def test_unsaved_changes_are_refused(project):
    write(project / ".gitignore", "__pycache__/\n*.sqlite3\n")
    git(project, "init")
    git(project, "add", ".")
    git(project, "commit", "--message", "Start")
    assert "Nothing was written" in succeed(project, COMMAND, *ONE)
    edit(project / "desk/migrations/0001_initial.py", "# for its title", "# for the title")

    assert "0001_initial.py has changes that git has not got" in refusal(project, *ONE)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["shelv"], "No installed app has the label 'shelv'. Did you mean 'shelf'?"),
        (["contenttypes"], "The app 'contenttypes' is installed and not the project's own"),
    ],
)
def test_apps_that_cannot_be_chosen_are_refused(project, arguments, sentence):
    edit(project / "conf.py", '"desk"]', '"desk", "django.contrib.contenttypes"]')

    assert sentence in refusal(project, *arguments)
