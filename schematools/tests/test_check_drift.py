"""The command from end to end, on a small project that the tests write, migrate and spoil."""

import json
import shutil
import sqlite3
from textwrap import dedent

import pytest

from schematools.tests.running import run_django

COMMAND = "check_drift"
NOTHING_FOUND = (
    "No drift: models, migrations, the database, the record of applied migrations and ERD pages "
    "agree.\n"
)
FILES = {
    "conf.py": """\
        from pathlib import Path

        BASE_DIR = Path(__file__).parent
        SECRET_KEY = "for tests alone"
        INSTALLED_APPS = ["schematools", "shelf"]
        DATABASES = {
            "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}
        }
        NOWHERE = {"NAME": "x", "HOST": "/nowhere"}
        DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
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
                    [("id", models.BigAutoField(verbose_name="ID", **AUTOMATIC))],
                ),
            ]
        """,
    "shelf/migrations/0002_title.py": """\
        from django.db import migrations, models


        class Migration(migrations.Migration):
            dependencies = [("shelf", "0001_initial")]
            operations = [
                migrations.AddField("TallBook", "title", models.TextField(default="")),
                migrations.AlterField("TallBook", "title", models.TextField()),
            ]
        """,
}


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text))


def run(directory, *arguments, **environment):
    given = {
        "DJANGO_SETTINGS_MODULE": "conf",
        "PYTHONPATH": str(directory),
        "SCHEMATOOLS_CACHE_DIR": str(directory / "cache"),
    }
    return run_django(*arguments, **given | environment)


@pytest.fixture(scope="module")
def clean_project(tmp_path_factory):
    directory = tmp_path_factory.mktemp("clean")
    for name, text in FILES.items():
        write(directory / name, text)
    for command in ("migrate", "generate_erd", COMMAND):
        result = run(directory, command)
        assert result.returncode == 0, result.stderr
    return directory


@pytest.fixture
def project(clean_project, tmp_path):
    directory = tmp_path / "project"
    shutil.copytree(clean_project, directory, ignore=shutil.ignore_patterns("__pycache__"))
    return directory


def findings(project, *arguments):
    result = run(project, COMMAND, "--format", "json", *arguments)
    assert result.returncode == 1, result.stderr
    report = json.loads(result.stdout)
    assert report["version"] == 1
    return [(item["id"], item["object"], item["remedy"]) for item in report["findings"]]


def record(project, sql):
    with sqlite3.connect(project / "db.sqlite3") as connection:
        connection.execute(sql)
    connection.close()


def test_a_project_without_drift_is_told_so_and_left_as_it_is(project):
    before = (project / "db.sqlite3").read_bytes()

    result = run(project, COMMAND)

    assert (result.returncode, result.stdout, result.stderr) == (0, NOTHING_FOUND, "")
    assert (project / "db.sqlite3").read_bytes() == before


def test_a_field_without_a_migration_names_the_model_and_the_command(project):
    models = project / "shelf/models.py"
    models.write_text(models.read_text() + "    colour = models.TextField()\n")

    result = run(project, COMMAND, "--no-docs")

    assert result.returncode == 1
    assert result.stdout == (
        "error: shelf.TallBook: Expected a migration that does this: Add field colour to tallbook; "
        "found none. [model-not-migrated]\n"
        "    python manage.py makemigrations shelf\n"
    )
    assert result.stderr == "1 finding.\n"


def test_a_deleted_model_is_named_as_it_was_spelt(project):
    write(project / "shelf/models.py", "")

    assert findings(project, "--no-docs") == [
        ("model-not-migrated", "shelf.TallBook", "python manage.py makemigrations shelf")
    ]


def test_an_app_that_was_never_migrated_is_found(project):
    write(project / "attic/__init__.py", "")
    write(project / "attic/models.py", FILES["shelf/models.py"].replace("TallBook", "Box"))
    conf = project / "conf.py"
    conf.write_text(conf.read_text().replace('"shelf"]', '"shelf", "attic"]'))

    assert findings(project, "--no-docs") == [
        ("model-not-migrated", "attic.Box", "python manage.py makemigrations attic")
    ]

    conf.write_text(conf.read_text() + 'MIGRATION_MODULES = {"attic": None}\n')

    # Its table is made without migrations.
    assert [finding[:2] for finding in findings(project, "--no-docs")] == [
        ("table-missing", "attic_box")
    ]
    assert run(project, "migrate", "--run-syncdb").returncode == 0
    assert run(project, COMMAND, "--no-docs").returncode == 0


def test_an_unapplied_migration_is_found(project):
    record(project, "DELETE FROM django_migrations WHERE name = '0002_title'")

    unapplied, extra = findings(project)

    assert unapplied == (
        "migration-unapplied",
        "shelf.0002_title",
        "python manage.py migrate shelf",
    )
    # The column is there: nobody should drop it, and nobody can add it.
    assert extra[:2] == ("column-extra", "shelf_tallbook.title")
    assert extra[2].endswith("python manage.py migrate --fake shelf 0002_title")


def test_an_applied_migration_whose_file_is_gone_is_found(project):
    record(
        project,
        "INSERT INTO django_migrations (app, name, applied) VALUES ('shelf', '0003_x', '2024-1-1')",
    )

    ((finding, name, remedy),) = findings(project)

    assert (finding, name) == ("migration-file-missing", "shelf.0003_x")
    assert "migrate --prune shelf" in remedy


def test_a_squashed_migration_explains_the_records_of_those_it_replaced(project):
    migrations = project / "shelf/migrations"
    write(
        migrations / "0001_squashed.py",
        """\
        from django.db import migrations, models

        AUTOMATIC = {"auto_created": True, "primary_key": True, "serialize": False}


        class Migration(migrations.Migration):
            initial = True
            replaces = [("shelf", "0001_initial"), ("shelf", "0002_title")]
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
    )

    assert run(project, COMMAND).stdout == NOTHING_FOUND

    (migrations / "0001_initial.py").unlink()
    (migrations / "0002_title.py").unlink()

    assert run(project, COMMAND).stdout == NOTHING_FOUND


def test_an_inconsistent_history_is_a_finding_not_a_crash(project):
    record(project, "DELETE FROM django_migrations WHERE name = '0001_initial'")

    assert [finding[:2] for finding in findings(project)] == [
        ("migration-history-broken", "shelf.0002_title"),
        ("migration-unapplied", "shelf.0001_initial"),
    ]


def test_conflicting_migrations_are_a_finding_not_a_crash(project):
    other = (project / "shelf/migrations/0002_title.py").read_text().replace("title", "other")
    (project / "shelf/migrations/0002_other.py").write_text(other)

    assert findings(project) == [
        ("migration-conflict", "shelf", "python manage.py makemigrations --merge shelf"),
        ("migration-unapplied", "shelf.0002_other", "python manage.py migrate shelf"),
    ]


@pytest.mark.parametrize(
    "dependency", ['("shelf", "0009_nowhere")', '("shelf", "0002_title")'], ids=["gone", "circle"]
)
def test_migrations_that_cannot_be_ordered_are_a_finding_not_a_crash(project, dependency):
    initial = project / "shelf/migrations/0001_initial.py"
    initial.write_text(
        initial.read_text().replace("dependencies = []", f"dependencies = [{dependency}]")
    )

    assert [finding[:2] for finding in findings(project)] == [
        ("migration-graph-broken", "migrations")
    ]


def test_a_file_that_is_no_migration_is_a_finding(project):
    write(project / "shelf/migrations/0003_empty.py", "")

    assert [finding[0] for finding in findings(project)] == ["migration-graph-broken"]


def test_pages_that_are_not_fresh_are_found_unless_they_are_left_out(project):
    models = project / "shelf/models.py"
    models.write_text(models.read_text().replace("TextField()", 'TextField(db_default="")'))
    (project / "docs/README.md").unlink()

    found = findings(project)

    assert [finding[:2] for finding in found] == [
        ("model-not-migrated", "shelf.TallBook"),
        ("docs-missing", "docs/README.md"),
        ("docs-stale", "docs/shelf-erd.md"),
    ]
    assert {remedy for finding, _, remedy in found if finding.startswith("docs")} == {
        "python manage.py generate_erd"
    }
    assert [finding[0] for finding in findings(project, "--no-docs")] == ["model-not-migrated"]


def test_embedded_blocks_are_kept_fresh(project):
    conf = project / "conf.py"
    conf.write_text(conf.read_text() + 'SCHEMATOOLS["EMBED"] = ["overview.md"]\n')
    overview = project / "overview.md"
    overview.write_text(
        "# Mine\n\n<!-- schematools:modules -->\n<!-- /schematools:modules -->\n"
        "<!-- schematools:totals -->\n<!-- /schematools:totals -->\n"
        "<!-- schematools:relationships -->\n<!-- /schematools:relationships -->\n"
    )

    assert findings(project) == [("docs-stale", "overview.md", "python manage.py generate_erd")]
    assert run(project, "generate_erd").stdout == "Updated overview.md\n"
    assert run(project, COMMAND).stdout == NOTHING_FOUND
    assert "**[Shelf](docs/shelf-erd.md)** | 1 | 2 |" in overview.read_text()

    overview.unlink()

    result = run(project, COMMAND)
    assert result.returncode == 2
    assert f'SCHEMATOOLS["EMBED"] names {overview}, which is not a file.' in result.stderr


def test_a_project_without_models_has_nothing_to_document(project):
    conf = project / "conf.py"
    conf.write_text(conf.read_text().replace(', "shelf"]', "]"))

    generate = run(project, "generate_erd")

    assert generate.returncode == 2
    assert "There is nothing to document" in generate.stderr
    assert run(project, COMMAND, "--no-live").returncode == 0
    assert [finding[:2] for finding in findings(project)] == [("table-extra", "shelf_tallbook")]


def test_a_database_that_is_not_there_is_said_and_not_made(project):
    (project / "db.sqlite3").unlink()

    result = run(project, COMMAND)

    assert result.returncode == 2
    assert "The database 'default' does not exist yet" in result.stderr
    assert not (project / "db.sqlite3").exists()


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        (
            'DATABASES["default"] = {"ENGINE": "django.db.backends.postgresql", **NOWHERE}',
            "The database cannot be read: ",
        ),
        ("DATABASES = {}", "settings.DATABASES is improperly configured"),
        ('SCHEMATOOLS = {"OUTPUTS": "docs"}', "SCHEMATOOLS has an unknown key 'OUTPUTS'"),
    ],
)
def test_what_cannot_be_compared_is_said_in_a_sentence(project, setting, sentence):
    conf = project / "conf.py"
    conf.write_text(f"{conf.read_text()}{setting}\n")

    result = run(project, COMMAND)

    assert result.returncode == 2
    assert sentence in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_help_shows_examples(project):
    result = run(project, COMMAND, "--help")

    assert "manage.py check_drift --format json\n" in result.stdout
