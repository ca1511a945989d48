"""Rules held against rows that break them, in tables that refuse nothing."""

from types import SimpleNamespace

import pytest
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.db import connection, models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.test.utils import CaptureQueriesContext, isolate_apps

from schematools.errors import CannotRunError
from schematools.integrity import find_violations, installed_models
from schematools.integrity_rules import plain_name, quoted
from schematools.tests.one_engine import on

pytestmark = pytest.mark.django_db

TABLES = """
CREATE TABLE shop_customer (
    id bigint PRIMARY KEY, email varchar(40), "tier 100%" varchar(40), is_deleted boolean NOT NULL
);
CREATE TABLE shop_order (
    id bigint PRIMARY KEY, customer_id bigint, number integer, note varchar(99) NOT NULL,
    seller_id bigint, total integer, is_deleted boolean NOT NULL
);
CREATE TABLE shop_note (id bigint PRIMARY KEY, kind_id integer, object_id varchar(40));
"""
ROWS = """
INSERT INTO shop_customer VALUES (1, 'ada@example.org', 'gold', false), (2, NULL, '', true);
INSERT INTO shop_order VALUES (1, 1, 7, 'first', NULL, 5, false), (2, 1, NULL, 'x', 1, NULL, false);
"""


def run(sql):
    with connection.cursor() as cursor:
        for statement in filter(str.strip, sql.split(";")):
            cursor.execute(statement)


def make_models():
    class Customer(models.Model):
        id = models.BigIntegerField(primary_key=True)
        email = models.CharField(max_length=40, null=True)  # noqa: DJ001
        tier = models.CharField(
            max_length=4, choices=[("gold", "Gold")], blank=True, db_column="tier 100%"
        )
        is_deleted = models.BooleanField()

        class Meta:
            app_label = "shop"
            constraints = [
                models.UniqueConstraint(
                    Lower("email").desc(), condition=Q(is_deleted=False), name="live_email_uniq"
                )
            ]

    class Order(models.Model):
        id = models.BigIntegerField(primary_key=True)
        customer = models.ForeignKey(Customer, models.CASCADE, related_name="+")
        seller = models.ForeignKey(
            Customer, models.PROTECT, null=True, db_constraint=False, related_name="+"
        )
        number = models.IntegerField(null=True, unique=True)
        note = models.CharField(max_length=99)
        total = models.PositiveIntegerField(null=True)
        is_deleted = models.BooleanField()

        class Meta:
            app_label = "shop"
            unique_together = [("customer", "note")]
            constraints = [
                models.CheckConstraint(
                    condition=Q(total__lt=100) | Q(note__startswith="50%"), name="total_check"
                ),
                models.UniqueConstraint(
                    fields=["customer", "total"],
                    condition=Q(note="strict"),
                    nulls_distinct=False,
                    name="strict_uniq",
                ),
                models.CheckConstraint(condition=~Q(number=F("total")), name="number_check"),
            ]

    class Note(models.Model):
        id = models.BigIntegerField(primary_key=True)
        kind = models.ForeignKey(ContentType, models.CASCADE, related_name="+")
        object_id = models.CharField(max_length=40)
        about = GenericForeignKey("kind", "object_id")

        class Meta:
            app_label = "shop"

    return SimpleNamespace(customer=Customer, order=Order, note=Note)


@pytest.fixture
def shop():
    with isolate_apps("schematools"):
        yield make_models()


@pytest.fixture
def find(shop):
    """Ask the shop's tables, which hold a few good rows."""
    run(TABLES + ROWS)

    def ask(**options):
        wanted = {"models": [shop.customer, shop.order, shop.note]} | options
        return find_violations(connection, **wanted)

    return ask


def found(outcome):
    assert outcome.unchecked == []
    return [(item.id, item.object, item.rows, item.keys) for item in outcome.findings]


def test_rows_that_keep_every_rule_are_not_reported(find):
    outcome = find()

    assert found(outcome) == []
    assert (outcome.tables, outcome.rules) == (3, 23 if connection.vendor == "postgresql" else 30)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (
            "INSERT INTO shop_order VALUES (3, 9, 8, 'a', 8, 1, false), (4, 9, 9, 'b', 1, 1, true)",
            [
                ("orphaned-reference", "shop_order.customer_id", 2, ("3", "4")),
                ("orphaned-reference", "shop_order.seller_id", 1, ("3",)),
            ],
        ),
        (
            "INSERT INTO shop_order VALUES (3, 1, 7, 'a', 1, 1, false), (4, 1, 7, 'b', 1, 2, true)",
            [("duplicate-value", "shop_order.number", 3, ("7",))],
        ),
        (
            "INSERT INTO shop_order VALUES (3, 1, 8, 'first', 1, 1, false)",
            [("duplicate-value", "shop_order.customer_id, note", 2, ("(1, first)",))],
        ),
        (  # letters' case makes no difference, and deleted rows none either
            """INSERT INTO shop_customer
            VALUES (3, 'ADA@example.org', '', false), (4, 'Ada@example.org', '', true)""",
            [("duplicate-value", "shop_customer.live_email_uniq", 2, ("ada@example.org",))],
        ),
        (
            "UPDATE shop_order SET total = 100 WHERE id = 1",
            [("check-violated", "shop_order.total_check", 1, ("1",))],
        ),
        ("UPDATE shop_order SET total = 100, note = '50% off' WHERE id = 1", []),
        (
            "UPDATE shop_order SET total = -1 WHERE id = 1",
            [("check-violated", "shop_order.total", 1, ("1",))],
        ),
        (
            "UPDATE shop_order SET total = 7 WHERE id = 1",
            [("check-violated", "shop_order.number_check", 1, ("1",))],
        ),
        (
            "UPDATE shop_order SET customer_id = NULL WHERE id = 2",
            [("null-in-required", "shop_order.customer_id", 1, ("2",))],
        ),
        (
            "UPDATE shop_order SET note = '' WHERE id = 2",
            [("required-text-empty", "shop_order.note", 1, ("2",))],
        ),
        (
            """UPDATE shop_customer SET "tier 100%" = 'iron' """,
            [("choice-unknown", "shop_customer.tier 100%", 2, ("1", "2"))],
        ),
        (  # only a live row is out of place, but what protects is asked of every row
            "UPDATE shop_order SET customer_id = 2; UPDATE shop_order SET is_deleted = (id = 1)",
            [("live-child-of-deleted", "shop_order.customer_id", 1, ("2",))],
        ),
        (
            "UPDATE shop_order SET seller_id = 2",
            [("live-child-of-deleted", "shop_order.seller_id", 2, ("1", "2"))],
        ),
    ],
)
def test_rows_that_break_a_rule_are_counted_and_named(find, sql, expected):
    run(sql)

    assert found(find()) == expected


def test_where_no_two_nulls_are_equal_is_said_by_the_constraint(find):
    run("""
    INSERT INTO shop_order VALUES
        (3, 1, NULL, 'strict', 1, NULL, false), (4, 1, NULL, 'strict', 1, NULL, false)
    """)

    assert ("duplicate-value", "shop_order.strict_uniq", 2, ("(1, None)",)) in found(find())


def test_a_finding_says_how_many_and_how_to_list_them(find):
    run("INSERT INTO shop_order SELECT n, 9, n, 'n' || n, 1, 1, false FROM "
        "(SELECT 10 AS n UNION SELECT 11 UNION SELECT 12 UNION SELECT 13 UNION SELECT 14 "
        "UNION SELECT 15) AS numbers")  # fmt: skip

    (finding,) = find().findings
    _, listing = finding.remedy.split("list them: ")
    with connection.cursor() as cursor:
        cursor.execute(listing)
        listed = cursor.fetchall()

    assert finding.sentence == (
        "Expected every customer_id to be the id of a row in shop_customer; "
        "found 6 rows where it is none, with id 10, 11, 12, 13, 14, …."
    )
    assert [row[0] for row in listed] == [10, 11, 12, 13, 14, 15]


@pytest.mark.parametrize("broken", ["total = 100", "number = 9", "note = 'x', customer_id = 1"])
def test_every_listing_can_be_run_as_it_stands(find, broken):
    run(f"INSERT INTO shop_order SELECT 9, 1, 9, 'z', 1, 1, false; UPDATE shop_order SET {broken}")

    for finding in find().findings:
        with connection.cursor() as cursor:
            cursor.execute(finding.remedy.split("list them: ")[1])
            assert cursor.fetchall()


def test_a_generic_key_leads_to_an_installed_model_and_a_row(find):
    kind = ContentType.objects.get_for_model(ContentType)
    gone = ContentType.objects.create(app_label="gone", model="thing")
    run(f"""
    INSERT INTO shop_note VALUES
        (1, {kind.pk}, '{kind.pk}'), (2, {kind.pk}, '0'), (3, {gone.pk}, '1'), (4, 0, '1')
    """)

    assert found(find(tables=["shop.Note"])) == [
        ("orphaned-reference", "shop_note.kind_id", 1, ("4",)),
        ("generic-orphan", "shop_note.about", 1, ("2",)),
        ("generic-model-unknown", "shop_note.about", 1, ("3",)),
    ]


def test_a_sample_is_the_last_rows(find):
    run("UPDATE shop_order SET total = 100 WHERE id = 1")

    assert found(find(sample=1)) == []
    assert len(found(find(sample=2))) == 1


def test_a_table_takes_few_queries_however_many_rules_it_has(find):
    with CaptureQueriesContext(connection) as context:
        find(tables=["shop_customer"])

    asked = [query["sql"] for query in context if "shop_customer" in query["sql"]]
    # 1. all rules about single rows  2. the primary key  3. the addresses
    assert len(asked) == 3


def test_progress_ends_where_it_said(find):
    steps = []

    find(progress=lambda done, total, title: steps.append((done, total, title)))

    assert steps[-1] == (len(steps) - 1, len(steps) - 1, "")
    assert [done for done, _, _ in steps] == list(range(len(steps)))


# Tables and columns that are not as they should be


def test_a_table_or_column_that_is_missing_is_the_only_thing_said_of_it(find):
    run("DROP TABLE shop_customer; ALTER TABLE shop_note DROP COLUMN object_id")

    outcome = find()

    assert [(item.id, item.object) for item in outcome.findings] == [
        ("table-missing", "shop_customer"),
        ("column-missing", "shop_note"),
    ]
    assert outcome.findings[0].remedy == "python manage.py migrate shop --database default"
    assert {item.object for item in outcome.unchecked} == {
        "shop_order.customer_id",
        "shop_order.seller_id",
    }


def test_a_rule_that_the_database_cannot_compute_is_left_out_and_said_so(find, shop):
    class Broken(models.Func):
        function = "no_such_function"
        output_field = models.BooleanField()

    shop.order._meta.constraints[0].condition = Broken(F("total"))
    run("UPDATE shop_order SET total = 7 WHERE id = 1")

    outcome = find(models=[shop.order])

    assert [item.object for item in outcome.unchecked] == ["shop_order.total_check"]
    assert "no_such_function" in outcome.unchecked[0].reason
    assert [item.object for item in outcome.findings] == ["shop_order.number_check"]


def test_a_name_that_fits_no_table_is_refused(find):
    with pytest.raises(CannotRunError, match="Did you mean 'shop_order'"):
        find(tables=["shop_oder"])


def test_an_app_that_is_not_installed_is_refused():
    with pytest.raises(CannotRunError, match="Did you mean 'contenttypes'"):
        installed_models(["contenttype"])


def test_tables_without_models_are_held_to_what_the_database_says(find):
    check = "CONSTRAINT n_check CHECK (n < 5 OR note LIKE '5%')"
    key = "FOREIGN KEY (shop) REFERENCES shop_customer DEFERRABLE INITIALLY DEFERRED"
    rows = """INSERT INTO "old 50%" VALUES (1, 1, ''), (6, NULL, '5%'), (7, 9, 'x')"""
    if connection.vendor == "sqlite":
        run("PRAGMA ignore_check_constraints = ON")
        run(f"""CREATE TABLE "old 50%" (n integer, shop integer, note text, {check}, {key})""")
        run(f"{rows}; PRAGMA ignore_check_constraints = OFF")
    else:
        run(f"""CREATE TABLE "old 50%" (n integer, shop integer, note text); {rows}""")
        run(f"""ALTER TABLE "old 50%" ADD {check} NOT VALID, ADD {key} NOT VALID""")

    outcome = find(models=None, tables=["old*"])

    assert [(item.id, item.object, item.rows) for item in outcome.findings] == [
        ("check-violated", "old 50%.n_check", 1),
        ("orphaned-reference", "old 50%.shop", 1),
    ]
    run('DELETE FROM "old 50%"')  # the end of the test's transaction looks at keys


@on("sqlite")
def test_sqlite_takes_texts_that_are_too_long(find):
    run("""UPDATE shop_customer SET email = printf('%.41c', 'é') WHERE id = 1""")

    assert found(find()) == [("value-too-long", "shop_customer.email", 1, ("1",))]


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("plain", '"plain"'),
        ('say "hi" 5%', '"say ""hi"" 5%%"'),
        ('other"."table', '"other"."table"'),
        ('"other"."table"', '"other"."table"'),
    ],
)
def test_names_are_quoted_whatever_is_in_them(name, written):
    assert quoted(name, connection) == written


def test_a_table_of_another_schema_is_known_by_both_names():
    assert plain_name('other"."table') == plain_name('"other"."table"') == "other.table"
