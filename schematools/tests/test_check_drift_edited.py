"""Migrations that were edited, replaced or translated after they were applied."""

import pytest

from schematools.tests.shelf import write

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("drift_live")]


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
