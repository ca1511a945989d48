"""A small project for the tests of archiving: three migrations squashed, another app on top."""

import shutil
import sqlite3

from schematools.tests.test_check_drift import FILES, run, write

COMMAND = "archive_migrations"
SQUASHED = "0001_squashed_0003_load"
CONF = (
    FILES["conf.py"]
    .replace('"shelf"]', '"shelf", "desk"]')
    .replace(
        '"db.sqlite3"}',
        '"db.sqlite3"},\n            "other": {"ENGINE": "django.db.backends.sqlite3", '
        '"NAME": BASE_DIR / "other.sqlite3"},',
    )
)
PROJECT = {
    **FILES,
    "conf.py": CONF,
    "shelf/migrations/0003_load.py": """\
        from django.db import migrations


        def load(apps, schema_editor):
            books = apps.get_model("shelf", "TallBook").objects
            books.using(schema_editor.connection.alias).create(title="First")


        class Migration(migrations.Migration):
            dependencies = [("shelf", "0002_title")]
            operations = [migrations.RunPython(load, migrations.RunPython.noop)]
        """,
    f"shelf/migrations/{SQUASHED}.py": """\
        from django.db import migrations, models

        AUTOMATIC = {"auto_created": True, "primary_key": True, "serialize": False}


        def load(apps, schema_editor):
            books = apps.get_model("shelf", "TallBook").objects
            books.using(schema_editor.connection.alias).create(title="First")


        class Migration(migrations.Migration):

            replaces = [
                ("shelf", "0001_initial"),
                ("shelf", "0002_title"),  # titles
                ("shelf", "0003_load"),
            ]

            initial = True

            operations = [
                migrations.CreateModel(
                    "TallBook",
                    [
                        ("id", models.BigAutoField(verbose_name="ID", **AUTOMATIC)),
                        ("title", models.TextField()),
                    ],
                ),
                migrations.RunPython(load, migrations.RunPython.noop),
            ]
        """,
    "desk/__init__.py": "",
    "desk/models.py": """\
        from django.db import models


        class Desk(models.Model):
            book = models.ForeignKey("shelf.TallBook", models.CASCADE)
        """,
    "desk/migrations/__init__.py": "",
    "desk/migrations/0001_initial.py": """\
        from django.db import migrations, models
        from django.db.models import CASCADE

        AUTOMATIC = {"auto_created": True, "primary_key": True, "serialize": False}


        class Migration(migrations.Migration):
            dependencies = [
                ('shelf', '0002_title'),  # for its title
            ]
            operations = [
                migrations.CreateModel(
                    "Desk",
                    [
                        ("id", models.BigAutoField(verbose_name="ID", **AUTOMATIC)),
                        ("book", models.ForeignKey("shelf.TallBook", CASCADE)),
                    ],
                ),
            ]
        """,
}
DATABASES = ("db", "other")
ONE = ("--database", "default")


def succeed(directory, *arguments, **environment):
    result = run(directory, *arguments, **environment)
    assert result.returncode == 0, result.stderr
    return result.stdout


def make_migrated(directory):
    """Write the project; both databases get the three migrations, and then the squashed one."""
    for name, text in PROJECT.items():
        write(directory / name, text)
    squashed = directory / f"shelf/migrations/{SQUASHED}.py"
    text = squashed.read_text()
    squashed.unlink()
    for alias in ("default", "other"):
        succeed(directory, "migrate", "--database", alias)
    squashed.write_text(text)
    for alias in ("default", "other"):
        succeed(directory, "migrate", "--database", alias)


def copied(migrated, directory):
    shutil.copytree(migrated, directory, ignore=shutil.ignore_patterns("__pycache__"))
    return directory


def contents(directory):
    return {
        path.relative_to(directory): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def sql(project, statement, database="db"):
    with sqlite3.connect(project / f"{database}.sqlite3") as connection:
        rows = connection.execute(statement).fetchall()
    connection.close()
    return rows


def refusal(project, *arguments, **environment):
    before = contents(project)

    result = run(project, COMMAND, *arguments, **environment)

    assert result.returncode == 2, result.stdout
    assert len(result.stderr.splitlines()) == 1
    assert contents(project) == before
    return result.stderr


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
