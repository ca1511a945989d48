import json

import pytest
from django.db import connection

from core.tests.one_engine import on
from core.text_search import matching, searches_in
from items.models import SEARCHED, Item
from items.tests.factories import ItemFactory
from users.tests.factories import UserFactory

pytestmark = pytest.mark.django_db

ODD = (
    "'", '"', '""', "&", "|", "!", "!!", "<->", "a:*", "a & | b", "((", ":*", "\\", "%", "_", "-",
    "--", "- -", "or", "or or", "a or", '-"', '"a', "\u202e", "\U0001f600", "ǅ", "a" * 200,
    "a " * 100, "-a " * 66, '"a" ' * 50, "a or " * 40, "\x01", "\x7f", "'; DROP TABLE items; --",
)  # fmt: skip


@pytest.fixture
def items():
    owner = UserFactory()
    for name, description in [
        ("Boat plan", "For the summer regatta"),
        ("Regatta", "Boats and a sail plan"),
        ("Minutes", "Nothing about boats at all"),
        ("Ünïcode", "100% sure_thing"),
    ]:
        ItemFactory(owner=owner, name=name, description=description)


def found(text):
    rows = matching(Item.objects.order_by("id"), fields=SEARCHED, text=text)
    return [item.name for item in rows]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("regatta", ["Boat plan", "Regatta"]),
        ("REGATTA  plan", ["Boat plan", "Regatta"]),
        ("plan summer", ["Boat plan"]),
        ('"boat plan"', ["Boat plan"]),
        ('"plan boat"', []),
        ('"sail plan', ["Regatta"]),
        ("regatta -summer", ["Regatta"]),
        ("regatta - summer", ["Regatta"]),
        ('-"sail plan" regatta', ["Boat plan"]),
        ("minutes or summer", ["Boat plan", "Minutes"]),
        ("minutes Or summer sail", ["Minutes"]),
        ("-plan", ["Minutes", "Ünïcode"]),
        ("Ünïcode", ["Ünïcode"]),
        ("100%", ["Ünïcode"]),
        ("sure_thing", ["Ünïcode"]),
        ("nowhere", []),
        ("-", []),
        ('""', []),
        (" ", []),
    ],
)
def test_words_phrases_minus_and_or_mean_the_same_on_every_engine(items, text, expected):
    assert found(text) == expected


def test_whatever_is_asked_for_there_is_an_answer(items):
    for text in ODD:
        assert isinstance(found(text), list), text


@on("postgresql")
def test_the_words_are_whole_ones_and_stand_in_an_index(items):
    rows = matching(Item.objects.order_by(), fields=SEARCHED, text="boat -minutes or regatta")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        plan = json.loads(rows.explain(format="json"))

    assert "item_search_idx" in json.dumps(plan)
    assert found("boat") == ["Boat plan"]


@on("sqlite")
def test_a_part_of_a_word_is_found_as_well(items):
    assert found("boat") == ["Boat plan", "Regatta", "Minutes"]
    assert found("regat") == ["Boat plan", "Regatta"]


def test_a_search_is_taken_apart_once():
    assert searches_in('a -"b c" or --d "e') == [
        [("a", False), ("b c", True)],
        [("d", False), ("e", False)],
    ]
