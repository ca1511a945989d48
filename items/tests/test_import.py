"""Importing items: what a file may hold, what becomes of it, and what is said of bad rows."""

import io

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.errors import ConflictError, NotAllowedError
from core.models import AuditEvent
from groups.tests.factories import GroupFactory, MembershipFactory
from items.models import Item
from items.services import importing
from items.services.import_rows import LONGEST_ROW
from items.services.importing import import_items
from items.tests.factories import ItemFactory
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def run(text, *, actor=None, file_format="csv", **options):
    content = text if isinstance(text, bytes) else text.encode()
    actor = actor or UserFactory()
    return import_items(actor=actor, file=io.BytesIO(content), file_format=file_format, **options)


def faults(report):
    return [(error.line, error.field, error.code) for error in report.errors]


def test_every_row_becomes_an_item_of_the_actor_with_its_event():
    ada = UserFactory()

    report = run(
        "\ufeffname,kind,is_active,tags,data,description\r\n"
        'Plan,task,FALSE,"[""q3"",""board""]","{""a"": 1}","two\nlines, and more"\r\n'
        "'=1+1,,,,,\r\n",
        actor=ada,
    )

    assert (report.rows, report.created, report.is_good) == (2, 2, True)
    first, second = Item.objects.order_by("id")
    assert (first.name, first.kind, first.is_active) == ("Plan", "task", False)
    assert (first.tags, first.data) == (["q3", "board"], {"a": 1})
    assert first.description == "two\nlines, and more"
    assert (second.name, second.kind, second.tags, second.data) == ("=1+1", "note", [], {})
    assert {first.owner, second.owner, first.created_by} == {ada}
    event = AuditEvent.objects.filter(object_id=str(first.pk)).get()
    assert (event.action, event.actor_id) == ("create", ada.pk)
    assert event.changes["name"] == [None, "Plan"]
    assert event.changes["data"] == [None, '{"a":1}']


def test_an_upsert_changes_what_rows_name_and_makes_what_they_do_not():
    ada = UserFactory()
    item, same = ItemFactory.create_batch(2, owner=ada, description="kept")
    made = item.created_at

    report = run(
        f"id,version,name\n{item.pk},1,Renamed\n{same.pk},1,{same.name}\n,,New\n",
        actor=ada,
        mode="upsert",
    )

    assert (report.created, report.updated, report.unchanged) == (1, 1, 1)
    item.refresh_from_db()
    assert (item.name, item.description, item.version) == ("Renamed", "kept", 2)
    assert item.created_at == made < item.updated_at
    same.refresh_from_db()
    assert same.version == 1
    [event] = AuditEvent.objects.filter(model="item", action="update")
    assert event.changes["version"] == [1, 2]
    assert event.changes.keys() == {"name", "version"}


def test_an_upsert_touches_nothing_that_the_actor_may_not_change():
    member = MembershipFactory(role__permissions=["items.view_item"])
    seen = ItemFactory(owner=None, group=member.group)
    hidden, stale, gone = ItemFactory(), ItemFactory(owner=member.user, version=3), ItemFactory()
    gone.delete()

    report = run(
        "id,version,name\n"
        f"{seen.pk},1,x\n{hidden.pk},1,x\n{stale.pk},2,x\n{gone.pk},1,x\n{stale.pk},3,x\n",
        actor=member.user,
        mode="upsert",
    )

    assert faults(report) == [
        (2, "id", "permission_denied"),
        (3, "id", "does_not_exist"),
        (4, "version", "stale_version"),
        (5, "id", "does_not_exist"),
        (6, "id", "duplicate"),
    ]
    assert not Item.objects.filter(name="x").exists()


BAD_CSV = {
    "no name": ("name\n \n", (2, "name", "blank")),
    "too long": (f"name\n{'x' * 201}\n", (2, "name", "max_length")),
    "kind": ("name,kind\na,ship\n", (2, "kind", "invalid_choice")),
    "flag": ("name,is_active\na,maybe\n", (2, "is_active", "invalid")),
    "not JSON": ("name,data\na,{\n", (2, "data", "invalid")),
    "not an object": ("name,data\na,[]\n", (2, "data", "invalid")),
    "doubled": ('name,data\na,"{""b"": 1, ""b"": 2}"\n', (2, "data", "invalid")),
    "NaN": ('name,data\na,"{""b"": NaN}"\n', (2, "data", "invalid")),
    "huge number": (f'name,data\na,"{{""b"": {"9" * 10_000}}}"\n', (2, "data", "invalid")),
    "nested": (f"name,data\na,{'[' * 100_000}\n", (2, "data", "invalid")),
    "surrogate": ('name,data\na,"{""b"": ""\\ud800""}"\n', (2, "data", "invalid")),
    "no list": ("name,tags\na,{}\n", (2, "tags", "invalid")),
    "id": ("name,id\na,7\n", (2, "id", "invalid")),
    "version": ("name,version\na,-1\n", (2, "version", "invalid")),
    "null character": ("name\na\0b\n", (2, "name", "invalid")),
    "Latin-1": (b"name\nM\xfcnchen\n", (2, "file", "encoding")),
    "too many cells": ("name\na,b\n", (2, "file", "wrong_number_of_cells")),
    "never closed": ('name\n"a\nb\n', (2, "file", "csv")),
    "stray mark": ('name\n"a"b\n', (2, "file", "csv")),
    "huge row": (f'name\n"{"x" * LONGEST_ROW}"\n', (2, "file", "too_long")),
    "huge cell": (f"name\n{'x' * 200_000}\n", (2, "file", "too_long")),
    "UTF-16": ("name\na\n".encode("utf-16"), (1, "file", "encoding")),
    "empty": ("", (1, "file", "empty")),
    "unknown column": ("name,Discription\na,b\n", (1, "Discription", "unknown_column")),
    "double column": ("name,name\na,b\n", (1, "name", "duplicate_column")),
    "no column": ("kind\nnote\n", (1, "name", "required")),
}


@pytest.mark.parametrize(("content", "fault"), BAD_CSV.values(), ids=BAD_CSV)
def test_a_bad_row_of_csv_is_named_and_nothing_is_imported(content, fault):
    report = run(content)

    assert fault in faults(report)
    assert all(len(error.detail) <= 320 for error in report.errors)
    assert not Item.objects.exists()


BAD_LINES = {
    "not JSON": ("{", "file", "json"),
    "no object": ("[1]", "file", "json"),
    "deep": ("[" * 100_000, "file", "json"),
    "doubled": ('{"name": "a", "name": "b"}', "file", "json"),
    "no name": ("{}", "name", "required"),
    "a number": ('{"name": 5}', "name", "wrong_type"),
    "null": ('{"name": "a", "description": null}', "description", "wrong_type"),
    "no flag": ('{"name": "a", "is_active": "true"}', "is_active", "wrong_type"),
    "unknown": ('{"name": "a", "nmae": "b"}', "nmae", "unknown_field"),
    "null character": ('{"name": "a\\u0000b"}', "name", "invalid"),
    "surrogate": ('{"name": "\\udc00"}', "name", "invalid"),
    "surrogate name": ('{"\\udc00": 1}', "\\udc00", "unknown_field"),
    "version": ('{"name": "a", "version": true}', "version", "wrong_type"),
    "huge version": ('{"name": "a", "version": 1' + "0" * 5_000 + "}", "version", "wrong_type"),
    "tags": ('{"name": "a", "tags": ["x", "x"]}', "tags", "invalid"),
    "tags null": ('{"name": "a", "tags": null}', "tags", "invalid"),
    "data": ('{"name": "a", "data": {"x": "' + "y" * 70_000 + '"}}', "data", "invalid"),
    "huge line": ('{"name": "' + "x" * LONGEST_ROW + '"}', "file", "too_long"),
}


@pytest.mark.parametrize(("line", "field", "code"), BAD_LINES.values(), ids=BAD_LINES)
def test_a_bad_line_of_json_is_named_and_nothing_is_imported(line, field, code):
    report = run(f'{{"name": "good"}}\n\n{line}\n{{"name": "good"}}\n', file_format="jsonl")

    assert (faults(report), report.rows) == ([(3, field, code)], 3)
    assert not Item.objects.exists()


def test_unknown_columns_are_named_with_what_was_meant():
    [error] = run("name,Discription\na,b\n").errors
    assert error.detail == "Not a column of an item. Did you mean description?"
    [error] = run("name;kind\na;note\n", mode="upsert").errors
    assert error.detail.endswith("Separate the columns by commas.")


def test_after_a_row_that_cannot_be_read_the_next_ones_are():
    long = '"' + "x\n" * (LONGEST_ROW // 2 + 2) + '"'

    report = run(f'name\n"a"b\ngood\n{long}\ngood\n"never closed\n')

    assert [(line, code) for line, _field, code in faults(report)] == [
        (2, "csv"), (4, "too_long"), (4 + LONGEST_ROW // 2 + 2 + 2, "csv"),
    ]  # fmt: skip
    assert report.rows == 5


def test_a_dry_run_says_the_same_and_writes_nothing():
    ada = UserFactory()
    item = ItemFactory(owner=ada)

    report = run(f"id,name\n{item.pk},New name\n,Made\n", actor=ada, mode="upsert", dry_run=True)

    assert (report.created, report.updated, report.dry_run) == (1, 1, True)
    assert list(Item.objects.values_list("name", flat=True)) == [item.name]
    assert not AuditEvent.objects.filter(model="item").exists()


def test_one_bad_row_in_a_hundred_is_named_each_and_the_report_is_bounded(monkeypatch):
    text = "name\n" + "".join("good\n" if n % 100 else f"{'x' * 201}\n" for n in range(2_000))

    report = run(text)
    assert (report.rows, report.bad_rows, report.is_cut) == (2_000, 20, False)
    assert [error.line for error in report.errors] == list(range(2, 2_002, 100))

    monkeypatch.setattr(importing, "MOST_REPORTED", 5)
    report = run(text)
    assert (report.bad_rows, len(report.errors), report.is_cut) == (20, 5, True)
    assert not Item.objects.exists()


def test_what_changes_between_the_readings_undoes_the_import(monkeypatch):
    ada = UserFactory()
    item = ItemFactory(owner=ada)
    taken = importing._Run._items_of

    def changed_meanwhile(self, batch):
        if self.is_writing:
            Item.objects.filter(pk=item.pk).update(version=2)
        return taken(self, batch)

    monkeypatch.setattr(importing, "BATCH_ROWS", 1)
    monkeypatch.setattr(importing._Run, "_items_of", changed_meanwhile)

    report = run(f"id,version,name\n,,Made\n{item.pk},1,Mine\n", actor=ada, mode="upsert")

    assert faults(report) == [(3, "version", "stale_version")]
    assert not Item.objects.filter(name__in=["Made", "Mine"]).exists()
    assert not AuditEvent.objects.filter(model="item").exists()


def test_more_rows_cost_no_more_statements():
    ada = UserFactory()
    # Twice the savepoint and the owner's row and its end, once the items and once their events.
    counts = []
    for size in (1, 60):
        with CaptureQueriesContext(
            connection,
        ) as captured:
            run("name\n" + "a\n" * size, actor=ada)
        counts.append(len(captured))

    assert counts[0] == counts[1] == 8


def test_it_needs_the_right_to_add_items_there(settings):
    member = MembershipFactory(role__permissions=["items.view_item"])
    with pytest.raises(NotAllowedError):
        run("name\na\n", actor=member.user, group=member.group)
    with pytest.raises(NotAllowedError):
        run("name\na\n", owner=UserFactory())
    archived = GroupFactory(is_active=False)
    with pytest.raises(ConflictError):
        run("name\na\n", actor=archived.owner, group=archived)

    settings.ITEM_IMPORT_MAX_ROWS = 1
    assert faults(run("name\na\nb\n")) == [(3, "file", "too_many_rows")]
