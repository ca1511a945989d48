from datetime import date, time
from decimal import Decimal
from uuid import UUID

import pytest
from django.db import models
from django.db.models import F, Q, TextChoices, Value
from django.test.utils import isolate_apps

from schematools.engines import documented_connections
from schematools.expressions import condition_sql, expression_sql, literal

POSTGRESQL, SQLITE = documented_connections()


@pytest.fixture
def thing():
    with isolate_apps("schematools"):

        class Thing(models.Model):
            name = models.CharField(max_length=9, db_column="odd name")
            data = models.JSONField()
            amount = models.IntegerField()

            class Meta:
                app_label = "shop"

        yield Thing


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (Q(amount__gt=1), "amount > 1"),
        (Q(amount=1) | Q(amount=2), "amount = 1 OR amount = 2"),
        (~Q(amount=1) & Q(id=2), "NOT (amount = 1) AND id = 2"),
        (Q(amount__gt=F("id")), "amount > (id)"),
        (Q(amount__isnull=True), "amount IS NULL"),
        (Q(amount__in=[]), "FALSE"),
        (~Q(amount__in=[]), "TRUE"),
        (Q(name="(a) 100% 'b'"), "\"odd name\" = '(a) 100% ''b'''"),
        (Q(data__kind="x"), "(data -> 'kind') = '\"x\"'"),
        (Q(nothing=1), "(AND: ('nothing', 1))"),
    ],
)
def test_a_condition_reads_like_sql(thing, condition, expected):
    assert condition_sql(condition, thing, POSTGRESQL) == expected


def test_a_condition_may_be_an_expression(thing):
    condition = models.lookups.GreaterThan(F("amount"), Value(3))

    assert condition_sql(condition, thing, POSTGRESQL) == "amount > 3"


def test_an_expression_that_an_engine_cannot_have_is_told_as_python_has_it(thing):
    class Odd(models.Func):
        def as_sql(self, *args, **kwargs):
            raise NotImplementedError

        def __str__(self):
            return "<Odd object at 0x7f00aa>"

    assert expression_sql(Odd(), thing, SQLITE) == "<Odd object>"


class Colour(TextChoices):
    RED = "red", "Red"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "NULL"),
        (True, "TRUE"),
        (7, "7"),
        (0.5, "0.5"),
        (Decimal("1.50"), "1.50"),
        ("it's", "'it''s'"),
        (Colour.RED, "'red'"),
        (b"\x00\xff", "X'00ff'"),
        (date(2024, 2, 29), "'2024-02-29'"),
        (time(1, 2), "'01:02:00'"),
        (UUID(int=1), "'00000000-0000-0000-0000-000000000001'"),
        ({"b": 1, "a": [2]}, """'{"a": [2], "b": 1}'"""),
        ([1, "a"], "(1, 'a')"),
        ({3, 1, 2}, "(1, 2, 3)"),
        (F("amount"), "F(amount)"),
    ],
)
def test_a_value_is_written_as_an_sql_literal(value, expected):
    assert literal(value) == expected
