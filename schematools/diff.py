"""Compares two schemas that were read from databases, and says in findings where they differ.

What is expected was built by the migrations, so nothing here guesses: both sides are spelt by the
same server. The order of columns does not matter, and a name only where a model declares it.
"""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace

from schematools.diff_keys import key_findings
from schematools.diff_references import reference_findings
from schematools.findings import Finding
from schematools.mending import Mender, mender_for
from schematools.model import Column, Constraint, Schema, Table, Trigger

NOTHING = "none"
IDENTITY = "identity"
VIEWS = frozenset({"view", "materialized view"})
_AROUND_SIGNS = re.compile(r"\s*([(),])\s*")
# Types that migrations leave behind where a model says something else, as for automatic keys.
_WIDTHS = {"bigint": "integer"}


@dataclass(frozen=True, slots=True)
class Rules:
    """How to compare.

    ``declared`` are names of indexes and constraints that models declare; ``known`` are tables that
    need no migration. Where what is expected is not ``exact``, nothing is said to be too much.
    """

    declared: Collection[str] = ()
    known: Collection[str] = ()
    exact: bool = True


def compare(expected: Schema, found: Schema, rules: Rules | None = None) -> Iterator[Finding]:
    """Yield the findings, by table."""
    rules = rules or Rules()
    mender = mender_for(found.vendor)
    names = {*expected.table_by_name, *found.table_by_name}
    for name in sorted(names):
        wanted, actual = expected.table_by_name.get(name), found.table_by_name.get(name)
        if wanted and actual:
            yield from _table(wanted, actual, rules, mender)
        elif wanted:
            yield _missing(wanted, mender)
        elif actual and rules.exact and name not in rules.known:
            yield _extra(actual, mender)


def _missing(wanted: Table, mender: Mender) -> Finding:
    is_view = wanted.kind in VIEWS
    return Finding(
        id="view-missing" if is_view else "table-missing",
        object=wanted.name,
        expected=f"a {wanted.kind}",
        found=NOTHING,
        remedy=mender.create_view(wanted) if is_view else mender.create_table(wanted),
    )


def _extra(actual: Table, mender: Mender) -> Finding:
    return Finding(
        id="view-extra" if actual.kind in VIEWS else "table-extra",
        object=actual.name,
        expected=f"no {actual.kind}, since no migration makes it",
        found=f"a {actual.kind}",
        remedy=mender.drop_table(actual),
        severity="warning",
    )


def _table(wanted: Table, actual: Table, rules: Rules, mender: Mender) -> Iterator[Finding]:
    if not rules.exact and (wanted.kind, actual.kind) == ("table", "partitioned table"):
        wanted = _partitioned_like(wanted, actual)
    if wanted.kind != actual.kind:
        yield Finding(
            id="table-differs",
            object=wanted.name,
            expected=f"a {wanted.kind}",
            found=f"a {actual.kind}",
            remedy=mender.replace_table(wanted, actual),
        )
        return
    if wanted.kind in VIEWS:
        yield from _view(wanted, actual, mender)
    else:
        yield from _options(wanted, actual, mender)
        yield from _columns(wanted, actual, rules, mender)
    yield from key_findings(
        wanted, actual, declared=rules.declared, exact=rules.exact, mender=mender
    )
    yield from reference_findings(wanted, actual, exact=rules.exact, mender=mender)
    if rules.exact:
        yield from _triggers(wanted, actual, mender)


def _partitioned_like(wanted: Table, actual: Table) -> Table:
    """Return the table with what models cannot say: partitions, and their columns in each key."""
    there = [key for key in actual.constraints if key.kind in {"primary key", "unique"}]
    return replace(
        wanted,
        kind=actual.kind,
        options=actual.options,
        constraints=tuple(
            replace(key, columns=next((k.columns for k in there if _widens(k, key)), key.columns))
            for key in wanted.constraints
        ),
    )


def _widens(there: Constraint, wanted: Constraint) -> bool:
    return there.kind == wanted.kind and {*wanted.columns} <= {*there.columns}


def _view(wanted: Table, actual: Table, mender: Mender) -> Iterator[Finding]:
    if (wanted.query, wanted.options) != (actual.query, actual.options):
        yield Finding(
            id="view-differs",
            object=wanted.name,
            expected=_shown(wanted),
            found=_shown(actual),
            remedy=mender.replace_table(wanted, actual),
        )


def _shown(view: Table) -> str:
    return " ".join(" ".join([*view.options, view.query]).split())


def _options(wanted: Table, actual: Table, mender: Mender) -> Iterator[Finding]:
    if wanted.options != actual.options:
        yield Finding(
            id="table-differs",
            object=wanted.name,
            expected=", ".join(wanted.options) or "nothing special",
            found=", ".join(actual.options) or "nothing special",
            remedy=mender.set_options(wanted, actual),
        )


# Columns


def _columns(wanted: Table, actual: Table, rules: Rules, mender: Mender) -> Iterator[Finding]:
    there = {column.name: column for column in actual.columns}
    known = {column.name for column in wanted.columns}
    missing = [column for column in wanted.columns if column.name not in there]
    extra = [column for column in actual.columns if column.name not in known]
    # One for one, it may be the same by another name, with rows that adding would not bring back.
    is_rename = len(missing) == len(extra) == 1 and missing[0].type == extra[0].type
    renaming = mender.rename_column(wanted, extra[0], missing[0]) if is_rename else ""
    for column in wanted.columns:
        if column.name in there:
            yield from _column(
                wanted, actual, column, there[column.name], rules=rules, mender=mender
            )
        else:
            yield Finding(
                id="column-missing",
                object=f"{wanted.name}.{column.name}",
                expected=_described(column),
                found=NOTHING,
                remedy=renaming or mender.add_column(wanted, actual, column),
            )
    for column in extra if rules.exact else ():
        # An insert that does not speak of it may fail.
        blocks = not (column.null or column.db_default or column.generated)
        yield Finding(
            id="column-extra",
            object=f"{wanted.name}.{column.name}",
            expected="no such column",
            found=_described(column),
            remedy=renaming or mender.drop_column(wanted, actual, column),
            severity="error" if blocks else "warning",
        )


def _column(
    table: Table,
    actual: Table,
    wanted: Column,
    there: Column,
    *,
    rules: Rules,
    mender: Mender,
) -> Iterator[Finding]:
    types = {_type(wanted, rules), _type(there, rules)}
    same_type = len(types) == 1 or ("" in types and not rules.exact)  # an outline leaves some out
    facts: list[tuple[str, bool, str, str, Callable[[], str]]] = [
        (
            "type",
            same_type,
            wanted.type or "no type",
            there.type or "no type",
            lambda: mender.set_type(table, actual, wanted),
        ),
        (
            "collation",
            wanted.collation == there.collation,
            wanted.collation or "the usual collation",
            there.collation or "the usual collation",
            lambda: mender.set_type(table, actual, wanted),
        ),
        (
            "generated",
            wanted.generated == there.generated,
            _computed(wanted),
            _computed(there),
            lambda: mender.set_generated(table, actual, wanted),
        ),
    ]
    if not (wanted.generated or there.generated):
        facts += [
            (
                "default",
                wanted.db_default == there.db_default,
                _default(wanted),
                _default(there),
                lambda: mender.set_default(table, actual, wanted, there),
            ),
            (
                "null",
                wanted.null == there.null,
                _null(wanted),
                _null(there),
                lambda: mender.set_null(table, actual, wanted),
            ),
        ]
    for name, agrees, expected, found, remedy in facts:
        if not agrees:
            yield Finding(
                id=f"column-{name}",
                object=f"{table.name}.{wanted.name}",
                expected=expected,
                found=found,
                remedy=remedy(),
            )


def _type(column: Column, rules: Rules) -> str:
    kind = _AROUND_SIGNS.sub(r"\1", column.type)
    return kind if rules.exact else _WIDTHS.get(kind, kind)


def _described(column: Column) -> str:
    parts = [column.type, "" if column.null else "NOT NULL"]
    if column.generated:
        parts.append(_computed(column))
    elif column.db_default:
        parts.append(_default(column))
    return f"a column {' '.join(filter(None, parts))}".strip()


def _computed(column: Column) -> str:
    return f"generated as {column.generated}" if column.generated else "not generated"


def _default(column: Column) -> str:
    if column.db_default == IDENTITY:
        return "a number that the database gives out (identity)"
    return f"default {column.db_default}" if column.db_default else "no default"


def _null(column: Column) -> str:
    return "NULL" if column.null else "NOT NULL"


# Triggers


def _triggers(wanted: Table, actual: Table, mender: Mender) -> Iterator[Finding]:
    there = {trigger.name: trigger for trigger in actual.triggers}
    known = {trigger.name: trigger for trigger in wanted.triggers}
    for name, trigger in sorted({**there, **known}.items()):
        object_name = f"{wanted.name}.{name}"
        if name not in there:
            yield Finding(
                "trigger-missing",
                object_name,
                expected=_acting(trigger),
                found=NOTHING,
                remedy=mender.create_trigger(wanted, trigger),
            )
        elif name in known:
            yield from _trigger(object_name, wanted, trigger, there[name], mender)
        elif not trigger.action:
            yield _guards_disabled(object_name, wanted, mender)
        else:
            yield Finding(
                "trigger-extra",
                object_name,
                expected="no such trigger",
                found=_acting(trigger),
                remedy=mender.drop_trigger(wanted, trigger),
            )


def _trigger(
    object_name: str, table: Table, wanted: Trigger, there: Trigger, mender: Mender
) -> Iterator[Finding]:
    if wanted.action != there.action:
        yield Finding(
            "trigger-differs",
            object_name,
            expected=_acting(wanted),
            found=_acting(there),
            remedy=mender.replace_trigger(table, wanted),
        )
    elif wanted.firing != there.firing:
        yield Finding(
            "trigger-disabled",
            object_name,
            expected=_firing(wanted),
            found=_firing(there),
            remedy=mender.enable_trigger(table, wanted),
        )


def _guards_disabled(object_name: str, table: Table, mender: Mender) -> Finding:
    return Finding(
        "trigger-disabled",
        object_name,
        expected="a constraint that the database guards",
        found="its triggers disabled, so that no row is checked",
        remedy=mender.enable_all_triggers(table),
    )


def _acting(trigger: Trigger) -> str:
    return " ".join(trigger.action.split())


def _firing(trigger: Trigger) -> str:
    words = {
        "": "enabled",
        "disabled": "disabled",
        "replica": "enabled in replicas alone",
        "always": "enabled always",
    }
    return words[trigger.firing]
