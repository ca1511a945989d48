"""The table of what is dangerous when migrations meet a PostgreSQL database that people use.

The ids are stable, so that scripts, switches and accepted findings can rely on them. For each one
the table has how bad it is, the lock on the table, what tells it and what to do in its place.
``hazard_recipes.py`` has the words of the last.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.db.migrations import (
    AddConstraint,
    AddIndex,
    RenameField,
    RunPython,
)
from django.db.migrations.operations.base import Operation

from schematools import hazard_recipes as recipes
from schematools import hazards_changes, hazards_code, hazards_columns, hazards_keys
from schematools.findings import Severity
from schematools.migration_steps import ModelKey, Step, is_a

EVERYTHING = "ACCESS EXCLUSIVE"
WRITING = "SHARE"
WRITING_ON_BOTH = "SHARE ROW EXCLUSIVE"

BLOCKS: Mapping[str, str] = {
    "": "",
    EVERYTHING: "all reading and writing",
    WRITING: "all writing",
    WRITING_ON_BOTH: "all writing",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """How bad it is, what tells it, the lock, and the safe way, step by step.

    Most rules are about tables that are there already; ``everywhere`` are those that are not.
    """

    severity: Severity
    tells: Callable[[Step], str]
    lock: str
    recipe: tuple[str, ...]
    everywhere: bool = False


@dataclass(frozen=True, slots=True)
class WholeRule:
    """A rule about the steps of a migration together: it tells which step is at fault."""

    severity: Severity
    tells: Callable[[Sequence[Step]], Step | None]
    sentence: str
    recipe: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hazard:
    """One danger: in which operation, on which table, with which lock, and the safe way.

    ``position`` is the operation's place in its migration, from 0; -1 is the migration itself.
    """

    id: str
    severity: Severity
    object: str
    message: str
    remedy: str
    table: str = ""
    lock: str = ""
    blocks: str = ""
    migration: str = ""
    position: int = -1

    @property
    def sentence(self) -> str:
        if not self.lock:
            return self.message
        where = f" on {self.table}" if self.table else ""
        return f"{self.message} It holds {self.lock}{where}, which blocks {self.blocks}."


RULES: Mapping[str, Rule] = {
    "check-added": Rule("error", hazards_keys.check_added, EVERYTHING, recipes.CHECK),
    "check-added-by-type": Rule(
        "error", hazards_changes.check_added, EVERYTHING, recipes.CHECK_BY_TYPE
    ),
    "check-added-with-column": Rule(
        "warning", hazards_columns.checked_on_adding, EVERYTHING, recipes.CHECK_WITH_COLUMN
    ),
    "collation-changed": Rule(
        "warning", hazards_changes.collation_changed, EVERYTHING, recipes.TYPE
    ),
    "column-added-by-rewrite": Rule(
        "error", hazards_columns.rewritten_on_adding, EVERYTHING, recipes.REWRITE
    ),
    "column-added-without-db-default": Rule(
        "warning", hazards_columns.without_db_default, "", recipes.DB_DEFAULT
    ),
    "column-added-without-value": Rule(
        "error", hazards_columns.without_value, "", recipes.DB_DEFAULT
    ),
    "column-dropped": Rule("error", hazards_columns.dropped, EVERYTHING, recipes.DROP_COLUMN),
    "column-renamed": Rule("error", hazards_columns.renamed, EVERYTHING, recipes.RENAME_COLUMN),
    "column-renamed-by-option": Rule(
        "error", hazards_changes.renamed, EVERYTHING, recipes.RENAME_COLUMN
    ),
    "column-type-rewrites": Rule("error", hazards_changes.type_rewritten, EVERYTHING, recipes.TYPE),
    "concurrent-in-transaction": Rule(
        "error", hazards_code.concurrent_in_transaction, "", recipes.ATOMIC, everywhere=True
    ),
    "exclusion-added": Rule("error", hazards_keys.exclusion_added, EVERYTHING, recipes.EXCLUSION),
    "foreign-key-added": Rule(
        "error", hazards_changes.foreign_key_added, WRITING_ON_BOTH, recipes.FOREIGN_KEY
    ),
    "foreign-key-added-with-column": Rule(
        "warning",
        hazards_keys.foreign_key_added_with_column,
        WRITING_ON_BOTH,
        recipes.FOREIGN_KEY,
    ),
    "foreign-key-made-again": Rule(
        "error", hazards_changes.foreign_key_made_again, EVERYTHING, recipes.FOREIGN_KEY_AGAIN
    ),
    "index-added": Rule("error", hazards_keys.index_added, WRITING, recipes.INDEX),
    "index-added-to-column": Rule(
        "error", hazards_changes.index_added, WRITING, recipes.INDEX_OF_COLUMN
    ),
    "index-added-with-column": Rule(
        "error", hazards_columns.indexed_on_adding, EVERYTHING, recipes.INDEX_WITH_COLUMN
    ),
    "index-removed": Rule("info", hazards_keys.index_removed, EVERYTHING, recipes.INDEX_REMOVED),
    "not-null-added": Rule("error", hazards_changes.null_refused, EVERYTHING, recipes.NOT_NULL),
    "not-null-backfilled": Rule(
        "error", hazards_changes.null_replaced, EVERYTHING, recipes.BACKFILL
    ),
    "not-null-while-null-is-written": Rule(
        "warning", hazards_changes.null_still_written, "", recipes.NULL_WRITTEN
    ),
    "one-default-for-all-rows": Rule(
        "warning", hazards_columns.one_value_for_all, "", recipes.ONE_DEFAULT
    ),
    "one-default-for-unique-column": Rule(
        "error", hazards_columns.one_value_for_unique, "", recipes.ONE_DEFAULT
    ),
    "primary-key-changed": Rule(
        "error", hazards_changes.primary_key_changed, EVERYTHING, recipes.PRIMARY_KEY
    ),
    "python-irreversible": Rule(
        "warning",
        hazards_code.irreversible_python,
        "",
        recipes.REVERSE_PYTHON,
        everywhere=True,
    ),
    "sql-breaks-running-code": Rule(
        "error", hazards_code.sql_breaking_code, EVERYTHING, recipes.DROP_COLUMN, everywhere=True
    ),
    "sql-hidden-from-models": Rule(
        "info", hazards_code.sql_hidden_from_models, "", recipes.STATE, everywhere=True
    ),
    "sql-holds-lock": Rule(
        "error", hazards_code.sql_holding_locks, EVERYTHING, recipes.SQL, everywhere=True
    ),
    "sql-index-added": Rule(
        "error", hazards_code.sql_index, WRITING, recipes.SQL_INDEX, everywhere=True
    ),
    "sql-irreversible": Rule(
        "warning", hazards_code.irreversible_sql, "", recipes.REVERSE_SQL, everywhere=True
    ),
    "table-dropped": Rule("error", hazards_keys.table_dropped, EVERYTHING, recipes.DROP_TABLE),
    "table-renamed": Rule("error", hazards_keys.table_renamed, EVERYTHING, recipes.RENAME_TABLE),
    "unique-added-to-column": Rule(
        "error", hazards_changes.unique_added, EVERYTHING, recipes.UNIQUE
    ),
    "unique-added-with-column": Rule(
        "error", hazards_columns.unique_on_adding, EVERYTHING, recipes.UNIQUE_WITH_COLUMN
    ),
    "unique-constraint-added": Rule(
        "error", hazards_keys.unique_constraint_added, EVERYTHING, recipes.UNIQUE
    ),
    "unique-index-added": Rule(
        "error", hazards_keys.unique_index_added, WRITING, recipes.UNIQUE_INDEX
    ),
}

WHOLE_RULES: Mapping[str, WholeRule] = {
    "data-with-schema": WholeRule(
        "warning",
        hazards_code.data_with_schema,
        "Data is changed in the transaction that changes a table, which stays locked meanwhile.",
        recipes.APART,
    ),
    "not-atomic-several": WholeRule(
        "warning",
        hazards_code.several_without_transaction,
        "Without a transaction, a failure here leaves the steps before it done, and migrating "
        "again fails on them.",
        recipes.ONE_EACH,
    ),
    "validated-at-once": WholeRule(
        "warning",
        hazards_code.validated_at_once,
        "The constraint is validated in the transaction that adds it, whose lock stays.",
        recipes.VALIDATE_APART,
    ),
}


def hazards_of(steps: Sequence[Step]) -> Iterator[tuple[ModelKey | None, Hazard]]:
    """Yield what is dangerous in a migration's steps, and the model that each is about, if any."""
    for step in steps:
        for name, rule in RULES.items():
            if (rule.everywhere or step.is_on_existing_table) and (told := rule.tells(step)):
                yield step.key, _hazard(name, rule, step, told)
    for name, whole in WHOLE_RULES.items():
        if at_fault := whole.tells(steps):
            key = next((step.key for step in steps if step.is_on_existing_table), None)
            yield key, _whole_hazard(name, whole, at_fault)


def numbered(recipe: Sequence[str]) -> str:
    """Return the steps of a recipe on one line, numbered where there are several."""
    if len(recipe) == 1:
        return recipe[0]
    return " ".join(f"{number}. {step}" for number, step in enumerate(recipe, start=1))


def _hazard(name: str, rule: Rule, step: Step, told: str) -> Hazard:
    return Hazard(
        id=name,
        severity=rule.severity,
        object=f"{step.migration}: {describe(step)}",
        message=told,
        remedy=numbered(rule.recipe),
        table=step.table,
        lock=rule.lock,
        blocks=BLOCKS[rule.lock],
        migration=str(step.migration),
        position=step.position,
    )


def _whole_hazard(name: str, rule: WholeRule, step: Step) -> Hazard:
    return Hazard(
        id=name,
        severity=rule.severity,
        object=f"{step.migration}: {describe(step)}",
        message=rule.sentence,
        remedy=numbered(rule.recipe),
        table=step.table,
        migration=str(step.migration),
        position=step.position,
    )


def describe(step: Step) -> str:
    """Return the operation with its full name, such as "AddField users.User.nickname"."""
    operation = step.operation
    kind = type(operation).__name__
    if isinstance(operation, RunPython):
        return f"{kind} {getattr(operation.code, '__name__', '')}".rstrip()
    if step.model is None:
        return kind
    part = _part(operation)
    model = f"{step.app}.{step.model.name}"
    return f"{kind} {model}.{part}" if part else f"{kind} {model}"


def _part(operation: Operation) -> str:
    """Return the name of what in the model the operation is about; nothing is the model itself."""
    if isinstance(operation, AddIndex):
        return str(operation.index.name)
    if isinstance(operation, AddConstraint):
        return str(operation.constraint.name)
    if isinstance(operation, RenameField):
        return operation.old_name
    if getattr(operation, "model_name", None) or is_a(operation, "FieldOperation"):
        return str(getattr(operation, "name", "") or getattr(operation, "new_name", ""))
    return ""
