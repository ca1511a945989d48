"""The safe ways, step by step: what ``hazards.RULES`` tells people to do.

Each text stands alone, since a finding shows only its own. "In a migration of its own" matters:
locks are held until the transaction ends.
"""

DB_DEFAULT = (
    (
        "Give the field a db_default: PostgreSQL keeps it without touching rows, and code that "
        "does not know the column can still insert."
    ),
    "Or add it with null=True, fill it in a data migration, and refuse NULL a release later.",
)
REWRITE = (
    "Add a plain column with null=True.",
    "Let a trigger, or the code, fill it for new rows.",
    "Fill the others in batches in a data migration with atomic = False.",
    "Set the default, for later rows, in a migration of its own.",
)
ONE_DEFAULT = (
    "Add the field with null=True and no default.",
    "Give each row its own value, in batches, in a data migration with atomic = False.",
    "Refuse NULL, and make it unique if it is to be, in later migrations.",
)
UNIQUE_WITH_COLUMN = (
    "Add the field with null=True and without unique.",
    "Fill it in a data migration.",
    "In a migration with atomic = False, RunSQL: CREATE UNIQUE INDEX CONCURRENTLY.",
    (
        "RunSQL: ALTER TABLE … ADD CONSTRAINT … UNIQUE USING INDEX, with the AlterField in "
        "state_operations."
    ),
)
INDEX_WITH_COLUMN = (
    "Add the field with db_index=False.",
    (
        "In a migration of its own with atomic = False: AddIndexConcurrently, and the index in "
        "Meta.indexes."
    ),
)
CHECK_WITH_COLUMN = (
    (
        "Add the field as its kind without a check (IntegerField for PositiveIntegerField), and "
        "the condition as a CheckConstraint with AddConstraintNotValid."
    ),
    "In a later migration: ValidateConstraint.",
)
DROP_COLUMN = (
    "Let the database do without it: AlterField with null=True or a db_default.",
    (
        "In the release that no longer uses it: take it out of the model, with RemoveField "
        "in the state_operations of SeparateDatabaseAndState."
    ),
    "A release later, drop it with RunSQL.",
)
RENAME_COLUMN = (
    "Keep the column: give the renamed field db_column with the old name.",
    (
        "If the column must have the new name: add it, write to both, fill it, read from it, and "
        "drop the old one a release later."
    ),
)
RENAME_TABLE = (
    "Keep the table: give Meta.db_table the old name.",
    (
        "If the table must have the new name: rename it in the transaction that makes an updatable "
        "view of the old name, and drop the view a release later."
    ),
)
DROP_TABLE = (
    (
        "In the release that no longer uses it: take the model away, with DeleteModel in "
        "the state_operations of SeparateDatabaseAndState."
    ),
    "A release later, drop the table with RunSQL.",
)
TYPE = (
    "Add a column of the new kind.",
    "Write to both; fill the new one in batches in a data migration with atomic = False.",
    "Read from the new one, and drop the old one a release later.",
)
NOT_NULL = (
    "AddConstraintNotValid of a CheckConstraint on isnull=False.",
    "In a migration of its own: ValidateConstraint, which reads the rows and blocks nobody.",
    "In another: AlterField, which trusts the constraint and reads nothing, and RemoveConstraint.",
)
BACKFILL = (
    "Set db_default first, so that new rows have a value.",
    "Update older rows in batches in a data migration with atomic = False.",
    (
        "Refuse NULL in a later migration, by way of AddConstraintNotValid and ValidateConstraint, "
        "with the AlterField's database part in RunSQL: SET NOT NULL."
    ),
)
NULL_WRITTEN = (
    (
        "Release the code that always writes a value first, or give the field a db_default; then "
        "refuse NULL."
    ),
)
UNIQUE = (
    "In a migration with atomic = False, RunSQL: CREATE UNIQUE INDEX CONCURRENTLY.",
    (
        "RunSQL: ALTER TABLE … ADD CONSTRAINT … UNIQUE USING INDEX, with the operation in "
        "state_operations."
    ),
)
UNIQUE_INDEX = (
    (
        "In a migration with atomic = False, RunSQL: CREATE UNIQUE INDEX CONCURRENTLY of the "
        "same name, with the AddConstraint in state_operations."
    ),
)
INDEX = (
    (
        "AddIndexConcurrently of django.contrib.postgres.operations, in a migration of its own "
        "with atomic = False."
    ),
)
INDEX_OF_COLUMN = (
    "Leave db_index as it is and put an Index into Meta.indexes.",
    "AddIndexConcurrently, in a migration of its own with atomic = False.",
)
INDEX_REMOVED = (
    (
        "RemoveIndexConcurrently of django.contrib.postgres.operations, in a migration of its own "
        "with atomic = False."
    ),
)
CHECK = (
    "AddConstraintNotValid of django.contrib.postgres.operations: it binds new rows at once.",
    "In a migration of its own: ValidateConstraint, which reads the rows and blocks nobody.",
)
CHECK_BY_TYPE = (
    "Leave the field's kind, and add the condition as a CheckConstraint: AddConstraintNotValid.",
    "In a migration of its own: ValidateConstraint.",
)
EXCLUSION = (
    (
        "PostgreSQL cannot build it in the background: add it to a new table that takes the old "
        "one's place, or in an announced window with a lock_timeout."
    ),
)
FOREIGN_KEY = (
    "Keep db_constraint=False, and db_index=False, on the field.",
    "In a migration with atomic = False: AddIndexConcurrently.",
    "RunSQL: ALTER TABLE … ADD CONSTRAINT … FOREIGN KEY … NOT VALID, with lock_timeout set.",
    (
        "In a migration of its own, RunSQL: VALIDATE CONSTRAINT, with the AlterField to "
        "db_constraint=True in state_operations."
    ),
)
FOREIGN_KEY_AGAIN = (
    (
        "SeparateDatabaseAndState with the AlterField in state_operations, and in "
        "database_operations only what is meant, such as RunSQL: DROP INDEX CONCURRENTLY."
    ),
    (
        "If the target changes: add the new constraint NOT VALID with RunSQL, validate it in a "
        "migration of its own, then drop the old one."
    ),
)
PRIMARY_KEY = (
    "In a migration with atomic = False, RunSQL: CREATE UNIQUE INDEX CONCURRENTLY.",
    "See that the column is NOT NULL, by way of a validated CHECK.",
    "RunSQL: ALTER TABLE … ADD PRIMARY KEY USING INDEX, with the AlterField in state_operations.",
)
REVERSE_PYTHON = ("Give it a reverse; RunPython.noop where there is nothing to undo.",)
REVERSE_SQL = ("Give it reverse_sql; RunSQL.noop where there is nothing to undo.",)
STATE = ("Say in state_operations what the SQL does to the models.",)
SQL = (
    (
        "Do the long part without the lock first: constraints NOT VALID and then VALIDATE, indexes "
        "CONCURRENTLY and then USING INDEX, rows in batches."
    ),
)
SQL_INDEX = ("CREATE INDEX CONCURRENTLY, in a migration of its own with atomic = False.",)
ATOMIC = ("Set atomic = False on the migration, and leave only this operation in it.",)
APART = ("Make two migrations of it: first the schema, then the data.",)
ONE_EACH = ("Make a migration of each operation.",)
VALIDATE_APART = ("Validate in a migration of its own.",)
