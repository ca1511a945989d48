"""Rules that only the database knows, which no model of the project says."""

import re
from collections.abc import Collection, Iterator

from schematools.integrity_models import Step, Subject, Unchecked, check_rule, reference_rule
from schematools.integrity_rules import RowRule, Sql, quoted
from schematools.model import Table

# PostgreSQL spells out the types of literals, and both put parentheses of their own.
_CASTS = re.compile(r"::[a-z_]+( varying)?(\[\])?")


def catalog_rules(subject: Subject, known: Collection[RowRule]) -> Iterator[Step]:
    """Yield the foreign keys and checks of the table that are not among the ``known`` rules.

    The database holds rows to them, unless they were added NOT VALID or switched off meanwhile.
    """
    yield from _references(subject, {rule.object for rule in known})
    yield from _checks(subject, known)


def _references(subject: Subject, known: Collection[str]) -> Iterator[Step]:
    for key in subject.table.foreign_keys:
        name = subject.named(", ".join(key.columns))
        target: Table | None = subject.tables.get(key.target)
        if name in known:
            continue
        if target is None or len(key.columns) != len(key.target_columns):
            yield Unchecked(name, f"the table {key.target} is not in this database")
            continue
        yield reference_rule(subject, key, target, quoted(key.target, subject.connection))


def _checks(subject: Subject, known: Collection[RowRule]) -> Iterator[Step]:
    names = {rule.object for rule in known}
    texts = {_bare(rule.expected) for rule in known}
    for constraint in subject.table.constraints:
        name = subject.named(constraint.name) if constraint.name else subject.table.name
        is_known = name in names or _bare(constraint.expression) in texts
        if constraint.kind == "check" and not is_known:
            rule = Sql(constraint.expression.replace("%", "%%"))
            yield check_rule(subject, name, rule, constraint.expression)


def _bare(text: str) -> str:
    return re.sub(r'[\s()"]', "", _CASTS.sub("", text)).lower()
