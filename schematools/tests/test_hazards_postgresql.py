"""What the rules say about locks, scans and rewriting, seen on a PostgreSQL server itself."""

import pytest
from django.contrib.postgres.functions import RandomUUID
from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import IntegrityError, connection, models, transaction
from django.db import migrations as m
from django.db.migrations.state import ProjectState
from django.db.models.functions import Lower, Now

from schematools.hazards import hazards_of
from schematools.migration_steps import steps_by_migration
from schematools.tests.one_engine import on
from schematools.tests.test_hazards import (
    BOOK,
    HAS_NOTE,
    POSITIVE,
    SHELF,
    add,
    alter,
    index,
    named,
)

pytestmark = pytest.mark.django_db

TABLE = "shop_book"
REWRITING = {"column-added-by-rewrite", "column-type-rewrites"}
FILE = "SELECT pg_relation_filenode(%s::regclass)"
SCANS = "SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relname = %s"
LOCKS = r"""
    SELECT upper(regexp_replace(replace(mode, 'Lock', ''), '([a-z])([A-Z])', '\1 \2', 'g'))
    FROM pg_locks WHERE relation = %s::regclass AND pid = pg_backend_pid()
"""
UNIQUE_CODE = models.UniqueConstraint(fields=["code"], name="code_uniq")
UNIQUE_LOWER = models.UniqueConstraint(Lower("code"), name="lower_uniq")

DANGEROUS = [
    add(models.IntegerField(null=True, db_index=True)),
    add(models.IntegerField(null=True, unique=True)),
    add(models.PositiveIntegerField(null=True)),
    add(models.ForeignKey("shop.Shelf", models.CASCADE, null=True, default=1, db_index=False)),
    add(models.UUIDField(db_default=RandomUUID())),
    add(
        models.GeneratedField(
            expression=models.F("size") * 2, output_field=models.IntegerField(), db_persist=True
        )
    ),
    alter("size", models.BigIntegerField(default=1)),
    alter("code", models.CharField(max_length=40)),
    alter("price", models.DecimalField(max_digits=9, decimal_places=3)),
    alter("size", models.PositiveIntegerField(default=1)),
    alter("code", models.CharField(max_length=50, db_index=True)),
    alter("code", models.CharField(max_length=50, unique=True)),
    alter("title", models.TextField(db_index=True)),
    alter("title", models.CharField(max_length=50, db_index=True, db_collation="C")),
    alter("note", models.TextField()),
    alter("note", models.TextField(db_default="")),
    alter("shelf", models.ForeignKey("shop.Shelf", models.CASCADE, null=True, default=1)),
    alter("shelf", models.ForeignKey("shop.Shelf", models.CASCADE, null=True, db_index=False)),
    alter("free", models.ForeignKey("shop.Shelf", models.CASCADE)),
    m.AddIndex("book", index()),
    m.AddConstraint("book", POSITIVE),
    m.AddConstraint("book", UNIQUE_CODE),
    m.AddConstraint("book", UNIQUE_LOWER),
    m.RunSQL("CREATE INDEX i ON shop_book (size)", ""),
    m.RunSQL("ALTER TABLE shop_book ADD CONSTRAINT c CHECK (size > 0)", ""),
]
SAFE = [
    add(models.IntegerField(null=True, default=3)),
    add(models.IntegerField(default=3)),  # safe for the table, if not for older code
    add(models.IntegerField(db_default=3)),
    add(models.DateTimeField(db_default=Now())),
    add(models.ForeignKey("shop.Shelf", models.CASCADE, null=True, db_index=False)),
    alter("code", models.CharField(max_length=60)),
    alter("code", models.TextField()),
    alter("price", models.DecimalField(max_digits=9, decimal_places=2)),
    alter("size", models.IntegerField(default=1, null=True)),
    alter("size", models.IntegerField(db_default=2)),
    alter("shelf", models.ForeignKey("shop.Shelf", models.SET_NULL, null=True)),
    AddConstraintNotValid("book", POSITIVE),
    m.RunSQL("ALTER TABLE shop_book ADD CONSTRAINT c CHECK (size > 0) NOT VALID", ""),
]


def describe(operation):
    return operation.formatted_description()


def ask(sql, *params):
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return [value for (value,) in cursor.fetchall()]


def state_before():
    state = ProjectState()
    for operation in (SHELF, BOOK):
        operation.state_forwards("shop", state)
    return state


def run(operation, before):
    after = before.clone()
    operation.state_forwards("shop", after)
    with connection.schema_editor() as editor:
        operation.database_forwards("shop", editor, before, after)
    return after


@pytest.fixture(scope="module")
def tables(django_db_setup, django_db_blocker):
    """A shelf and three books, committed, so that what follows meets rows of others."""
    with django_db_blocker.unblock():
        before = ProjectState()
        for operation in (SHELF, BOOK):
            before = run(operation, before)
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO shop_shelf DEFAULT VALUES")
            for code in "abc":
                cursor.execute(
                    "INSERT INTO shop_book (title, code, note, size, price, shelf_id, free_id)"
                    " VALUES ('', %s, '', 1, 1, 1, 1)",
                    [code],
                )
        yield before
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE shop_book_tags, shop_book, shop_shelf")


@pytest.fixture
def watched(tables):
    """Run an operation; return the locks on the table, whether it was rewritten, and scanned."""

    def watch(operation, table=TABLE):
        (file,), (scans,) = ask(FILE, table), ask(SCANS, table) or [0]
        run(operation, tables)
        (new_file,), (new_scans,) = ask(FILE, table), ask(SCANS, table) or [0]
        return set(ask(LOCKS, table)), new_file != file, new_scans > scans

    return watch


def hazards(operation):
    old, new = named("0001_initial", [SHELF, BOOK]), named("0002_change", [operation])
    ((_, steps),) = steps_by_migration([old, new], ProjectState(), wanted={("shop", "0002_change")})
    return [hazard for _, hazard in hazards_of(steps)]


@on("postgresql")
@pytest.mark.parametrize("operation", DANGEROUS, ids=describe)
def test_a_dangerous_operation_holds_the_lock_and_reads_or_rewrites_all_rows(operation, watched):
    found = hazards(operation)

    locks, is_rewritten, is_scanned = watched(operation)

    assert found
    assert {hazard.lock for hazard in found if hazard.lock} <= locks
    assert is_rewritten == bool({hazard.id for hazard in found} & REWRITING)
    assert is_scanned


@on("postgresql")
@pytest.mark.parametrize("operation", SAFE, ids=describe)
def test_a_safe_operation_neither_reads_nor_rewrites_the_rows(operation, watched):
    _, is_rewritten, is_scanned = watched(operation)

    assert (is_rewritten, is_scanned) == (False, False)


@on("postgresql")
def test_a_foreign_key_locks_the_other_table_against_writing(watched):
    operation = add(models.ForeignKey("shop.Shelf", models.CASCADE, null=True, db_index=False))

    locks, _, _ = watched(operation, table="shop_shelf")

    assert "SHARE ROW EXCLUSIVE" in locks
    assert [hazard.id for hazard in hazards(operation)] == ["foreign-key-added-with-column"]


@on("postgresql")
def test_a_foreign_key_made_again_locks_the_other_table_altogether(watched):
    operation = alter(
        "shelf", models.ForeignKey("shop.Shelf", models.CASCADE, null=True, default=1)
    )

    locks, _, _ = watched(operation, table="shop_shelf")

    assert "ACCESS EXCLUSIVE" in locks


@on("postgresql")
def test_the_safe_way_to_refuse_null_reads_no_rows_under_its_lock(tables):
    state = run(AddConstraintNotValid("book", HAS_NOTE), tables)
    state = run(ValidateConstraint("book", HAS_NOTE.name), state)
    (before,) = ask(SCANS, TABLE)

    run(alter("note", models.TextField()), state)

    assert ask(SCANS, TABLE) == [before]


@on("postgresql")
def test_code_that_does_not_know_a_column_cannot_insert_unless_the_database_has_a_default(tables):
    old_code = tables.apps.get_model("shop", "Book")
    values = {"title": "", "code": "d", "size": 1, "price": 1, "shelf_id": 1, "free_id": 1}

    state = run(add(models.IntegerField(db_default=3), name="kept"), tables)
    old_code.objects.create(**values)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    run(add(models.IntegerField(default=3)), state)

    with pytest.raises(IntegrityError, match="extra"), transaction.atomic():
        old_code.objects.create(**values)


@on("postgresql")
def test_the_rows_there_get_one_value_of_a_default_that_differs_each_time(tables):
    values = iter(range(10))
    state = run(add(models.IntegerField(default=lambda: next(values))), tables)

    assert len(ask("SELECT DISTINCT extra FROM shop_book")) == 1
    with pytest.raises(IntegrityError), transaction.atomic():
        run(add(models.IntegerField(default=lambda: next(values), unique=True), name="u"), state)


@on("postgresql")
def test_data_and_schema_in_one_transaction_can_fail(tables):
    """Rows that wait for a deferred check keep the table from being altered."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE shop_book SET shelf_id = NULL")
        cursor.execute("UPDATE shop_book SET shelf_id = 1")

    with pytest.raises(Exception, match="pending trigger events"), transaction.atomic():
        run(add(models.IntegerField(null=True, db_index=True)), tables)
