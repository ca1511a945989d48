"""The commands import_items and export_items."""

import io
import sys
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command

from core.models import AuditEvent
from groups.tests.factories import GroupFactory, MembershipFactory
from items.models import Item
from items.services import importing
from items.tests.factories import ItemFactory
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def run(*arguments):
    out, err = io.StringIO(), io.StringIO()
    call_command(*map(str, arguments), stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def refused(*arguments):
    err = io.StringIO()
    with pytest.raises(CommandError) as caught:
        call_command(*map(str, arguments), stdout=io.StringIO(), stderr=err)
    return caught.value.returncode, str(caught.value), err.getvalue()


@pytest.mark.parametrize("file_format", ["csv", "jsonl"])
def test_what_one_exports_the_other_imports(tmp_path, file_format):
    ItemFactory(owner=UserFactory(username="anna"), name="=Plan", description="é\r\n")
    bob = UserFactory(username="bob")
    file = tmp_path / f"items.{file_format}"

    run("export_items", "--owner", "anna", "--format", file_format, "--output", file)
    dry, _err = run("import_items", file, "--owner", "bob", "--dry-run")
    out, _err = run("import_items", file, "--owner", "bob")

    assert dry == "1 row: 1 would be made, 0 would be changed, 0 as they were.\n"
    assert out == "1 row: 1 made, 0 changed, 0 as they were.\n"
    copy = Item.objects.get(owner=bob)
    assert (copy.name, copy.description, copy.created_by) == ("=Plan", "é\r\n", bob)
    event = AuditEvent.objects.get(object_id=str(copy.pk))
    assert (event.via, event.actor_id) == ("command", bob.pk)
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_it_reads_standard_input_and_writes_standard_output(monkeypatch):
    group = GroupFactory(slug="sales")
    ItemFactory(owner=None, group=group, name="Ours")
    ItemFactory(name="Theirs")
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"name\nPlan\n")))

    run("import_items", "-", "--group", "sales")
    ours, _err = run("export_items", "--group", "sales", "--format", "jsonl")
    everything, _err = run("export_items", "--all", "--format", "jsonl")

    assert Item.objects.get(name="Plan").created_by == group.owner
    assert ours.count("\n") == 2
    assert everything.count("\n") == 3


def test_bad_rows_are_named_and_the_exit_code_is_one(tmp_path):
    UserFactory(username="anna")
    file = tmp_path / "items.csv"
    file.write_text("name,kind\nPlan,note\nPlan,ship\n")

    status, text, err = refused("import_items", file, "--owner", "anna")

    assert (status, text) == (1, "1 bad of 2 rows. Nothing was imported.")
    assert err == "line 3: kind: Value 'ship' is not a valid choice. (invalid_choice)\n"
    assert not Item.objects.exists()


def test_what_cannot_be_tried_is_two(tmp_path):
    member = MembershipFactory(role__permissions=["items.view_item"], group__slug="sales")
    file = tmp_path / "items.csv"
    file.write_text("name\nPlan\n")
    who = member.user.username

    for arguments, text in (
        (("import_items", file, "--owner", "nobody"), "no user called 'nobody'"),
        (("import_items", file, "--group", "none"), "no group with the slug 'none'"),
        (("import_items", file, "--owner", "a\0"), "no user called"),
        (("import_items", file, "--group", "sales", "--actor", who), "You may not add items"),
        (("import_items", tmp_path / "none", "--owner", who), "No such file"),
        (("import_items", tmp_path, "--owner", who), "Is a directory"),
        (("export_items", "--owner", "nobody"), "no user called 'nobody'"),
        (("export_items", "--all", "--output", tmp_path / "no" / "x"), "No such file"),
    ):
        status, said, _err = refused(*arguments)
        assert (status, text in said) == (2, True), (arguments, said)
    assert not Item.objects.exists()


def test_an_interrupted_import_writes_nothing(tmp_path, monkeypatch):
    anna = UserFactory(username="anna")
    file = tmp_path / "items.csv"
    file.write_text("name\n" + "Plan\n" * 3)
    record = importing.record_created

    def interrupted(rows, **kwargs):
        record(rows, **kwargs)
        raise KeyboardInterrupt

    monkeypatch.setattr(importing, "record_created", interrupted)

    status, said, _err = refused("import_items", file, "--owner", "anna")

    assert (status, said) == (130, "Stopped. Nothing was imported.")
    assert not Item.objects.filter(owner=anna).exists()
    assert not AuditEvent.objects.filter(model="item").exists()
