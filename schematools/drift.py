"""Compares what a project should be with what it is, and says in findings where they differ.

The ids of findings are stable, so that scripts can rely on them:

==============================  ==================================================================
``model-not-migrated``          a model was changed and no migration says so
``migration-unapplied``         a migration has not been applied to the database
``migration-file-missing``      the database has a migration whose file is gone
``migration-edited``            a migration's file was edited after it was applied
``migration-half-replaced``     some of what a squashed migration replaces was applied, not all
``migration-conflict``          an app has several latest migrations
``migration-history-broken``    a migration was applied before one that it depends on
``migration-graph-broken``      the migration files cannot be put in order
``table-missing``               a migration makes a table that is not there
``table-extra``                 no migration makes a table that is there
``table-differs``               another kind of table, or one with other options
``column-missing``              the same of columns
``column-extra``                …
``column-type``                 another type, length or precision
``column-null``                 NULL where NOT NULL is expected, or the other way round
``column-default``              another default of the database's, or none, or one left over
``column-collation``            another order of texts
``column-generated``            another expression that a column is computed by
``index-missing``               an index that is not there
``index-extra``                 an index that no migration makes
``index-differs``               other columns, order, condition, method or uniqueness
``index-invalid``               an index that a failed concurrent build left behind
``index-renamed``               the same index by another name than the model declares
``constraint-missing``          a primary key, or a unique, check or exclusion constraint
``constraint-extra``            …
``constraint-differs``          …
``constraint-renamed``          …
``constraint-not-valid``        a constraint or foreign key that old rows were not checked for
``foreign-key-missing``         a foreign key that the database does not have
``foreign-key-extra``           …
``foreign-key-differs``         another target, deferrability or reaction to deletions
``trigger-missing``             a trigger that is not there
``trigger-extra``               …
``trigger-differs``             another event, condition or function
``trigger-disabled``            a trigger that does not fire, or a foreign key whose do not
``view-missing``                a view that is not there
``view-extra``                  …
``view-differs``                a view that shows something else
``sequence-behind``             the next number that a sequence gives is taken
``docs-missing``                a page that the models call for does not exist
``docs-stale``                  a page, or a block in one, is not what the models say
``docs-orphaned``               a generated page belongs to nothing any more
==============================  ==================================================================
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from schematools.files import ChangeKind
from schematools.findings import Finding

MigrationKey = tuple[str, str]

_MISSING_EXTRA_DIFFERS = ("missing", "extra", "differs")
IDS = frozenset(
    f"{start}-{end}"
    for start, ends in {
        "model": ("not-migrated",),
        "migration": (
            *("unapplied", "file-missing", "edited", "half-replaced", "conflict"),
            *("history-broken", "graph-broken"),
        ),
        "table": _MISSING_EXTRA_DIFFERS,
        "column": ("missing", "extra", "type", "null", "default", "collation", "generated"),
        "index": (*_MISSING_EXTRA_DIFFERS, "invalid", "renamed"),
        "constraint": (*_MISSING_EXTRA_DIFFERS, "renamed", "not-valid"),
        "foreign-key": _MISSING_EXTRA_DIFFERS,
        "trigger": (*_MISSING_EXTRA_DIFFERS, "disabled"),
        "view": _MISSING_EXTRA_DIFFERS,
        "sequence": ("behind",),
        "docs": ("missing", "stale", "orphaned"),
    }.items()
    for end in ends
)


@dataclass(frozen=True, slots=True)
class MissingOperation:
    """A change of a model that no migration makes yet; ``object`` is its full name."""

    app: str
    object: str
    description: str


@dataclass(frozen=True, slots=True)
class MigrationHistory:
    """Migrations as their files order them, and as the database has them.

    ``parents`` holds every migration in an order in which they can be applied, with those each
    depends on; ``applied`` counts a squashed migration as applied when all it replaces are;
    ``explained`` are records for which there is a file, or that a squashed migration replaces;
    ``leaves`` are the latest migrations of each app; ``half_replaced`` are squashed migrations
    with those they replace that were applied, and those that were not.
    """

    parents: Mapping[MigrationKey, Sequence[MigrationKey]]
    applied: frozenset[MigrationKey]
    recorded: frozenset[MigrationKey]
    explained: frozenset[MigrationKey]
    leaves: Mapping[str, Sequence[str]]
    half_replaced: Mapping[MigrationKey, tuple[Sequence[MigrationKey], Sequence[MigrationKey]]] = (
        field(default_factory=dict)
    )

    @property
    def unapplied(self) -> tuple[MigrationKey, ...]:
        """The migrations that are still to be applied, in order."""
        return tuple(migration for migration in self.parents if migration not in self.applied)

    @property
    def conflicts(self) -> dict[str, list[str]]:
        """The apps with several latest migrations, and those."""
        return {app: sorted(names) for app, names in self.leaves.items() if len(names) > 1}


def missing_operations(operations: Sequence[MissingOperation]) -> Iterator[Finding]:
    """Yield a finding for each operation that ``makemigrations`` would write."""
    for operation in operations:
        yield Finding(
            id="model-not-migrated",
            object=operation.object,
            expected=f"a migration that does this: {operation.description}",
            found="none",
            remedy=f"python manage.py makemigrations {operation.app}",
        )


def page_findings(changes: Sequence[tuple[ChangeKind, str]]) -> Iterator[Finding]:
    """Yield a finding for each page, given by what is wrong with it and its path."""
    sentences = {
        "missing": ("a page", "none"),
        "stale": ("what the models say", "something else"),
        "orphaned": ("no page, since its module is gone", "a generated page"),
    }
    for kind, path in changes:
        expected, found = sentences[kind]
        yield Finding(
            id=f"docs-{kind}",
            object=path,
            expected=expected,
            found=found,
            remedy="python manage.py generate_erd",
        )


def history_findings(history: MigrationHistory) -> Iterator[Finding]:
    """Yield what is wrong with the database's record of migrations, or with their files."""
    yield from _conflicts(history)
    yield from _applied_too_early(history)
    yield from _files_missing(history)
    yield from _half_replaced(history)
    yield from _unapplied(history)


def _conflicts(history: MigrationHistory) -> Iterator[Finding]:
    for app, names in sorted(history.conflicts.items()):
        yield Finding(
            id="migration-conflict",
            object=app,
            expected="one latest migration",
            found=", ".join(names),
            remedy=f"python manage.py makemigrations --merge {app}",
        )


def _applied_too_early(history: MigrationHistory) -> Iterator[Finding]:
    for migration, parents in history.parents.items():
        missing = [parent for parent in parents if parent not in history.applied]
        if migration in history.applied and missing:
            yield Finding(
                id="migration-history-broken",
                object=_name(migration),
                expected=f"applied after {_names(missing)}",
                found="applied before",
                remedy=(
                    f"check that the tables of {_name(missing[0])} exist, then record it: "
                    f"python manage.py migrate --fake {' '.join(missing[0])}"
                ),
            )


def _files_missing(history: MigrationHistory) -> Iterator[Finding]:
    for app, name in sorted(history.recorded - history.explained):
        if app in history.leaves:
            yield Finding(
                id="migration-file-missing",
                object=f"{app}.{name}",
                expected="a file, since it was applied",
                found="no file",
                remedy=(
                    "restore the file from version control; if it was removed for good: "
                    f"python manage.py migrate --prune {app}"
                ),
            )


def _half_replaced(history: MigrationHistory) -> Iterator[Finding]:
    for migration, (applied, missing) in sorted(history.half_replaced.items()):
        yield Finding(
            id="migration-half-replaced",
            object=_name(migration),
            expected="all that it replaces applied, or nothing of it",
            found=f"{_names(applied)} applied, {_names(missing)} not",
            remedy=f"python manage.py migrate {' '.join(missing[-1])}",
        )


def _unapplied(history: MigrationHistory) -> Iterator[Finding]:
    for migration in history.unapplied:
        yield Finding(
            id="migration-unapplied",
            object=_name(migration),
            expected="applied",
            found="not applied",
            remedy=f"python manage.py migrate {migration[0]}",
        )


def _name(migration: MigrationKey) -> str:
    return ".".join(migration)


def _names(migrations: Sequence[MigrationKey]) -> str:
    return ", ".join(map(_name, migrations))
