"""The command from end to end, on a small project that the tests write and migrate in part."""

import json
from textwrap import dedent

import pytest

from schematools.tests.running import run_django

COMMAND = "migration_status"
CONF = """
from pathlib import Path
BASE_DIR = Path(__file__).parent
SECRET_KEY = "for tests alone"
INSTALLED_APPS = ["schematools", "shelf"]
DATABASES = {
    alias: {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / f"{alias}.sqlite3"}
    for alias in ("default", "replica")
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
"""
MIGRATION = """
from django.db import migrations, models

class Migration(migrations.Migration):
    dependencies = [{dependency}]
    operations = [
        migrations.CreateModel("{model}", [("id", models.BigAutoField(primary_key=True))]),
    ]
"""


@pytest.fixture
def project(tmp_path):
    """A project with two migrations, of which the database has the first."""
    (tmp_path / "shelf/migrations").mkdir(parents=True)
    for name, source in {
        "conf.py": CONF,
        "shelf/__init__.py": "",
        "shelf/migrations/__init__.py": "",
        "shelf/migrations/0001_initial.py": MIGRATION.format(dependency="", model="Book"),
        "shelf/migrations/0002_pen.py": MIGRATION.format(
            dependency='("shelf", "0001_initial")', model="Pen"
        ),
    }.items():
        (tmp_path / name).write_text(dedent(source), encoding="utf-8")
    run(tmp_path, "migrate", "shelf", "0001")
    return tmp_path


def run(project, *arguments):
    return run_django(*arguments, DJANGO_SETTINGS_MODULE="conf", PYTHONPATH=str(project))


def test_each_app_is_told_with_what_comes_next(project):
    result = run(project, COMMAND)

    lines = [line.split() for line in result.stdout.splitlines()]
    assert (result.returncode, result.stderr) == (0, "")
    assert lines[0] == ["app", "current", "since", "applied", "pending"]
    assert [lines[2][0], lines[2][1], *lines[2][-2:]] == ["shelf", "0001_initial", "1", "1"]
    assert ["Pending,", "in", "this", "order:"] in lines
    assert ["shelf.0002_pen"] in lines


def test_monitoring_gets_json_and_an_exit_code(project):
    behind = run(project, COMMAND, "shelf", "--check", "--format", "json")
    run(project, "migrate")
    current = run(project, COMMAND, "shelf", "--check", "--format", "json")

    assert (behind.returncode, current.returncode) == (1, 0)
    assert (behind.stderr, current.stderr) == ("", "")
    document = json.loads(behind.stdout)
    moment = document["apps"][0].pop("applied_at")
    assert moment.endswith("+00:00")
    assert document == {
        "version": 1,
        "current": False,
        "database": "default",
        "apps": [
            {"app": "shelf", "current": "0001_initial", "applied": 1, "pending": ["0002_pen"]}
        ],
        "plan": ["shelf.0002_pen"],
    }
    assert json.loads(current.stdout)["current"] is True


def test_history_names_what_no_file_explains(project):
    (project / "shelf/migrations/0002_pen.py").rename(project / "shelf/migrations/0002_ink.py")
    run(project, "migrate")
    (project / "shelf/migrations/0002_ink.py").unlink()

    history = run(project, COMMAND, "--history").stdout

    assert "shelf.0001_initial\n" in history
    assert "shelf.0002_ink" in history
    assert "no file" in history


def test_a_squashed_migration_counts_since_the_last_that_it_replaces(project):
    squashed = (project / "shelf/migrations/0001_initial.py").read_text()
    (project / "shelf/migrations/0001_squashed.py").write_text(
        squashed + '    replaces = [("shelf", "0001_initial")]\n', encoding="utf-8"
    )

    document = json.loads(run(project, COMMAND, "shelf", "--format", "json").stdout)

    assert document["apps"][0]["current"] == "0001_squashed"
    assert document["apps"][0]["applied_at"].endswith("+00:00")


def test_a_database_that_nobody_migrated_has_nothing(project):
    run(project, "shell", "-c", "from django.db import connections as c; c['replica'].cursor()")

    result = run(project, COMMAND, "shelf", "--database", "replica")

    assert result.stdout.splitlines()[1].split() == ["shelf", "none", "-", "0", "2"]
    assert "Nothing was applied yet" in (
        run(project, COMMAND, "--history", "--database", "replica").stdout
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["shelves"], "No app 'shelves' has migrations. Did you mean 'shelf'?"),
        (["--database", "replicas"], "Did you mean 'replica'?"),
        (["--database", "replica"], "The database 'replica' does not exist yet"),
    ],
)
def test_what_cannot_be_asked_is_said_in_a_sentence(project, arguments, sentence):
    result = run(project, COMMAND, *arguments)

    assert result.returncode == 2
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr
    assert not (project / "replica.sqlite3").exists()


def test_migrations_that_cannot_be_put_in_order_are_a_sentence(project):
    (project / "shelf/migrations/0002_pen.py").write_text(
        MIGRATION.format(dependency='("shelf", "0009_gone")', model="Pen"), encoding="utf-8"
    )

    result = run(project, COMMAND)

    assert result.returncode == 2
    assert "0009_gone" in result.stderr
    assert "Traceback" not in result.stderr
