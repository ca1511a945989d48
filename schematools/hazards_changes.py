"""What is dangerous about altering a column that is there: a predicate for each rule.

A predicate answers with a sentence about what happens, or with nothing.
"""

from dataclasses import dataclass
from typing import Any

from django.db.migrations import AlterField
from django.db.models import CheckConstraint, Q

from schematools.column_types import AnyField, column_type, find_field, rewrites_table
from schematools.hazards_columns import column_check, connection, gives_value, renamed_column
from schematools.migration_steps import Step, table_name

MOST_NAMED = 3  # tables in a sentence


@dataclass(frozen=True, slots=True)
class Change:
    """A column before and after."""

    old: AnyField
    new: AnyField
    old_type: str
    new_type: str

    @property
    def is_indexed_anew(self) -> bool:
        """Whether text with an index becomes something else: its index for LIKE is replaced."""
        was_indexed = self.old.db_index or self.old.unique
        kinds = ("varchar", "text", "citext")
        return bool(
            was_indexed
            and any(self.old_type.startswith(k) != self.new_type.startswith(k) for k in kinds)
            and self.new_type.startswith(kinds[:2])
            and (self.new.db_index or self.new.unique)
        )


def change(step: Step) -> Change | None:
    """Return what becomes of a column, if that is what the step is about."""
    if not isinstance(step.operation, AlterField) or step.key is None:
        return None
    before, after = step.before.models.get(step.key), step.after.models.get(step.key)
    old, new = (find_field(model, step.operation.name) for model in (before, after))
    if before is None or after is None or old is None or new is None:
        return None
    if old.many_to_many or new.many_to_many or not old.column or not new.column:
        return None
    if not step.operation.preserve_default:
        new.default = step.operation.field.default
    return Change(
        old=old,
        new=new,
        old_type=column_type(old, before, step.before, connection()),
        new_type=column_type(new, after, step.after, connection()),
    )


def renamed(step: Step) -> str:
    column = change(step)
    return renamed_column(column.old, column.new) if column else ""


def type_rewritten(step: Step) -> str:
    column = change(step)
    if column is None or not rewrites_table(column.old_type, column.new_type):
        return ""
    sentence = f"From {column.old_type} to {column.new_type}, every row is written anew."
    others = _tables_referring(step, column)
    if others:
        shown = ", ".join(others[:MOST_NAMED])
        more = f" and {len(others) - MOST_NAMED} more" if len(others) > MOST_NAMED else ""
        sentence += f" So is every table that refers to it: {shown}{more}."
    return sentence


def collation_changed(step: Step) -> str:
    column = change(step)
    if column is None or _collation(column.old) == _collation(column.new):
        return ""
    if not (column.old.db_index or column.old.unique):
        return ""
    return "The column's indexes are built anew in the order of the other collation."


def null_refused(step: Step) -> str:
    column = change(step)
    if column is None or not column.old.null or column.new.null or _has_not_null_check(step):
        return ""
    return "Every row is read to see that none has NULL."


def null_replaced(step: Step) -> str:
    column = change(step)
    if column is None or not column.old.null or column.new.null:
        return ""
    if not (column.new.has_default() or column.new.has_db_default()):
        return ""
    return "Rows with NULL are updated with the default while nobody can read the table."


def null_still_written(step: Step) -> str:
    column = change(step)
    if column is None or not column.old.null or column.new.null:
        return ""
    if column.new.has_db_default() or (gives_value(column.old) and not _null_default(column.old)):
        return ""
    return "Code that runs while this is released still writes NULL there, and fails."


def unique_added(step: Step) -> str:
    column = change(step)
    if column is None or column.old.unique or not column.new.unique or column.new.primary_key:
        return ""
    return "The column's unique index is built while nobody can read the table."


def index_added(step: Step) -> str:
    column = change(step)
    if column is None:
        return ""
    is_indexed = column.new.db_index and not column.new.unique
    if is_indexed and (not column.old.db_index or column.old.unique):
        return "The column's index is built while nobody can write to the table."
    if column.is_indexed_anew:
        return "The column's index for LIKE is built again while nobody can read the table."
    return ""


def primary_key_changed(step: Step) -> str:
    column = change(step)
    if column is None or column.old.primary_key or not column.new.primary_key:
        return ""
    return "The index of the new primary key is built, and every row read, before anybody may read."


def check_added(step: Step) -> str:
    column = change(step)
    if column is None or not column_check(column.new) or column_check(column.old):
        return ""
    return "The column's check is tried on every row."


def foreign_key_added(step: Step) -> str:
    column = change(step)
    if column is None or _has_key(column.old) or not _has_key(column.new):
        return ""
    return "Every row is looked up in the other table."


def foreign_key_made_again(step: Step) -> str:
    column = change(step)
    if column is None or not (_has_key(column.old) and _has_key(column.new)):
        return ""
    changed = _changed_options(column.old, column.new)
    if not changed:
        return ""
    return (
        f"Django drops the foreign key and adds it again, though only {', '.join(changed)} "
        "changed: both tables are locked while every row is looked up in the other."
    )


def _changed_options(old: AnyField, new: AnyField) -> list[str]:
    """Return the options for whose sake Django makes a foreign key anew.

    Whether a table is referred to under another name is not told from here: renames of models
    do not come as alterations.
    """
    options = [_options(field) for field in (old, new)]
    names = sorted(options[0].keys() | options[1].keys())
    changed = [name for name in names if options[0].get(name) != options[1].get(name)]
    if old.column != new.column:
        changed.append("the column's name")
    if type(old) is not type(new):
        changed.append("the field's kind")
    return changed


def _options(field: AnyField) -> dict[str, Any]:
    *_, options = field.deconstruct()
    ignored = {*field.non_db_attrs, "db_comment"}
    kept = {name: value for name, value in options.items() if name not in ignored}
    if "to" in kept:
        kept["to"] = str(kept["to"]).lower()
    return kept


def _tables_referring(step: Step, column: Change) -> list[str]:
    """Return the tables whose foreign keys follow the type of this column."""
    if step.key is None or not (column.old.primary_key or column.old.unique):
        return []
    found = set()
    for model in step.before.models.values():
        for name, field in model.fields.items():
            if not field.remote_field or field.many_to_many or (model.name_lower == step.key[1]):
                continue
            to = str(field.remote_field.model).lower()
            targets = [each for each in getattr(field, "to_fields", ()) if each]
            is_here = to == ".".join(step.key)
            if is_here and (targets or [column.old.name]) == [column.old.name] and name:
                found.add(table_name(model))
    return sorted(found)


def _has_key(field: AnyField) -> bool:
    return bool(field.remote_field and field.db_constraint)


def _collation(field: AnyField) -> str:
    return str(getattr(field, "db_collation", None) or "")


def _null_default(field: AnyField) -> bool:
    return bool(field.has_default() and field.default is None)


def _has_not_null_check(step: Step) -> bool:
    """Tell whether a check that binds all rows already says that the column is never NULL."""
    column = change(step)
    if column is None or step.model is None:
        return False
    wanted = [Q(**{f"{name}__isnull": False}) for name in (column.old.name, column.old.attname)]
    return any(
        constraint.condition in wanted and constraint.name not in step.not_valid
        for constraint in step.model.options.get("constraints", ())
        if isinstance(constraint, CheckConstraint)
    )
