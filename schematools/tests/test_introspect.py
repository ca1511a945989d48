import json
from dataclasses import asdict
from datetime import timedelta

import pytest
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeOperators
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower, Now
from django.test.utils import isolate_apps
from django.utils.translation import gettext_lazy, override

from schematools.introspect import read_schema
from schematools.model import Column, Constraint, Index, Module
from schematools.tests.reading import POSTGRESQL, SQLITE, InShop, column, read, read_table


@pytest.fixture(autouse=True)
def registry():
    with isolate_apps("schematools") as apps:
        yield apps


DEFERRED = models.Deferrable.DEFERRED


def test_a_type_is_that_of_the_engine():
    class Thing(models.Model):
        id = models.UUIDField(primary_key=True)

        class Meta(InShop):
            pass

    types = [read_table(Thing, connection=each).columns[0].type for each in (POSTGRESQL, SQLITE)]

    assert types == ["uuid", "char(32)"]


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (models.BooleanField(default=False), {"default": "FALSE"}),
        (models.CharField(max_length=5, default="it's"), {"default": "'it''s'"}),
        (models.JSONField(default=dict), {"default": "dict()"}),
        (models.TextField(default=lambda: "x"), {"default": "computed"}),
        (models.DateTimeField(auto_now=True), {"default": "now, at every save"}),
        (models.DateTimeField(auto_now_add=True), {"default": "now, when added"}),
        (models.DurationField(default=timedelta(hours=1)), {"default": "'1:00:00'"}),
        (models.DateTimeField(db_default=Now()), {"db_default": "STATEMENT_TIMESTAMP()"}),
        (models.IntegerField(db_default=3), {"db_default": "3"}),
        (models.TextField(null=True), {"null": True}),
        (models.CharField(max_length=9, db_collation="C"), {"collation": "C"}),
        (models.TextField(help_text=" Two\n words "), {"description": "Two words"}),
        (models.TextField(db_comment="Comment"), {"description": "Comment"}),
        (
            models.TextField(choices=[("a", "A"), ("G", [("b", "B")])]),
            {"choices": (("a", "A"), ("b", "B"))},
        ),
        (models.TextField(choices=lambda: [("a", "A")]), {"choices": ()}),
        (
            models.GeneratedField(
                expression=F("id") + 1, output_field=models.IntegerField(), db_persist=True
            ),
            {"generated": "(id + 1)", "null": True},
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else type(value).__name__,
)
def test_what_a_field_says_is_read(field, expected):
    thing = type("Thing", (models.Model,), {"field": field, "__module__": __name__, "Meta": InShop})

    found = column(read_table(thing), "field")

    assert {name: getattr(found, name) for name in expected} == expected


def test_the_database_numbers_an_automatic_key():
    class Thing(models.Model):
        id = models.BigAutoField(primary_key=True)

        class Meta(InShop):
            pass

    assert read_table(Thing).columns == (
        Column(name="id", field="id", type="bigint", db_default="identity"),
    )


def test_keys_and_rules_are_read():
    class Thing(models.Model):
        slug = models.SlugField(unique=True)
        price = models.PositiveIntegerField(db_index=True)
        span = DateTimeRangeField()
        labels = ArrayField(models.CharField(max_length=5))

        class Meta(InShop):
            unique_together = [("slug", "price")]
            indexes = [
                GinIndex(fields=["labels"], name="labels_gin", opclasses=["array_ops"]),
                models.Index(
                    Lower("slug").desc(), name="slug_idx", condition=Q(price__gt=1), include=["id"]
                ),
                models.Index(fields=["-price", "slug"], name="price_idx"),
            ]
            constraints = [
                models.CheckConstraint(condition=~Q(slug=""), name="slug_check"),
                models.UniqueConstraint(
                    fields=["price"], name="price_uniq", nulls_distinct=False, include=["slug"]
                ),
                models.UniqueConstraint(Lower("slug"), name="slug_uniq"),
                ExclusionConstraint(
                    name="span_excl",
                    expressions=[("span", RangeOperators.OVERLAPS), (F("slug"), "=")],
                    condition=Q(price__gt=0),
                    deferrable=models.Deferrable.DEFERRED,
                ),
            ]

    table = read_table(Thing)

    assert table.indexes == (
        Index(columns=("slug varchar_pattern_ops",)),
        Index(columns=("price",)),
        Index(name="labels_gin", columns=("labels array_ops",), method="gin"),
        Index(name="price_idx", columns=("price DESC", "slug")),
        Index(
            name="slug_idx", columns=("LOWER(slug) DESC",), condition="price > 1", include=("id",)
        ),
    )
    assert table.constraints == (
        Constraint(kind="primary key", columns=("id",)),
        Constraint(kind="unique", columns=("slug",)),
        Constraint(kind="check", expression="price >= 0"),
        Constraint(kind="unique", columns=("slug", "price")),
        Constraint(
            kind="unique",
            name="price_uniq",
            columns=("price",),
            include=("slug",),
            nulls_distinct=False,
        ),
        Constraint(kind="check", name="slug_check", expression="NOT (slug = '')"),
        Constraint(kind="unique", name="slug_uniq", columns=("LOWER(slug)",)),
        Constraint(
            kind="exclusion",
            name="span_excl",
            expression="GIST (span WITH &&, slug WITH =)",
            condition="price > 0",
            deferrable="initially deferred",
        ),
    )


def test_a_composite_key_is_read_in_its_order():
    class Seat(models.Model):
        pk = models.CompositePrimaryKey("row", "number")
        number = models.IntegerField()
        row = models.IntegerField()

        class Meta(InShop):
            pass

    assert read_table(Seat).primary_key == ("row", "number")


def test_a_field_that_an_engine_has_no_column_for_is_left_out():
    class Nothing(models.Field):
        def db_type(self, connection):
            return None

    class Thing(models.Model):
        nothing = Nothing()

        class Meta(InShop):
            pass

    assert [column.name for column in read_table(Thing).columns] == ["id"]


def test_a_field_of_another_engine_is_told_by_its_kind():
    class Geometry(models.Field):
        def db_type(self, connection):
            return connection.ops.geo_db_type(self)

    class Thing(models.Model):
        place = Geometry()

        class Meta(InShop):
            pass

    assert column(read_table(Thing), "place").type == "Geometry"


def test_values_of_a_set_come_in_one_order():
    class Thing(models.Model):
        class Meta(InShop):
            constraints = [
                models.CheckConstraint(
                    condition=Q(id__in={30, 4, 500, 6}) | ~Q(id__in=frozenset({2, 1})), name="c"
                )
            ]

    (check,) = [item for item in read_table(Thing).constraints if item.kind == "check"]

    assert check.expression == "id IN (30, 4, 500, 6) OR NOT (id IN (1, 2))"


def test_texts_are_in_the_language_they_were_written_in():
    class Thing(models.Model):
        """A thing."""

        word = models.TextField(help_text=gettext_lazy("Yes"))

        class Meta(InShop):
            pass

    with override("de"):
        table = read_table(Thing)

    assert column(table, "word").description == "Yes"


def test_a_model_without_a_docstring_has_no_description():
    class Thing(models.Model):
        class Meta(InShop):
            pass

    assert read_table(Thing).description == ""


def test_tables_are_in_the_module_that_holds_their_app():
    class Thing(models.Model):
        class Meta(InShop):
            pass

    module = Module(name="trade", title="Trade", apps=("shop",))

    schema = read_schema([Thing], connection=SQLITE, modules=[module])

    assert schema.modules == (module,)
    assert [table.module for table in schema.tables] == ["trade"]


def test_nothing_is_read_from_a_database():
    class Thing(models.Model):
        made_at = models.DateTimeField(db_default=Now())

        class Meta(InShop):
            constraints = [models.UniqueConstraint(Lower("id"), name="u", nulls_distinct=False)]

    read(Thing)

    assert [each.connection for each in (POSTGRESQL, SQLITE)] == [None, None]


def test_a_schema_is_plain_data():
    class Person(models.Model):
        friends = models.ManyToManyField("self")

        class Meta(InShop):
            pass

    schema = read(Person)
    schema.table_by_name  # noqa: B018  what is looked up is not part of the data

    assert list(json.loads(json.dumps(asdict(schema)))) == [
        "vendor",
        "modules",
        "tables",
        "other_vendors",
        "source",
    ]


class OnPostgreSQL(models.Field):
    def db_type(self, connection):
        return "inet" if connection.vendor == "postgresql" else None


def test_types_that_differ_elsewhere_come_along():
    class Thing(models.Model):
        at = models.DateTimeField()
        text = models.TextField()
        here = OnPostgreSQL()

        class Meta(InShop):
            pass

    def elsewhere(connection, other):
        schema = read_schema([Thing], connection=connection, others=[other], modules=())
        (table,) = schema.tables
        return {column.name: column.types_elsewhere for column in table.columns}

    assert elsewhere(POSTGRESQL, SQLITE) == {
        "id": (("sqlite", "integer"),),
        "at": (("sqlite", "datetime"),),
        "text": (),
        "here": (("sqlite", ""),),
    }


@pytest.mark.parametrize(
    ("field", "indexes"),
    [
        (models.CharField(max_length=5, db_index=True), ["field", "field varchar_pattern_ops"]),
        (models.TextField(unique=True), ["field text_pattern_ops"]),
        (models.CharField(max_length=5), []),
        (models.IntegerField(db_index=True), ["field"]),
        (models.TextField(unique=True, db_collation="und-x-icu"), ["field text_pattern_ops"]),
        (models.TextField(unique=True, db_collation="case_insensitive"), []),
        (ArrayField(models.CharField(max_length=5), unique=True), []),
    ],
)
def test_text_gets_a_second_index_on_postgresql_alone(field, indexes):
    thing = type("Thing", (models.Model,), {"field": field, "__module__": __name__, "Meta": InShop})

    def columns(connection):
        return [item.columns[0] for item in read_table(thing, connection=connection).indexes]

    assert columns(POSTGRESQL) == indexes
    assert columns(SQLITE) == [name for name in indexes if " " not in name]


def test_what_an_engine_does_not_have_is_left_out_as_django_leaves_it_out():
    class Thing(models.Model):
        a = models.IntegerField()
        b = models.IntegerField()

        class Meta(InShop):
            indexes = [models.Index(fields=["a"], include=["b"], name="covering")]
            constraints = [
                models.UniqueConstraint(fields=["a"], include=["b"], name="covered"),
                models.UniqueConstraint(fields=["b"], name="late", deferrable=DEFERRED),
                models.UniqueConstraint(fields=["a", "b"], name="equal", nulls_distinct=False),
                models.UniqueConstraint(fields=["a"], condition=Q(b=1), name="partial"),
            ]

    on_postgresql = read_table(Thing)
    on_sqlite = read_table(Thing, connection=SQLITE)

    assert [index.include for index in on_postgresql.indexes] == [("b",)]
    assert [index.include for index in on_sqlite.indexes] == [()]
    assert [item.name for item in on_postgresql.constraints if item.name] == [
        "covered",
        "equal",
        "late",
        "partial",
    ]
    assert [item.name for item in on_sqlite.constraints if item.name] == ["partial"]


def test_an_index_is_told_as_it_is_made_by_a_class_of_its_own():
    class Kept(models.Index):
        """Has its condition only while it is made."""

        def __init__(self, *expressions, condition, **others):
            self.kept = condition
            super().__init__(*expressions, **others)

        def deconstruct(self):
            path, expressions, others = super().deconstruct()
            return path, expressions, {**others, "condition": self.kept}

    class Thing(models.Model):
        a = models.IntegerField()

        class Meta(InShop):
            indexes = [Kept("a", F("id").asc(), name="kept", condition=Q(a=1))]

    assert read_table(Thing).indexes == (
        Index(name="kept", columns=("a", "id"), condition="a = 1"),
    )
