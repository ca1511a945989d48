"""What stops `manage.py seed_demo`, and how it says so."""

import re

import pytest
from django.core.management.base import CommandError
from django.db import OperationalError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from items.models import Item
from truledgr.demo import seeding
from truledgr.management.commands import seed_demo
from truledgr.tests.demo_seeds import SMALL, in_development, seed
from users.models import User
from users.tests.factories import UserFactory

_development = pytest.fixture(in_development, autouse=True)
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("option", "value"),
    [("users", 0), ("users", -5), ("users", 10**9), ("items", -1), ("seed", -1), ("seed", 2**40)],
)
def test_nonsense_numbers_are_refused_by_name(option, value):
    with pytest.raises(CommandError, match=rf"--{option} is {value}\. Set a number from"):
        seed(**{option: value})


@pytest.mark.parametrize(("users", "items"), [(1, 0), (1, 7), (4, 3), (6, 0)])
def test_the_smallest_sets_work(users, items):
    seed(users=users, items=items)

    assert User.objects.count() == users + 1
    assert Item.objects.count() == items


def test_without_debug_it_needs_force(settings):
    settings.DEBUG = False

    with pytest.raises(CommandError, match="Add --force"):
        seed(**SMALL)
    assert not User.objects.exists()

    seed(**SMALL, force=True)
    assert User.objects.count() == 13


def test_a_missing_migration_is_named_before_anything_is_written():
    (latest,) = MigrationLoader(connection).graph.leaf_nodes("items")
    MigrationRecorder(connection).record_unapplied(*latest)

    with pytest.raises(CommandError, match=r"Run 'python manage\.py migrate' first"):
        seed(**SMALL)
    assert not User.objects.exists()


def test_a_database_that_does_not_answer_is_a_sentence(monkeypatch):
    def refuse(connection):
        raise OperationalError("no route")

    monkeypatch.setattr(seed_demo, "MigrationExecutor", refuse)

    with pytest.raises(CommandError, match="The database did not answer: no route"):
        seed(**SMALL)


def test_a_demo_admin_that_cannot_be_made_is_a_sentence():
    UserFactory(email="DEMO_admin@example.org")

    with pytest.raises(CommandError, match=r"The demo admin cannot be made.*e-mail"):
        seed(**SMALL)


def test_an_interrupted_run_is_finished_by_the_next_one(monkeypatch):
    def interrupt(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(seeding, "_make_groups", interrupt)
        with pytest.raises(CommandError, match="Run the same command again to finish"):
            seed(**SMALL)
    assert not Item.objects.exists()

    output = seed(**SMALL)

    assert "An earlier run of --users 12 --items 30 --seed 1 was not finished" in output
    assert Item.objects.count() == 30
    assert User.objects.count() == 13
    assert re.search(r"Made 0 people, 2 groups, 30 items", output)
