"""``manage.py explain_permission`` and ``manage.py who_can``."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from authorization.tests.factories import RoleAssignmentFactory
from groups.tests.factories import MembershipFactory
from items.tests.factories import ItemFactory
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

VIEW = "items.view_item"


def run(*arguments):
    """The exit code, what was printed and what was complained about."""
    out, err = StringIO(), StringIO()
    try:
        call_command(*map(str, arguments), stdout=out, stderr=err)
    except CommandError as error:
        return error.returncode, out.getvalue(), str(error)
    return 0, out.getvalue(), err.getvalue()


@pytest.fixture
def member():
    return MembershipFactory(role__permissions=[VIEW], role__name="Reader", user__username="ann")


def test_explain_permission_answers_by_its_exit_status_and_in_words(member):
    item = ItemFactory(owner=None, group=member.group)

    for name in ("ann", "ANN@example.org", member.user_id):
        status, out, _err = run("explain_permission", name, VIEW, f"items.item:{item.pk}")
        assert status == 0
        assert out.startswith(f"Allowed: ann may do {VIEW} on the item {item}.\n  + Is a member")

    status, out, _err = run("explain_permission", "ann", VIEW)
    assert status == 1
    assert out.startswith(f"Denied: ann may not do {VIEW} everywhere.\n  - ann holds no role")
    assert "Roles that hold it: administrator (global)" in out


def test_explain_permission_as_json(member):
    RoleAssignmentFactory(user=member.user, role__permissions=[VIEW], role__slug="helper")

    status, out, _err = run("explain_permission", "ann", VIEW, "--format", "json")

    found = json.loads(out)
    assert status == 0
    assert (found["user"], found["allowed"], found["object"]) == ("ann", True, None)
    assert [(ground["code"], ground["role"]) for ground in found["grants"]] == [("role", "helper")]
    assert "helper" in found["roles"]


def test_who_can_lists_them_with_the_reasons_in_batches(member, monkeypatch):
    monkeypatch.setattr("authorization.management.commands.who_can.BATCH", 2)
    for n in range(3):
        RoleAssignmentFactory(role__permissions=[VIEW], user__username=f"helper{n}")
    group = f"groups.group:{member.group_id}"

    status, out, _err = run("who_can", VIEW, group)
    assert status == 0
    assert "ann <ann@example.org>\n  + Is a member of the group" in out
    assert out.count("  + Holds the role") == 3
    assert "  + Owns the group" in out

    status, out, err = run("who_can", VIEW, "--format", "json", "--limit", 2)
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["username"] for line in lines] == ["helper2", "helper1"]
    assert [ground["code"] for line in lines for ground in line["grants"]] == ["role", "role"]
    assert "There are more than 2" in err
    assert len(run("who_can", VIEW, "--limit", 0)[1].splitlines()) == 6
    assert run("who_can", "items.add_item") == (1, "", "Nobody.")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("explain_permission", "nobody", VIEW), "There is no user called 'nobody'."),
        (("explain_permission", "a\0", VIEW), "Null characters"),
        (("explain_permission", "bob", "items.view_itm"), "Did you mean items.view_item"),
        (("explain_permission", "bob", VIEW, "items.itm:1"), "Did you mean items.item"),
        (("who_can", "view_item"), "Did you mean items.view_item"),
        (("who_can", VIEW, "items.item:01890000-0000-7000-8000-000000000000"), "There is no item"),
    ],
)
def test_what_cannot_be_answered_says_why(arguments, said):
    UserFactory(username="bob")

    status, out, err = run(*arguments)

    assert (status, out) == (2, "")
    assert said in err


def test_a_database_that_does_not_answer_is_no_denial(monkeypatch):
    def fail(_name):
        raise OperationalError("gone.")

    module = "authorization.management.commands.explain_permission"
    monkeypatch.setattr(f"{module}.find_user", fail)

    status, _out, err = run("explain_permission", "bob", VIEW)

    assert status == 2
    assert "is DATABASE_URL right" in err
