"""What is dangerous about SQL and Python in migrations, and about what they stand beside.

A predicate answers with a sentence about what happens, or with nothing. Those of whole migrations
are given all its steps.
"""

import re
from collections.abc import Iterator, Sequence

from django.db.migrations import (
    AlterModelManagers,
    AlterModelOptions,
    DeleteModel,
    RemoveField,
    RunPython,
    RunSQL,
)

from schematools.migration_steps import Step, is_a, table_name

# Literals, quoted bodies of functions and comments: what only looks like SQL.
_NOISE = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\$(\w*)\$.*?\$\1\$", re.DOTALL)
_TABLE = re.compile(r"\b(?:ON|TABLE)\s+(?:(?:IF\s+EXISTS|ONLY)\s+)*([\w.\"]+)", re.IGNORECASE)


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text.replace(" ", r"\s+"), re.IGNORECASE | re.DOTALL)


_PLAIN_INDEX = _pattern(r"^CREATE (UNIQUE )?INDEX (?!CONCURRENTLY)")
_CONCURRENT = _pattern(r"\bCONCURRENTLY\b")
_DATA = _pattern(r"^(UPDATE|DELETE|INSERT|MERGE|COPY)\b|^WITH\b.*\b(UPDATE|DELETE|INSERT)\b")
_RENAMING = _pattern(r"^ALTER TABLE\b.*\bRENAME (COLUMN\b|TO\b|(?!CONSTRAINT\b)\w+ TO\b)")
_DROPPING = _pattern(r"\bDROP COLUMN\b|^DROP TABLE\b")
_CHANGING_COLUMNS = _pattern(
    r"^ALTER TABLE\b.*(\bADD COLUMN\b|\bRENAME COLUMN\b|\bTYPE\b|\b(SET|DROP) NOT NULL\b)"
)
_LONG = (
    (
        _pattern(r"\bADD (CONSTRAINT \S+ )?(CHECK|FOREIGN KEY)\b(?!.*\bNOT VALID\b)"),
        "every row is checked",
    ),
    (
        _pattern(r"\bADD (CONSTRAINT \S+ )?(UNIQUE|PRIMARY KEY|EXCLUDE)\b(?!.*\bUSING INDEX\b)"),
        "an index is built",
    ),
    (_pattern(r"\bSET NOT NULL\b"), "every row is read"),
    (_pattern(r"^ALTER TABLE\b.*\bALTER\b.*\bTYPE\b"), "every row may be written anew"),
    (_pattern(r"\bSET (LOGGED|UNLOGGED|TABLESPACE)\b"), "every row is written anew"),
    (_pattern(r"^VACUUM\b.*\bFULL\b|^CLUSTER\b"), "every row is written anew"),
    (_pattern(r"^REINDEX\b(?!.*\bCONCURRENTLY\b)"), "indexes are built anew"),
    (
        _pattern(r"^REFRESH MATERIALIZED VIEW (?!CONCURRENTLY)"),
        "the view is computed while nobody can read it",
    ),
    (_pattern(r"^LOCK\b"), "the lock is held until the migration ends"),
)


def irreversible_python(step: Step) -> str:
    if not isinstance(step.operation, RunPython) or step.operation.reversible:
        return ""
    return "Nobody can migrate back over it: a release that goes wrong has to stay."


def irreversible_sql(step: Step) -> str:
    if not isinstance(step.operation, RunSQL) or step.operation.reversible:
        return ""
    return "Nobody can migrate back over it: a release that goes wrong has to stay."


def sql_hidden_from_models(step: Step) -> str:
    if step.state_operations or not any(map(_CHANGING_COLUMNS.search, statements(step))):
        return ""
    return "Columns change, and Django is not told: later migrations start from a wrong picture."


def sql_index(step: Step) -> str:
    if any(_PLAIN_INDEX.search(each) for each in _on_existing_tables(step)):
        return "The index is built while nobody can write to the table."
    return ""


def sql_holding_locks(step: Step) -> str:
    for statement in _on_existing_tables(step):
        for pattern, what in _LONG:
            if pattern.search(statement):
                return f"{_short(statement)}: {what}."
    return ""


def sql_breaking_code(step: Step) -> str:
    """Dropping what no model has is the last step of a safe way, and so not dangerous."""
    models_lose = any(
        isinstance(each, (RemoveField, DeleteModel)) for each in step.state_operations
    )
    for statement in _on_existing_tables(step):
        if _RENAMING.search(statement) or (models_lose and _DROPPING.search(statement)):
            return (
                f"{_short(statement)}: code that runs while this is released still asks for what "
                "is gone, and fails."
            )
    return ""


def concurrent_in_transaction(step: Step) -> str:
    if not step.migration.atomic:
        return ""
    if is_a(step.operation, "AddIndexConcurrently", "RemoveIndexConcurrently"):
        return "The migration is a transaction, and Django refuses to run this in one."
    if any(map(_CONCURRENT.search, statements(step))):
        return "The migration is a transaction, and PostgreSQL refuses CONCURRENTLY in one."
    return ""


def data_with_schema(steps: Sequence[Step]) -> Step | None:
    """Return the step that changes data while locks of another are held."""
    if not steps or not steps[0].migration.atomic:
        return None
    data = [step for step in steps if _changes_data(step)]
    if data and any(step.is_on_existing_table and _changes_schema(step) for step in steps):
        return data[0]
    return None


def several_without_transaction(steps: Sequence[Step]) -> Step | None:
    """Return the second step of a migration that can stop between two."""
    steps = [step for step in steps if _changes_schema(step) or _is_code(step)]
    if len(steps) > 1 and not steps[0].migration.atomic:
        return steps[1]
    return None


def validated_at_once(steps: Sequence[Step]) -> Step | None:
    """Return the step that validates a constraint under the lock of adding it."""
    if not steps or not steps[0].migration.atomic:
        return None
    added = set()
    for step in steps:
        if is_a(step.operation, "AddConstraintNotValid"):
            added.add(vars(step.operation)["constraint"].name)
        if is_a(step.operation, "ValidateConstraint") and vars(step.operation)["name"] in added:
            return step
    return None


def statements(step: Step) -> Iterator[str]:
    """Yield the statements of plain SQL, without comments and literals."""
    if not isinstance(step.operation, RunSQL):
        return
    given = step.operation.sql
    for entry in [given] if isinstance(given, str) else given:
        text = entry if isinstance(entry, str) else entry[0]
        for statement in _NOISE.sub(" ", str(text)).split(";"):
            if statement.strip():
                yield statement.strip()


def _on_existing_tables(step: Step) -> Iterator[str]:
    new = {table_name(step.after.models[key]) for key in step.new if key in step.after.models}
    for statement in statements(step):
        found = _TABLE.search(statement)
        if found is None or found[1].replace('"', "").rpartition(".")[2] not in new:
            yield statement


def _changes_data(step: Step) -> bool:
    if isinstance(step.operation, RunPython):
        return step.operation.code is not RunPython.noop
    return any(map(_DATA.search, statements(step)))


def _changes_schema(step: Step) -> bool:
    options_only = isinstance(step.operation, (AlterModelOptions, AlterModelManagers))
    return step.has_table and not options_only


def _is_code(step: Step) -> bool:
    return isinstance(step.operation, (RunPython, RunSQL))


def _short(statement: str, most: int = 60) -> str:
    text = " ".join(statement.split())
    return text if len(text) <= most else f"{text[: most - 1]}…"
