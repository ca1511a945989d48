"""``manage.py close_accounts`` closes what is due, or one account."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from core.models import AuditEvent
from groups.tests.factories import GroupFactory
from truledgr.tests.closing import annika, bobolink, fresh, make_due, places_of, supporter
from users.models import User
from users.tests.factories import UserFactory

staff, ann, bob = map(pytest.fixture, (supporter, annika, bobolink))
pytestmark = pytest.mark.django_db


def run(*arguments):
    out = StringIO()
    call_command("close_accounts", *arguments, stdout=out)
    return out.getvalue()


def refused(*arguments):
    out = StringIO()
    with pytest.raises(CommandError, match="Not closed: 1") as found:
        call_command("close_accounts", *arguments, stdout=out)
    assert found.value.returncode == 1
    return out.getvalue()


def test_the_command_says_what_it_would_do_and_does_it(ann):
    make_due(ann.user)

    assert run("--dry-run") == "annika: would be closed.\n"
    assert not fresh(ann.user).is_deleted
    assert run() == "annika: closed.\nClosed: 1.\n"
    assert run("--dry-run") == run() == "No account is due.\n"


def test_the_command_fails_when_something_is_in_the_way(ann, bob):
    make_due(ann.user)
    bob.join(GroupFactory(owner=ann.user, name="Rowing club"))

    for arguments in (["--dry-run"], []):
        assert "Rowing club" in refused(*arguments)


@pytest.mark.parametrize("by", ["username", "email", "id"])
@pytest.mark.parametrize("deleted", [False, True])
def test_the_command_closes_one_account_with_a_reason(ann, by, deleted):
    if deleted:
        ann.delete()
    name = {"username": "ANNIKA", "email": ann.words["email"], "id": str(ann.user.pk)}[by]

    assert run("--user", name, "--reason", "By letter", "--dry-run").endswith("would be closed.\n")
    assert run("--user", name, "--reason", "By letter") == "annika: closed.\n"

    assert fresh(ann.user).anonymised_at
    assert AuditEvent.objects.get(action="anonymise").changes["reason"] == [None, "By letter"]
    assert places_of(ann.words) == set()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--user", "annika"), "belong together"),
        (("--reason", "x"), "belong together"),
        (("--user", "annika", "--reason", " "), "belong together"),
        (("--user", "nobody", "--reason", "x"), "no user called"),
        (("--user", "a\0b", "--reason", "x"), "no user called"),
        (("--user", "twice", "--reason", "x"), "Give the id"),
    ],
)
def test_the_command_says_what_is_wrong_with_its_arguments(ann, arguments, complaint):
    for _time in range(2):
        UserFactory(username="twice").delete()

    with pytest.raises(CommandError, match=complaint):
        run(*arguments)

    assert not User.objects.exclude(anonymised_at=None).exists()


def test_the_command_does_not_close_over_an_obstacle(ann, bob):
    bob.join(GroupFactory(owner=ann.user, name="Rowing club"))

    for more in (["--dry-run"], []):
        assert "Rowing club" in refused("--user", "annika", "--reason", "x", *more)

    assert not fresh(ann.user).is_deleted


def test_an_actor_of_the_command_stands_in_the_trail(ann, staff):
    run("--user", "annika", "--reason", "x", "--actor", "supporter")

    assert AuditEvent.objects.get(action="anonymise").actor_id == staff.pk
