"""Exporting items: who gets which, what a spreadsheet makes of it, and the way back."""

import csv
import io
import json

import pytest
from django.db import OperationalError
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from groups.tests.factories import MembershipFactory
from items.models import Item, ItemKind
from items.services import exporting
from items.services.exporting import FIELDS, export_items
from items.services.importing import import_items
from items.tests.factories import ItemFactory
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

CSV, LINES = "/api/v1/items/export.csv", "/api/v1/items/export.jsonl"
KEPT = ("name", "description", "kind", "is_active", "tags", "data")

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
formulas = st.sampled_from(
    ["=", "+", "-", "@", "\t", "\r", "'", "''=", " =", '"', "\r\n", "\ufeff"]
)
words = st.one_of(text, st.builds(str.__add__, formulas, text))
numbers = st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
leaves = st.none() | st.booleans() | numbers | words
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3)
)
items = st.fixed_dictionaries(
    {
        "name": words.filter(str.strip),
        "description": words,
        "kind": st.sampled_from(ItemKind.values),
        "is_active": st.booleans(),
        "tags": st.lists(words.filter(str.strip), max_size=3, unique=True),
        "data": st.dictionaries(words, values, max_size=3),
    }
)


def body(response):
    return b"".join(response.streaming_content).decode()


def rows_of(response):
    return list(csv.DictReader(io.StringIO(body(response), newline="")))


@pytest.mark.parametrize("file_format", ["csv", "jsonl"])
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(made=st.lists(items, min_size=1, max_size=4))
@example(made=[{"name": "\r\n=1", "data": {"n": 1e308, "tiny": 5e-324}, "tags": ["'@"]}])
def test_what_is_exported_is_imported_again_unchanged(file_format, made):
    ada, eve = UserFactory(), UserFactory()
    Item.objects.bulk_create(Item(owner=ada, **values) for values in made)
    mine = Item.objects.filter(owner=ada).order_by("pk")
    before = list(mine.values())

    file = io.BytesIO("".join(export_items(mine, file_format=file_format)).encode())
    again = import_items(actor=ada, file=file, file_format=file_format, mode="upsert")
    copied = import_items(actor=eve, file=file, file_format=file_format)

    assert (again.unchanged, again.updated, again.errors) == (len(made), 0, [])
    assert list(mine.values()) == before
    copies = Item.objects.filter(owner=eve).order_by("pk")
    assert copied.created == len(made)
    assert list(copies.values(*KEPT)) == list(mine.values(*KEPT))


def test_a_file_has_what_the_list_shows_with_the_same_filters(api_of):
    member = MembershipFactory(role__permissions=["items.view_item"])
    mine = ItemFactory(owner=member.user, name="Mine", kind="task")
    ours = ItemFactory(owner=None, group=member.group, name="Ours")
    gone = ItemFactory(owner=member.user, name="Gone")
    gone.delete()
    ItemFactory(name="Theirs")
    client = api_of(member.user)

    answer = client.get(LINES)
    shown = [json.loads(line) for line in body(answer).splitlines()]

    assert [row["name"] for row in shown] == ["Mine", "Ours"]
    assert tuple(shown[0]) == FIELDS == tuple(client.get("/api/v1/items").data["results"][0])
    assert shown[0]["id"] == str(mine.pk)
    assert shown[1]["group"] == str(ours.group_id)
    assert answer["Content-Disposition"] == 'attachment; filename="items.jsonl"'
    assert answer["Content-Type"] == "application/x-ndjson; charset=utf-8"
    assert answer["Cache-Control"] == "no-store"
    assert [row["name"] for row in rows_of(client.get(f"{CSV}?kind=task"))] == ["Mine"]
    assert [row["name"] for row in rows_of(client.get(f"{CSV}?deleted=true"))] == ["Gone"]
    assert rows_of(client.get(f"{CSV}?tag=none")) == []
    for wrong in ("page_size=1", "ordering=name", "kind=ship", "unknown=1", "group=x"):
        refused = client.get(f"{CSV}?{wrong}")
        assert refused.status_code == 400, wrong
        assert refused["Content-Type"] == "application/problem+json"


def test_a_spreadsheet_takes_no_cell_for_a_formula(api_of):
    ada = UserFactory()
    names = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "'=1", "plain", "a=1"]
    for name in names:
        ItemFactory(owner=ada, name=name, description=name)

    rows = rows_of(api_of(ada).get(CSV))

    for row, name in zip(rows, names, strict=True):
        for cell in (row["name"], row["description"]):
            assert cell == (name if name in {"plain", "a=1"} else f"'{name}")


def test_the_file_is_read_from_the_database_in_batches(
    api_of, monkeypatch, django_assert_num_queries
):
    monkeypatch.setattr(exporting, "BLOCK", 1)
    ada = UserFactory()
    ItemFactory.create_batch(12, owner=ada)

    with django_assert_num_queries(1):
        pieces = list(export_items(Item.objects.filter(owner=ada), file_format="jsonl"))

    assert [piece.count("\n") for piece in pieces] == [1] * 12 + [0]


def test_an_error_is_an_answer_before_the_first_byte_and_breaks_off_after_it(api_of, monkeypatch):
    ada = UserFactory()
    ItemFactory.create_batch(3, owner=ada)
    client = api_of(ada)
    plain = exporting._plain
    seen = []

    def failing(value):
        seen.append(value)
        if len(seen) > 2 * len(FIELDS):
            raise OperationalError("the server went away")
        return plain(value)

    monkeypatch.setattr(exporting, "_plain", failing)
    assert client.get(LINES).status_code == 503

    seen.clear()
    monkeypatch.setattr(exporting, "BLOCK", 1)
    answer = client.get(LINES)
    assert answer.status_code == 200
    with pytest.raises(OperationalError):  # the server closes the connection and marks no end
        body(answer)
