"""What counts as an edit of a migration, and how its hash is kept."""

import pytest
from django.core.management import call_command
from django.core.serializers import serialize
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from schematools import hashes
from schematools.hashes import content_hash, edited_migrations, record_hashes
from schematools.models import MigrationHash

SOURCE = '''\
from django.db import migrations, models
import os


class Migration(migrations.Migration):
    """Adds a title."""

    dependencies = [("shelf", "0001_initial")]
    operations = [migrations.AddField("Book", "title", models.TextField(default="a" "b"))]
'''
KEY = ("schematools", "0001_database_schema")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\n\n\n", "\n"),
        ('"shelf"', "'shelf'"),
        ("import os\n", "import os  # for its path\n"),
        ('    """Adds a title."""\n', ""),
        ('"a" "b"', '"ab"'),
        (
            "import migrations, models\nimport os",
            "import models\nimport os\nfrom django.db import migrations",
        ),
        ("operations = [migrations", "operations = [\n        (migrations"),
        ("\n", "\r\n"),
        ("0001_initial", "0002_more"),
        ("dependencies", "run_before"),
    ],
)
def test_what_means_the_same_has_the_same_hash(old, new):
    changed = SOURCE.replace(old, new)
    if "(migrations.AddField" in changed:
        changed = changed.replace('"b"))]', '"b"))),\n    ]')

    assert changed != SOURCE
    assert content_hash(changed.encode()) == content_hash(SOURCE.encode())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"title"', '"name"'),
        ("TextField", "CharField"),
        ('"a" "b"', '"a"'),
        ("import os", "import sys"),
        ('"Book", "title"', '"title", "Book"'),
        ('default="a" "b"', ""),
    ],
)
def test_what_means_something_else_has_another_hash(old, new):
    assert content_hash(SOURCE.replace(old, new, 1).encode()) != content_hash(SOURCE.encode())


def test_the_hash_is_the_same_in_all_versions_of_python():
    """A hash that is kept outlives the Python that made it: this one is of 3.9 to 3.13."""
    source = b"""import a
x = f(1, *y, k=None)[2:3]
class A(B):
    def f(self): return f'{x!r:>3}' 'a'
"""

    assert content_hash(source).startswith("187d57da39d7a3ed21ab1b7dbec472d1")


# In the database


@pytest.fixture
def rows(db):
    return MigrationHash.rows


def test_every_applied_migration_has_a_hash_after_migrating(rows):
    applied = set(MigrationRecorder(connection).applied_migrations())

    assert {(row.app, row.name) for row in rows.all()} == applied
    assert list(edited_migrations(connection, applied)) == []


def test_what_another_file_was_applied_is_found_and_adopted_when_forgotten(rows):
    rows.filter(app=KEY[0], name=KEY[1]).update(source_hash="x", content_hash="y")

    (finding,) = edited_migrations(connection, {KEY})
    assert (finding.id, finding.object) == ("migration-edited", ".".join(KEY))

    record_hashes(using="default")  # does not forget it
    assert len(list(edited_migrations(connection, {KEY}))) == 1

    rows.filter(app=KEY[0], name=KEY[1]).delete()
    record_hashes(using="default")
    assert list(edited_migrations(connection, {KEY})) == []
    assert rows.filter(app=KEY[0], name=KEY[1]).count() == 1


def test_a_reformatted_file_is_not_found(rows):
    rows.filter(app=KEY[0], name=KEY[1]).update(source_hash="another spelling")

    assert list(edited_migrations(connection, {KEY})) == []


def test_what_is_not_applied_any_more_is_forgotten(rows):
    rows.create(app="gone", name="0001_initial", source_hash="", content_hash="")

    record_hashes(using="default")

    assert not rows.filter(app="gone").exists()


def test_without_the_table_nothing_is_asked_or_kept(db, monkeypatch):
    monkeypatch.setattr(MigrationHash._meta, "db_table", "no_such_table")

    record_hashes(using="default")

    assert list(edited_migrations(connection, {KEY})) == []


def test_a_router_may_keep_the_table_out(db, settings, monkeypatch):
    monkeypatch.setattr(hashes.router, "allow_migrate_model", lambda *_: False)

    assert not hashes.has_table(connection)


def test_the_hashes_are_no_data_of_the_project(rows, capsys):
    assert rows.exists()
    call_command("dumpdata", "schematools", "--all")

    assert capsys.readouterr().out.strip() == "[]"
    assert serialize("json", MigrationHash.objects.all()) == "[]"
