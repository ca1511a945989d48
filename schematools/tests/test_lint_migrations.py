"""The command from end to end, on a small project that the tests write, and in git."""

import json
import os
import shutil
import subprocess

import pytest
from django.apps import apps

from schematools.errors import CannotRunError
from schematools.hazards import BLOCKS, RULES, WHOLE_RULES
from schematools.migration_lint import IDS, find_hazards
from schematools.modules import is_project_app
from schematools.tests.test_check_drift import FILES, run, write

COMMAND = "lint_migrations"
INDEX = """\
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shelf", "0002_title")]
    operations = [
        migrations.AddIndex("TallBook", models.Index(fields=["title"], name="title_idx")),
    ]
"""
INDEX_OBJECT = "shelf.0003_index: AddIndex shelf.TallBook.title_idx"
TITLE_OBJECT = "shelf.0002_title: AddField shelf.TallBook.title"
NO_DEFAULT = "column-added-without-db-default"


@pytest.fixture
def project(tmp_path):
    for name, text in FILES.items():
        write(tmp_path / name, text)
    write(tmp_path / "shelf/migrations/0003_index.py", INDEX)
    return tmp_path


def lint(project, *arguments, **environment):
    result = run(project, COMMAND, "--format", "json", *arguments, **environment)
    assert result.returncode in (0, 1), result.stderr
    return [(each["id"], each["object"]) for each in json.loads(result.stdout)["findings"]]


def git(project, *arguments):
    identity = {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "Tests"), ("EMAIL", "tests@example.com"))
    }
    nobodys = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    subprocess.run(
        ["git", *arguments],
        cwd=project,
        env=os.environ | identity | nobodys,
        check=True,
        capture_output=True,
    )


@pytest.fixture
def repository(project):
    """The project in git without its latest migration, which is there and not added."""
    latest = project / "shelf/migrations/0003_index.py"
    latest.unlink()
    git(project, "init", "--initial-branch", "main")
    write(project / ".gitignore", "__pycache__/\n")
    git(project, "add", ".")
    git(project, "commit", "--message", "Start")
    write(latest, INDEX)
    return project


def test_hazards_are_listed_without_a_database(project):
    result = run(project, COMMAND)

    assert result.returncode == 1
    assert result.stdout.splitlines()[:2] == [
        (
            f"error: {INDEX_OBJECT}: The index is built while nobody can write to the table. "
            "It holds SHARE on shelf_tallbook, which blocks all writing. [index-added]"
        ),
        (
            "    AddIndexConcurrently of django.contrib.postgres.operations, "
            "in a migration of its own with atomic = False."
        ),
    ]
    assert result.stderr == "2 findings.\n"
    assert not (project / "db.sqlite3").exists()


def test_the_json_has_all_that_is_known_of_a_hazard(project):
    result = run(project, COMMAND, "--format", "json", "--ignore", NO_DEFAULT)

    (finding,) = json.loads(result.stdout)["findings"]
    assert finding.pop("remedy")
    assert finding == {
        "id": "index-added",
        "severity": "error",
        "object": INDEX_OBJECT,
        "message": "The index is built while nobody can write to the table.",
        "table": "shelf_tallbook",
        "lock": "SHARE",
        "blocks": "all writing",
        "migration": "shelf.0003_index",
        "position": 0,
    }


def test_what_is_ignored_or_accepted_is_left_out(project):
    migration = project / "shelf/migrations/0003_index.py"
    accepted = "# schematools: accept index-added — a hundred rows\n"
    migration.write_text(
        INDEX.replace("        migrations.Add", f"        {accepted}        migrations.Add")
    )

    result = run(project, COMMAND, "--ignore", f"{NO_DEFAULT}:shelf.0002_*")

    assert (result.returncode, result.stdout) == (0, "Nothing dangerous was found.\n")


def test_an_acceptance_without_a_reason_is_reported_beside_what_it_does_not_accept(project):
    migration = project / "shelf/migrations/0003_index.py"
    migration.write_text("# schematools: accept index-added\n" + INDEX)

    assert lint(project, "--ignore", NO_DEFAULT) == [
        ("index-added", INDEX_OBJECT),
        ("accept-without-reason", "shelf.0003_index: line 1"),
    ]


def test_an_ignore_that_leaves_nothing_out_is_said(project):
    result = run(project, COMMAND, "--ignore", "column-dropped")

    assert "Nothing is left out by ignoring 'column-dropped': remove it." in result.stderr


def test_installed_apps_are_looked_at_when_they_are_named(project):
    conf = project / "conf.py"
    conf.write_text(conf.read_text().replace('"shelf"]', '"shelf", "django.contrib.contenttypes"]'))

    own = lint(project)
    named = lint(project, "contenttypes")

    assert {name.partition(".")[0] for _, name in own} == {"shelf"}
    assert {finding for finding, _ in named} == {"column-dropped"}
    assert {name.partition(".")[0] for _, name in named} == {"contenttypes"}


def test_only_what_is_new_since_a_revision_is_looked_at(repository):
    assert lint(repository, "--since", "main") == [("index-added", INDEX_OBJECT)]

    git(repository, "checkout", "-b", "work")
    git(repository, "add", ".")
    git(repository, "commit", "--message", "Index")

    assert lint(repository, "--since", "main") == [("index-added", INDEX_OBJECT)]
    assert lint(repository, "--since", "work") == []

    title = repository / "shelf/migrations/0002_title.py"
    title.write_text(title.read_text() + "\n# touched\n")

    assert lint(repository, "--since", "work") == [(NO_DEFAULT, TITLE_OBJECT)]


def test_what_the_main_branch_got_meanwhile_is_not_new(repository):
    git(repository, "checkout", "-b", "work")
    git(repository, "add", ".")
    git(repository, "commit", "--message", "Index")
    git(repository, "checkout", "main")
    title = repository / "shelf/migrations/0002_title.py"
    title.write_text(title.read_text() + "\n# touched\n")
    git(repository, "commit", "--all", "--message", "Touch")
    git(repository, "checkout", "work")

    assert lint(repository, "--since", "main") == [("index-added", INDEX_OBJECT)]


def test_tables_made_in_the_same_range_are_nobodys_yet(repository):
    write(repository / "attic/__init__.py", "")
    write(repository / "attic/migrations/__init__.py", "")
    for name in ("0001_initial", "0002_title"):
        text = FILES[f"shelf/migrations/{name}.py"].replace('"shelf"', '"attic"')
        write(repository / f"attic/migrations/{name}.py", text)
    later = repository / "attic/migrations/0002_title.py"
    later.write_text(
        f"# schematools: accept {NO_DEFAULT} — alone it would matter\n{later.read_text()}"
    )
    conf = repository / "conf.py"
    conf.write_text(conf.read_text().replace('"shelf"]', '"shelf", "attic"]'))

    assert lint(repository, "attic", "--since", "main") == []


def test_a_squash_of_what_was_there_is_not_new(repository):
    (repository / "shelf/migrations/0003_index.py").unlink()
    write(
        repository / "shelf/migrations/0001_squashed_0002_title.py",
        """\
        from django.db import migrations, models


        class Migration(migrations.Migration):
            replaces = [("shelf", "0001_initial"), ("shelf", "0002_title")]
            operations = [migrations.RunSQL("SELECT 1")]
        """,
    )

    assert lint(repository, "--since", "main") == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["shelv"], "No installed app has the label 'shelv'. Did you mean 'shelf'?"),
        (["--ignore", "index-aded"], "Did you mean 'index-added' or"),
        (["--since", "main"], "is not in a git repository, so what is new since 'main'"),
    ],
)
def test_what_cannot_be_looked_at_is_said_in_a_sentence(project, arguments, sentence):
    result = run(project, COMMAND, *arguments, GIT_CEILING_DIRECTORIES=str(project.parent))

    assert result.returncode == 2
    assert sentence in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("revision", ["elsewhere", "--output=x"])
def test_an_unknown_revision_is_said(repository, revision):
    result = run(repository, COMMAND, f"--since={revision}")

    assert result.returncode == 2
    assert f"git knows no revision {revision!r}" in result.stderr


def test_git_that_is_missing_is_said(project):
    result = run(project, COMMAND, "--since", "main", PATH="/nowhere")

    assert result.returncode == 2
    assert "git is not installed, so what is new since 'main' cannot be told" in result.stderr


def test_migrations_that_cannot_be_ordered_are_said(project):
    shutil.rmtree(project / "shelf/migrations/__pycache__", ignore_errors=True)
    (project / "shelf/migrations/0001_initial.py").unlink()

    result = run(project, COMMAND)

    assert result.returncode == 2
    assert "The migrations cannot be put in order: " in result.stderr


def test_help_shows_examples(project):
    result = run(project, COMMAND, "--help")

    assert "manage.py lint_migrations --since origin/main\n" in result.stdout
    assert "# schematools: accept index-added — the table has a hundred rows\n" in result.stdout


def test_an_unknown_app_is_refused_in_python_as_well():
    with pytest.raises(CannotRunError, match="No installed app has the label 'nothing'"):
        find_hazards(["nothing"])


def test_hazards_are_found_in_python_for_one_app():
    own = [config.label for config in apps.get_app_configs() if is_project_app(config)]

    assert {each.migration.partition(".")[0] for each in find_hazards()} <= set(own)
    assert {each.migration.partition(".")[0] for each in find_hazards(["contenttypes"])} == {
        "contenttypes"
    }


def test_every_rule_says_a_safe_way_and_what_its_lock_blocks():
    assert all(rule.recipe for rule in [*RULES.values(), *WHOLE_RULES.values()])
    assert all(rule.lock in BLOCKS for rule in RULES.values())
    assert list(RULES) == sorted(RULES)
    assert len(IDS) == len(RULES) + len(WHOLE_RULES) + 3
