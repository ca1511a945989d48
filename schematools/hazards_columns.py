"""What is dangerous about adding, renaming and dropping columns: a predicate for each rule.

A predicate answers with a sentence about what happens, or with nothing.
"""

from functools import cache
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import AddField, RemoveField, RenameField
from django.db.models import NOT_PROVIDED, AutoField, UUIDField
from django.db.models.expressions import BaseExpression

from schematools.column_types import AnyField, bound, column_type, find_field, postgresql
from schematools.migration_steps import Step

# Functions that answer anew for every row, so that a default of them is computed row by row.
VOLATILE = frozenset(
    {
        "clock_timestamp",
        "gen_random_uuid",
        "nextval",
        "random",
        "timeofday",
        "uuid_generate_v1",
        "uuid_generate_v1mc",
        "uuid_generate_v4",
        "uuidv4",
        "uuidv7",
    }
)
# Modules whose functions give another value each time.
RANDOM = frozenset({"django.utils.crypto", "random", "secrets", "uuid"})


@cache
def connection() -> BaseDatabaseWrapper:
    return postgresql()


def added_column(step: Step) -> AnyField | None:
    """Return the field that gets a column, with the default that the migration gives it."""
    if not isinstance(step.operation, AddField):
        return None
    field = bound(step.operation.field, step.operation.name)
    if field.many_to_many or not field.column or _type(field, step) == "":
        return None
    return field


def gives_value(field: AnyField) -> bool:
    """Tell whether Django has a value for the rows that are there when the column is added."""
    return bool(
        field.has_default()
        or (field.blank and field.empty_strings_allowed and not field.null)
        or getattr(field, "auto_now", False)
        or getattr(field, "auto_now_add", False)
    )


def is_written_by_database(field: AnyField) -> bool:
    return bool(field.generated or field.has_db_default() or isinstance(field, AutoField))


def without_value(step: Step) -> str:
    field = added_column(step)
    if field is None or field.null or gives_value(field) or is_written_by_database(field):
        return ""
    return "The rows that are there have no value for this column, which must have one: it fails."


def without_db_default(step: Step) -> str:
    field = added_column(step)
    if field is None or field.null or is_written_by_database(field) or not gives_value(field):
        return ""
    return (
        "Rows are not rewritten, but Django takes the default away again: code that runs while "
        "this is released does not know the column and can insert no row."
    )


def rewritten_on_adding(step: Step) -> str:
    field = added_column(step)
    if field is None:
        return ""
    if field.generated:
        return "A stored generated column is computed for every row: the table is rewritten."
    if isinstance(field, AutoField):
        return "Every row gets a number of its own: the table is rewritten."
    if field.has_db_default() and is_volatile(field.db_default):
        return "The default is another one for each row: the table is rewritten."
    return ""


def is_volatile(default: Any) -> bool:
    """Tell whether a database default is known to differ from row to row."""
    if not isinstance(default, BaseExpression):
        return False
    names = {
        str(name).lower().partition("(")[0]
        for part in default.flatten()
        for name in (getattr(part, "function", ""), getattr(part, "template", ""))
    }
    return bool(names & VOLATILE)


def one_value_for_all(step: Step) -> str:
    field = added_column(step)
    if field is None or field.unique or field.has_db_default() or not callable(field.default):
        return ""
    if not isinstance(field, UUIDField) and field.default.__module__ not in RANDOM:
        return ""
    name = getattr(field.default, "__name__", field.default)
    return f"{name}() is called once, not for each row: all rows there are get one value."


def one_value_for_unique(step: Step) -> str:
    field = added_column(step)
    if field is None or not field.unique or field.default is NOT_PROVIDED:
        return ""
    if field.has_db_default() or (field.null and field.default is None):
        return ""
    return "All rows there are get one value in a unique column: it fails from two rows on."


def unique_on_adding(step: Step) -> str:
    field = added_column(step)
    if field is None or not field.unique:
        return ""
    return "The column's unique index is built while nobody can read the table."


def indexed_on_adding(step: Step) -> str:
    field = added_column(step)
    if field is None or field.unique or not field.db_index:
        return ""
    return "The column's index is built while nobody can read the table."


def checked_on_adding(step: Step) -> str:
    field = added_column(step)
    if field is None or not column_check(field):
        return ""
    return "The column's check is tried on every row."


def column_check(field: AnyField) -> str:
    """Return the check that the field's kind brings along, as that of positive numbers."""
    if field.many_to_many or field.remote_field:
        return ""
    return str(field.db_parameters(connection())["check"] or "")


def dropped(step: Step) -> str:
    if not isinstance(step.operation, RemoveField):
        return ""
    field = find_field(step.model, step.operation.name)
    if field is None:
        return ""
    if field.many_to_many:
        return _dropped_join_table(field)
    if not field.column:
        return ""
    return "Code that runs while this is released still asks for the column, and fails."


def renamed(step: Step) -> str:
    operation = step.operation
    if not isinstance(operation, RenameField):
        return ""
    before = find_field(step.model, operation.old_name)
    after = find_field(step.after.models.get(step.key or ("", "")), operation.new_name)
    if before is None or after is None or before.many_to_many or before.column == after.column:
        return ""
    return _renamed(before.column, after.column)


def _renamed(old: str, new: str) -> str:
    return (
        f"Code that runs while this is released asks for {old!r}, and the code after it "
        f"for {new!r}: one of them fails."
    )


def renamed_column(old: AnyField, new: AnyField) -> str:
    return _renamed(old.column, new.column) if old.column != new.column else ""


def _dropped_join_table(field: AnyField) -> str:
    if field.remote_field.through:
        return ""
    return "Code that runs while this is released still asks for the join table, and fails."


def _type(field: AnyField, step: Step) -> str:
    model = step.model
    return column_type(field, model, step.after, connection()) if model else ""
