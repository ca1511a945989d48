"""What is said of migrations' operations: dangerous ones by id, safe ones by nothing."""

import uuid

import pytest
from django.contrib.postgres.functions import RandomUUID
from django.contrib.postgres.operations import (
    AddConstraintNotValid,
    AddIndexConcurrently,
    RemoveIndexConcurrently,
    ValidateConstraint,
)
from django.db import migrations as m
from django.db import models
from django.db.migrations.state import ProjectState
from django.db.models.functions import Lower, Now
from django.utils import timezone

from schematools.column_types import rewrites_table
from schematools.hazards import hazards_of
from schematools.migration_steps import steps_by_migration

POSITIVE = models.CheckConstraint(condition=models.Q(size__gt=0), name="size_check")
HAS_NOTE = models.CheckConstraint(condition=models.Q(note__isnull=False), name="note_check")
BOOK = m.CreateModel(
    "Book",
    [
        ("id", models.AutoField(primary_key=True)),
        ("title", models.CharField(max_length=50, db_index=True)),
        ("code", models.CharField(max_length=50)),
        ("note", models.TextField(null=True)),
        ("size", models.IntegerField(default=1)),
        ("price", models.DecimalField(max_digits=6, decimal_places=2)),
        ("shelf", models.ForeignKey("shop.Shelf", models.CASCADE, null=True)),
        ("free", models.ForeignKey("shop.Shelf", models.CASCADE, db_constraint=False)),
        ("tags", models.ManyToManyField("shop.Shelf", related_name="+")),
    ],
    options={"indexes": [models.Index(fields=["size"], name="size_idx")]},
)
SHELF = m.CreateModel("Shelf", [("id", models.AutoField(primary_key=True))])
NEW = m.CreateModel("New", [("id", models.AutoField(primary_key=True))])


def noop(apps, schema_editor):
    pass


def index(name="code_idx"):
    return models.Index(fields=["code"], name=name)


def add(field, name="extra", model="book"):
    return m.AddField(model, name, field)


def alter(name, field):
    return m.AlterField("book", name, field)


def named(name, operations, *, app="shop", **attributes):
    migration = type("Migration", (m.Migration,), {"operations": operations, **attributes})
    return migration(name, app)


def found_in(*operations, before=(), **attributes):
    """Return the hazards of a migration after one that made a shelf and a book."""
    old = named("0001_initial", [SHELF, BOOK, *before])
    new = named("0002_change", list(operations), **attributes)
    ((_, steps),) = steps_by_migration([old, new], ProjectState(), wanted={("shop", "0002_change")})
    return [hazard for _, hazard in hazards_of(steps)]


def ids(*operations, **attributes):
    return [hazard.id for hazard in found_in(*operations, **attributes)]


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        # Adding columns
        (add(models.IntegerField()), ["column-added-without-value"]),
        (add(models.IntegerField(default=0)), ["column-added-without-db-default"]),
        (add(models.CharField(max_length=9, blank=True)), ["column-added-without-db-default"]),
        (add(models.DateTimeField(default=timezone.now)), ["column-added-without-db-default"]),
        (add(models.UUIDField(default=uuid.uuid4, null=True)), ["one-default-for-all-rows"]),
        (
            add(models.UUIDField(default=uuid.uuid4, unique=True, null=True)),
            ["one-default-for-unique-column", "unique-added-with-column"],
        ),
        (add(models.UUIDField(db_default=RandomUUID())), ["column-added-by-rewrite"]),
        (
            add(
                models.GeneratedField(
                    expression=models.F("size") * 2,
                    output_field=models.IntegerField(),
                    db_persist=True,
                )
            ),
            ["column-added-by-rewrite"],
        ),
        (add(models.IntegerField(null=True, db_index=True)), ["index-added-with-column"]),
        (add(models.IntegerField(null=True, unique=True)), ["unique-added-with-column"]),
        (add(models.PositiveIntegerField(null=True)), ["check-added-with-column"]),
        (
            add(models.ForeignKey("shop.Shelf", models.CASCADE, null=True)),
            ["foreign-key-added-with-column", "index-added-with-column"],
        ),
        # Renaming and dropping
        (m.RemoveField("book", "note"), ["column-dropped"]),
        (m.RemoveField("book", "tags"), ["column-dropped"]),
        (m.RenameField("book", "note", "remark"), ["column-renamed"]),
        (alter("note", models.TextField(null=True, db_column="x")), ["column-renamed-by-option"]),
        (m.RenameModel("Book", "Volume"), ["table-renamed"]),
        (m.AlterModelTable("book", "volumes"), ["table-renamed"]),
        (m.DeleteModel("Book"), ["table-dropped"]),
        # Altering columns
        (alter("size", models.BigIntegerField(default=1)), ["column-type-rewrites"]),
        (alter("code", models.CharField(max_length=40)), ["column-type-rewrites"]),
        (
            alter("price", models.DecimalField(max_digits=9, decimal_places=3)),
            ["column-type-rewrites"],
        ),
        (alter("size", models.PositiveIntegerField(default=1)), ["check-added-by-type"]),
        (alter("title", models.TextField(db_index=True)), ["index-added-to-column"]),
        (alter("code", models.CharField(max_length=50, db_index=True)), ["index-added-to-column"]),
        (alter("code", models.CharField(max_length=50, unique=True)), ["unique-added-to-column"]),
        (
            alter("title", models.CharField(max_length=50, db_index=True, db_collation="C")),
            ["collation-changed"],
        ),
        (
            alter("note", models.TextField()),
            ["not-null-added", "not-null-while-null-is-written"],
        ),
        (
            alter("note", models.TextField(db_default="")),
            ["not-null-added", "not-null-backfilled"],
        ),
        (
            alter("shelf", models.ForeignKey("shop.Shelf", models.CASCADE, null=True, default=1)),
            ["foreign-key-made-again"],
        ),
        (
            alter("free", models.ForeignKey("shop.Shelf", models.CASCADE)),
            ["foreign-key-added"],
        ),
        # Indexes and constraints
        (m.AddIndex("book", index()), ["index-added"]),
        (m.RemoveIndex("book", "size_idx"), ["index-removed"]),
        (m.AddConstraint("book", POSITIVE), ["check-added"]),
        (
            m.AddConstraint("book", models.UniqueConstraint(fields=["code"], name="code_uniq")),
            ["unique-constraint-added"],
        ),
        (
            m.AddConstraint("book", models.UniqueConstraint(Lower("code"), name="code_uniq")),
            ["unique-index-added"],
        ),
        (m.AlterUniqueTogether("book", {("code", "size")}), ["unique-constraint-added"]),
        # Code
        (m.RunPython(noop), ["python-irreversible"]),
        (m.RunSQL("SELECT 1"), ["sql-irreversible"]),
        (m.RunSQL("CREATE INDEX i ON shop_book (size)", ""), ["sql-index-added"]),
        (m.RunSQL("CREATE INDEX CONCURRENTLY i ON t (x)", ""), ["concurrent-in-transaction"]),
        (
            m.RunSQL([("ALTER TABLE t ADD CONSTRAINT c CHECK (x > 0)", None)], ""),
            ["sql-holds-lock"],
        ),
        (
            m.RunSQL("ALTER TABLE t RENAME COLUMN a TO b", ""),
            ["sql-breaks-running-code", "sql-hidden-from-models"],
        ),
        (
            m.RunSQL(
                "ALTER TABLE shop_book DROP COLUMN note",
                "",
                state_operations=[m.RemoveField("book", "note")],
            ),
            ["sql-breaks-running-code"],
        ),
        (AddIndexConcurrently("book", index()), ["concurrent-in-transaction"]),
        # What is inside a wrapping
        (
            m.SeparateDatabaseAndState(database_operations=[m.AddIndex("book", index())]),
            ["index-added"],
        ),
    ],
)
def test_a_dangerous_operation_is_named(operation, expected):
    assert ids(operation) == expected


@pytest.mark.parametrize(
    "operation",
    [
        add(models.IntegerField(null=True)),
        add(models.IntegerField(null=True, default=3)),
        add(models.IntegerField(db_default=3)),
        add(models.DateTimeField(db_default=Now())),
        add(
            models.ForeignKey(
                "shop.Shelf", models.CASCADE, null=True, db_index=False, db_constraint=False
            )
        ),
        add(models.ManyToManyField("shop.Shelf", related_name="+")),
        m.RenameField("book", "tags", "labels"),
        alter("code", models.CharField(max_length=60)),
        alter("code", models.TextField()),
        alter("price", models.DecimalField(max_digits=9, decimal_places=2)),
        alter("size", models.IntegerField(default=1, null=True)),
        alter("size", models.IntegerField(default=2, help_text="In pages.")),
        alter("size", models.IntegerField(db_default=2)),
        alter("shelf", models.ForeignKey("shop.Shelf", models.SET_NULL, null=True, blank=True)),
        AddConstraintNotValid("book", POSITIVE),
        m.AlterModelOptions("book", {"ordering": ["title"]}),
        m.RenameIndex("book", "size_idx2", old_name="size_idx"),
        m.RunPython(noop, m.RunPython.noop),
        m.RunSQL("CREATE FUNCTION f() RETURNS int AS $$ LOCK TABLE t $$ LANGUAGE sql", ""),
        m.RunSQL("ALTER TABLE t ADD CONSTRAINT c CHECK (x > 0) NOT VALID", ""),
        m.RunSQL("ALTER TABLE shop_book DROP COLUMN forgotten", ""),
        m.SeparateDatabaseAndState(state_operations=[m.RemoveField("book", "note")]),
        m.CreateModel(
            "Page",
            [
                ("id", models.AutoField(primary_key=True)),
                ("book", models.ForeignKey("shop.Book", models.CASCADE)),
            ],
        ),
    ],
)
def test_a_safe_operation_is_left_alone(operation):
    assert ids(operation) == []


@pytest.mark.parametrize(
    "operation",
    [
        add(models.IntegerField(), model="new"),
        m.AddIndex("new", models.Index(fields=["id"], name="new_idx")),
        m.RunSQL('CREATE INDEX i ON "shop_new" (id)', ""),
        m.RenameModel("New", "Newer"),
        m.DeleteModel("New"),
    ],
)
def test_a_table_made_in_the_same_migration_is_nobodys_yet(operation):
    assert ids(NEW, operation) == []


def test_tables_keep_being_new_under_another_name():
    assert ids(NEW, m.RenameModel("New", "Newer"), add(models.IntegerField(), model="newer")) == []


def test_initial_migrations_of_an_app_go_together():
    first = named("0001_initial", [NEW], initial=True)
    second = named("0002_initial", [add(models.IntegerField(), model="new")], initial=True)

    found = steps_by_migration([first, second], ProjectState(), wanted={("shop", "0002_initial")})

    assert [hazard for _, steps in found for hazard in hazards_of(steps)] == []


def test_concurrent_indexes_are_safe_each_in_a_migration_without_a_transaction():
    assert ids(AddIndexConcurrently("book", index()), atomic=False) == []
    assert ids(RemoveIndexConcurrently("book", "size_idx"), atomic=False) == []
    assert ids(
        AddIndexConcurrently("book", index()),
        AddIndexConcurrently("book", index("i")),
        atomic=False,
    ) == ["not-atomic-several"]


def test_data_and_schema_go_into_two_migrations():
    data = m.RunPython(noop, noop)
    column = add(models.IntegerField(null=True))

    assert ids(column, data) == ["data-with-schema"]
    assert ids(NEW, data) == []
    assert ids(column, m.RunSQL("UPDATE shop_book SET size = 2", "")) == ["data-with-schema"]
    assert ids(column, m.RunSQL("GRANT SELECT ON shop_book TO reader", "")) == []


def test_a_constraint_is_validated_in_a_migration_of_its_own():
    validation = ValidateConstraint("book", POSITIVE.name)

    assert ids(AddConstraintNotValid("book", POSITIVE), validation) == ["validated-at-once"]
    assert ids(validation, before=[AddConstraintNotValid("book", POSITIVE)]) == []


def test_refusing_null_is_safe_after_a_check_that_binds_all_rows():
    not_valid = AddConstraintNotValid("book", HAS_NOTE)
    refusal = alter("note", models.TextField())
    validation = ValidateConstraint("book", HAS_NOTE.name)

    assert ids(refusal, before=[not_valid, validation]) == ["not-null-while-null-is-written"]
    assert "not-null-added" in ids(refusal, before=[not_valid])


def test_tables_that_django_does_not_keep_are_left_alone():
    view = m.CreateModel("View", [("id", models.AutoField(primary_key=True))], {"managed": False})

    assert ids(add(models.IntegerField(), model="view"), before=[view]) == []


def test_the_keys_that_follow_a_changed_type_are_named():
    page = m.CreateModel(
        "Page",
        [
            ("id", models.AutoField(primary_key=True)),
            ("book", models.ForeignKey("shop.Book", models.CASCADE)),
        ],
    )

    (hazard,) = found_in(alter("id", models.BigAutoField(primary_key=True)), before=[page])

    assert hazard.message == (
        "From integer to bigint, every row is written anew. "
        "So is every table that refers to it: shop_page."
    )


def test_a_hazard_says_where_with_which_lock_and_what_to_do():
    (hazard,) = found_in(m.AddIndex("Book", index()))

    assert hazard.object == "shop.0002_change: AddIndex shop.Book.code_idx"
    assert (hazard.table, hazard.lock) == ("shop_book", "SHARE")
    assert hazard.sentence == (
        "The index is built while nobody can write to the table. "
        "It holds SHARE on shop_book, which blocks all writing."
    )
    assert hazard.remedy.startswith("AddIndexConcurrently of ")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("varchar(10)", "varchar(20)", False),
        ("varchar(10)", "varchar", False),
        ("varchar(10)", "text", False),
        ("varchar(20)", "varchar(10)", True),
        ("text", "varchar(10)", True),
        ("text", "citext", False),
        ("numeric(6, 2)", "numeric(8, 2)", False),
        ("numeric(6, 2)", "numeric(8, 3)", True),
        ("numeric(6, 2)", "numeric", False),
        ("numeric", "numeric(6, 2)", True),
        ("integer", "bigint", True),
        ("varchar(10)[]", "varchar(20)[]", True),
        ("varchar(10)[]", "varchar(10)[]", False),
        ("varchar(10)", "varchar(10)[]", True),
        ("cidr", "inet", False),
        ("double precision", "double precision", False),
        ("timestamp with time zone", "date", True),
    ],
)
def test_a_change_of_type_rewrites_the_table_or_does_not(old, new, expected):
    assert rewrites_table(old, new) is expected
