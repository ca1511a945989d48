"""Compares the live database with what is expected of it, as far as a project wants to know."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from django.apps import apps
from django.conf import settings

from schematools.diff import Rules, compare
from schematools.drift import MigrationHistory, MigrationKey
from schematools.expected import Expectation
from schematools.findings import Finding
from schematools.model import Schema
from schematools.models import MigrationHash
from schematools.outlines import outline
from schematools.registry import options

WITHOUT_REMEDY = (
    "python manage.py sqlmigrate shows the SQL of a migration: run the part that is due"
)


@dataclass(frozen=True, slots=True)
class Scope:
    """What of a database is looked at: not what is hidden, nor apps that nobody ever migrated."""

    hidden: Sequence[str] = ()
    never_migrated: frozenset[str] = frozenset()


def live_findings(
    expectation: Expectation, found: Schema, history: MigrationHistory, scope: Scope
) -> Iterator[Finding]:
    expected = expectation.schema
    if not expectation.spelt_alike:
        expected, found = outline(expected), outline(found)
    unmade = {
        options(model).db_table
        for model in apps.get_models(include_auto_created=True)
        if options(model).app_label in scope.never_migrated
    }
    rules = Rules(
        declared=expectation.declared,
        known=frozenset({*_known(), *unmade}),
        exact=expectation.exact,
    )
    hidden = (*scope.hidden, *unmade)
    coming = dict(_coming(history.unapplied))
    differing = compare(_without(expected, hidden), _without(found, hidden), rules)
    for finding in differing:
        if finding.id in {"table-extra", "column-extra"} and finding.object in coming:
            yield _half_applied(finding, coming[finding.object])
        else:
            yield finding if finding.remedy else replace(finding, remedy=WITHOUT_REMEDY)


def _half_applied(finding: Finding, migration: MigrationKey) -> Finding:
    """Return the finding with the way forward, since dropping would lose what is to be kept."""
    name = ".".join(migration)
    return replace(
        finding,
        expected=f"{finding.expected.partition(',')[0]} before {name} is applied",
        remedy=(
            f"python manage.py sqlmigrate {' '.join(migration)}; if all that it shows is there: "
            f"python manage.py migrate --fake {' '.join(migration)}"
        ),
        severity="error",
    )


def _coming(unapplied: Sequence[MigrationKey]) -> Iterator[tuple[str, MigrationKey]]:
    """Yield the tables and columns that models speak of, with what of their app is unapplied."""
    first: dict[str, MigrationKey] = {}
    for migration in unapplied:
        first.setdefault(migration[0], migration)
    for model in apps.get_models(include_auto_created=True):
        meta = options(model)
        if meta.app_label in first:
            yield meta.db_table, first[meta.app_label]
            for field in meta.local_concrete_fields:
                yield f"{meta.db_table}.{field.column}", first[meta.app_label]


def _without(schema: Schema, patterns: Sequence[str]) -> Schema:
    return replace(
        schema,
        tables=tuple(
            table
            for table in schema.tables
            if not any(fnmatchcase(table.name, pattern) for pattern in patterns)
        ),
    )


def _known() -> Iterator[str]:
    """Yield the tables that no migration needs to make."""
    yield options(MigrationHash).db_table
    for model in apps.get_models(include_auto_created=True):
        if not options(model).managed:
            yield options(model).db_table
    for cache in settings.CACHES.values():
        if cache.get("BACKEND", "").endswith("DatabaseCache"):
            yield cache.get("LOCATION", "")
