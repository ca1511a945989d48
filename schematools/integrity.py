"""Holds the live rows to every rule of models and database, whether or not it is enforced.

All rules of one table that look at its rows alone share a query, every other rule has one, and a
rule that is broken one more, for the first keys. The ids of findings are stable:

==========================  ========  ===========================================================
``check-violated``          error     a check constraint, or a field's own check, is false
``column-missing``          error     the table is not as its model: nothing else is asked of it
``duplicate-value``         error     values that have to be unique are there more than once
``null-in-required``        error     NULL where the model has none; the column does not refuse it
``orphaned-reference``      error     a foreign key leads to no row
``table-missing``           error     a model has no table
``generic-model-unknown``   warning   a generic key names a model that is not installed
``generic-orphan``          warning   a generic key leads to no row
``live-child-of-deleted``   warning   a live row belongs to one that is marked deleted
``value-too-long``          warning   a text that SQLite took and PostgreSQL will not
``choice-unknown``          info      a value is not among the field's choices
``required-text-empty``     info      an empty text where forms ask for one
==========================  ========  ===========================================================
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

from django.apps import apps
from django.db import DatabaseError, OperationalError, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model

from schematools.apps import SchematoolsConfig
from schematools.catalog import read_database
from schematools.errors import CannotRunError
from schematools.findings import Finding
from schematools.integrity_catalog import catalog_rules
from schematools.integrity_generic import generic_keys, generic_rules
from schematools.integrity_models import Step, Subject, Unchecked, columns_missing, model_rules
from schematools.integrity_rules import (
    Place,
    RowRule,
    Sql,
    UniqueRule,
    counted,
    plain_name,
    quoted,
)
from schematools.lint_tables import STORED
from schematools.model import GenericKey, Table
from schematools.progress import Progress, in_silence
from schematools.read_only import DEFAULT_LIMITS, Limits, apart, is_over_limit, snapshot
from schematools.registry import options
from schematools.suggestions import did_you_mean

AnyModel = type[Model]
Job = tuple[str, Callable[[], object]]

IDS = (
    "check-violated",
    "choice-unknown",
    "column-missing",
    "duplicate-value",
    "generic-model-unknown",
    "generic-orphan",
    "live-child-of-deleted",
    "null-in-required",
    "orphaned-reference",
    "required-text-empty",
    "table-missing",
    "value-too-long",
)
AT_ONCE = 40  # rules in one query
PARAMS_AT_ONCE = 800  # values in one query; old SQLite takes 999


@dataclass(slots=True)
class Outcome:
    """What was found, how much was asked, and what could not be."""

    findings: list[Finding] = field(default_factory=list)
    rules: int = 0
    tables: int = 0
    unchecked: list[Unchecked] = field(default_factory=list)


def find_violations(
    connection: BaseDatabaseWrapper,
    *,
    models: Iterable[AnyModel] | None = None,
    tables: Iterable[str] = (),
    sample: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
    progress: Progress = in_silence,
) -> Outcome:
    """Return what rows of the connection's database break, in one moment of it, read-only.

    Without ``models`` it is those of all installed apps, and the tables that have no model.
    ``tables`` are names, models or patterns that leave out the rest. ``sample`` is how many rows
    of each table to look at, the last by their primary keys. Raise ``CannotRunError`` for a name
    that is not known, for a database without tables, and when a limit is over.
    """
    outcome = Outcome()
    with snapshot(connection, limits):
        there = {table.name: table for table in read_database(connection).tables}
        if not any(table.kind in STORED for table in there.values()):
            raise CannotRunError(
                f"The database {connection.alias!r} has no tables. Run 'python manage.py migrate'."
            )
        chosen = list(_subjects(connection, there, models, list(tables), outcome))
        run = _Run(connection, sample, outcome)
        outcome.tables = len({subject.table.name for subject in chosen})
        jobs: list[Job] = [job for subject in chosen for job in run.jobs(subject)]
        for position, (title, work) in enumerate(jobs):
            progress(position, len(jobs), title)
            work()
        progress(len(jobs), len(jobs), "")
    return outcome


# Which tables


def _subjects(
    connection: BaseDatabaseWrapper,
    there: dict[str, Table],
    models: Iterable[AnyModel] | None,
    patterns: Sequence[str],
    outcome: Outcome,
) -> Iterator[Subject]:
    """Yield each table with a model of it, and one that stands for none where there is none."""
    by_table: dict[str, list[AnyModel]] = {}
    for model in installed_models() if models is None else models:
        if not options(model).proxy and router.allow_migrate_model(connection.alias, model):
            by_table.setdefault(plain_name(options(model).db_table), []).append(model)
    names = {*by_table, *there} if models is None else set(by_table)
    labels = {name: [options(model).label for model in by_table.get(name, ())] for name in names}
    for name in sorted(_matching(labels, patterns)):
        table = there.get(name)
        for model in by_table.get(name, [Model]):
            problem = _unlike(model, table, connection)
            if problem:
                outcome.findings.append(problem)
            elif table is not None and table.kind in STORED:
                source = quoted(name if model is Model else options(model).db_table, connection)
                place = _place(table, source, connection)
                yield Subject(model, table, place, there, connection)


def installed_models(app_labels: Iterable[str] = ()) -> list[AnyModel]:
    """Return the models that have tables, of these apps or of all.

    Raise ``CannotRunError`` for an app that is not installed.
    """
    labels = [config.label for config in apps.get_app_configs()]
    chosen = list(app_labels)
    for label in chosen:
        if label not in labels:
            raise CannotRunError(f"There is no app {label!r}. {did_you_mean(label, labels)}")
    return [
        model
        for model in apps.get_models(include_auto_created=True)
        # The toolkit's own model is a permission and has no table.
        if options(model).app_label in (chosen or labels)
        and options(model).app_label != SchematoolsConfig.name
    ]


def _matching(labels: dict[str, list[str]], patterns: Sequence[str]) -> set[str]:
    if not patterns:
        return set(labels)
    found: set[str] = set()
    for pattern in patterns:
        names = {
            name
            for name, models in labels.items()
            if any(fnmatchcase(text, pattern) for text in (name, *models))
        }
        if not names:
            raise CannotRunError(f"No table is {pattern!r}. {did_you_mean(pattern, labels)}")
        found |= names
    return found


def _unlike(
    model: AnyModel, table: Table | None, connection: BaseDatabaseWrapper
) -> Finding | None:
    """Return what keeps a model's table from being asked; nobody migrates an unmanaged one."""
    if model is Model:
        return None
    meta = options(model)
    remedy = f"python manage.py migrate {meta.app_label} --database {connection.alias}"
    if table is None:
        if not meta.managed:
            return None
        return Finding(
            "table-missing", plain_name(meta.db_table), f"the table of {meta.label}", "none", remedy
        )
    if missing := columns_missing(model, table, connection):
        columns = ", ".join(missing)
        return Finding(
            "column-missing", table.name, f"all columns of {meta.label}", f"no {columns}", remedy
        )
    return None


def _place(table: Table, source: str, connection: BaseDatabaseWrapper) -> Place:
    labels = table.primary_key or (("ctid",) if connection.vendor == "postgresql" else ("rowid",))
    key = tuple(quoted(name, connection) if table.primary_key else name for name in labels)
    return Place(table.name, source, key, labels)


# Asking


class _Run:
    """Asks the rules of tables, some together, and notes what breaks them."""

    def __init__(
        self, connection: BaseDatabaseWrapper, sample: int | None, outcome: Outcome
    ) -> None:
        self.connection = connection
        self.sample = sample
        self.outcome = outcome
        self.asked: set[tuple[str, str]] = set()

    def jobs(self, subject: Subject) -> Iterator[Job]:
        """Yield what is to be done about one table, each with a title for people."""
        has_model = subject.model is not Model
        steps = list(model_rules(subject)) if has_model else []
        steps += catalog_rules(subject, [step for step in steps if isinstance(step, RowRule)])
        new = list(self._new(steps))
        self.asked.update((rule.id, rule.object) for rule in new)
        self.outcome.unchecked += [step for step in steps if isinstance(step, Unchecked)]
        self.outcome.rules += len(new)
        rules = [rule for rule in new if isinstance(rule, RowRule)]
        for batch in _batches([rule for rule in rules if not rule.alone]):
            yield subject.table.name, partial(self._rows, batch)
        for rule in rules:
            if rule.alone:
                yield rule.object, partial(self._rows, [rule])
        for unique in new:
            if isinstance(unique, UniqueRule):
                yield unique.object, partial(self._values, unique)
        for key in generic_keys(subject) if has_model else ():
            yield subject.named(key.name), partial(self._generic, subject, key)

    def _new(self, steps: Iterable[Step]) -> Iterator[RowRule | UniqueRule]:
        """Yield the rules that another model of the same table has not brought already."""
        for step in steps:
            if not isinstance(step, Unchecked) and (step.id, step.object) not in self.asked:
                yield step

    def _rows(self, rules: Sequence[RowRule]) -> None:
        counts = self._fetch(counted(rules, self.sample), [rule.object for rule in rules])
        if counts is None:
            if len(rules) > 1:
                for rule in rules:
                    self._rows([rule])
            return
        for rule, rows in zip(rules, counts[0], strict=True):
            if rows:
                keys = self._fetch(rule.first(self.sample), [rule.object])
                self.outcome.findings.append(rule.violation(rows, keys or ()))

    def _values(self, rule: UniqueRule) -> None:
        groups = self._fetch(rule.first(self.sample), [rule.object])
        if groups:
            self.outcome.findings.append(rule.violation(groups))

    def _generic(self, subject: Subject, key: GenericKey) -> None:
        name = subject.named(key.name)
        for step in generic_rules(subject, key, lambda sql: self._fetch(sql, [name]) or ()):
            if isinstance(step, RowRule):
                self.outcome.rules += 1
                self._rows([step])
            elif isinstance(step, Unchecked):
                self.outcome.unchecked.append(step)

    def _fetch(self, sql: Sql, objects: Sequence[str]) -> Sequence[Sequence[Any]] | None:
        """Return the rows; nothing, and a note of it, when the database cannot answer this."""
        try:
            with apart(self.connection), self.connection.cursor() as cursor:
                cursor.execute(sql.text, sql.params)
                return list(cursor.fetchall())
        except DatabaseError as error:
            is_lost = isinstance(error, OperationalError) and self.connection.vendor != "sqlite"
            if is_lost or is_over_limit(error):
                raise
            if len(objects) == 1:
                reason, *_ = str(error).splitlines()
                self.outcome.unchecked.append(Unchecked(objects[0], reason))
            return None


def _batches(rules: Sequence[RowRule]) -> Iterator[list[RowRule]]:
    batch: list[RowRule] = []
    params = 0
    for rule in rules:
        params += len(rule.broken.params)
        if batch and (len(batch) == AT_ONCE or params > PARAMS_AT_ONCE):
            yield batch
            batch, params = [], len(rule.broken.params)
        batch.append(rule)
    if batch:
        yield batch
