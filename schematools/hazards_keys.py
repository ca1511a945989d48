"""What is dangerous about indexes, constraints and tables: a predicate for each rule.

A predicate answers with a sentence about what happens, or with nothing.
"""

from typing import Any

from django.db.migrations import (
    AddConstraint,
    AddIndex,
    AlterIndexTogether,
    AlterModelTable,
    AlterUniqueTogether,
    DeleteModel,
    RemoveIndex,
    RenameModel,
)
from django.db.migrations.operations.models import AlterTogetherOptionOperation
from django.db.models import CheckConstraint, UniqueConstraint

from schematools.hazards_columns import added_column, gives_value, is_written_by_database
from schematools.migration_steps import Step, is_a, table_name


def index_added(step: Step) -> str:
    is_plain = isinstance(step.operation, AddIndex) and not is_a(
        step.operation, "AddIndexConcurrently"
    )
    if is_plain or (isinstance(step.operation, AlterIndexTogether) and _added_together(step)):
        return "The index is built while nobody can write to the table."
    return ""


def index_removed(step: Step) -> str:
    if not isinstance(step.operation, RemoveIndex):
        return ""
    if is_a(step.operation, "RemoveIndexConcurrently"):
        return ""
    return "Dropping waits for whoever reads the table, and whoever comes later waits for it."


def unique_constraint_added(step: Step) -> str:
    constraint = _added_constraint(step)
    is_plain = isinstance(constraint, UniqueConstraint) and not _is_index(constraint)
    if is_plain or (isinstance(step.operation, AlterUniqueTogether) and _added_together(step)):
        return "The constraint's index is built while nobody can read the table."
    return ""


def unique_index_added(step: Step) -> str:
    constraint = _added_constraint(step)
    if isinstance(constraint, UniqueConstraint) and _is_index(constraint):
        return "The unique index is built while nobody can write to the table."
    return ""


def exclusion_added(step: Step) -> str:
    constraint = _added_constraint(step)
    names = [base.__name__ for base in type(constraint).__mro__]
    if "ExclusionConstraint" not in names:
        return ""
    return "The constraint's index is built, with a look at every pair that meets in it."


def check_added(step: Step) -> str:
    if is_a(step.operation, "AddConstraintNotValid"):
        return ""
    if not isinstance(_added_constraint(step), CheckConstraint):
        return ""
    return "Every row is read to see that it holds."


def foreign_key_added_with_column(step: Step) -> str:
    field = added_column(step)
    if field is None or not field.remote_field or not field.db_constraint:
        return ""
    if gives_value(field) or is_written_by_database(field):
        return "Every row is looked up in the other table, which nobody can write to meanwhile."
    return "No row is looked up, but the other table is locked as well, against writing."


def table_renamed(step: Step) -> str:
    if not isinstance(step.operation, (RenameModel, AlterModelTable)) or step.model is None:
        return ""
    name = step.operation
    key = (step.app, name.new_name_lower if isinstance(name, RenameModel) else name.name_lower)
    before, after = table_name(step.model), table_name(step.after.models[key])
    if before == after:
        return ""
    return (
        f"Code that runs while this is released asks for {before!r}, and the code after it "
        f"for {after!r}: one of them fails."
    )


def table_dropped(step: Step) -> str:
    if not isinstance(step.operation, DeleteModel):
        return ""
    return "Code that runs while this is released still asks for the table, and fails."


def _added_constraint(step: Step) -> object:
    return step.operation.constraint if isinstance(step.operation, AddConstraint) else None


def _is_index(constraint: Any) -> bool:
    """Tell whether Django makes an index of it, which can hold what a constraint cannot."""
    return bool(
        constraint.condition or constraint.include or constraint.opclasses or constraint.expressions
    )


def _added_together(step: Step) -> bool:
    operation = step.operation
    if not isinstance(operation, AlterTogetherOptionOperation) or step.model is None:
        return False
    before = {tuple(names) for names in step.model.options.get(operation.option_name) or ()}
    return bool({tuple(names) for names in operation.option_value or ()} - before)
