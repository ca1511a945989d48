"""Takes migrations apart into steps: what each does to the database, and the models around it."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.migrations import Migration, RunSQL, SeparateDatabaseAndState
from django.db.migrations.operations.base import Operation
from django.db.migrations.operations.models import CreateModel, ModelOperation, RenameModel
from django.db.migrations.state import ModelState, ProjectState

MigrationKey = tuple[str, str]
ModelKey = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Step:
    """One operation on the database.

    ``position`` is that of the migration's own operation that holds it; ``before`` and ``after``
    are the models on either side; ``new`` are those whose tables this release makes, so that they
    have no rows and no readers; ``not_valid`` are constraints that do not bind older rows;
    ``state_operations`` are what the migration says that plain SQL does to the models.
    """

    migration: Migration
    position: int
    operation: Operation
    before: ProjectState
    after: ProjectState
    new: frozenset[ModelKey] = frozenset()
    not_valid: frozenset[str] = frozenset()
    state_operations: tuple[Operation, ...] = ()

    @property
    def app(self) -> str:
        return str(self.migration.app_label)

    @property
    def key(self) -> ModelKey | None:
        """The model that the operation names, as it is called before it."""
        name = _model_name(self.operation)
        return (self.app, name.lower()) if name else None

    @property
    def model(self) -> ModelState | None:
        """The model that the operation names, as it was; or as it is, when it is created."""
        if self.key is None:
            return None
        return self.before.models.get(self.key) or self.after.models.get(self.key)

    @property
    def has_table(self) -> bool:
        """Whether Django keeps the model's table: it keeps none for proxies and views."""
        return self.model is not None and is_managed(self.model)

    @property
    def is_on_existing_table(self) -> bool:
        return self.has_table and self.key not in self.new

    @property
    def table(self) -> str:
        return table_name(self.model) if self.model else ""


def is_a(operation: Operation, *names: str) -> bool:
    """Tell whether the operation is of a class of one of these names, without importing it.

    The operations of ``django.contrib.postgres`` cannot be imported without its driver.
    """
    return any(base.__name__ in names for base in type(operation).__mro__)


def is_managed(model: ModelState) -> bool:
    return bool(model.options.get("managed", True)) and not model.options.get("proxy")


def table_name(model: ModelState) -> str:
    return str(model.options.get("db_table") or f"{model.app_label}_{model.name_lower}")


def steps_by_migration(
    plan: Iterable[Migration], state: ProjectState, *, wanted: Collection[MigrationKey]
) -> Iterator[tuple[Migration, list[Step]]]:
    """Yield the wanted migrations with their steps, in the order of ``plan``.

    ``state`` holds the models before the plan, and is changed to those after it.
    """
    walker = _Walker(state)
    for migration in plan:
        if (migration.app_label, migration.name) in wanted:
            yield migration, walker.steps(migration)
        else:
            walker.skip(migration)


class _Walker:
    """The models as they change from migration to migration."""

    def __init__(self, state: ProjectState) -> None:
        self.state = state
        self.initial: dict[str, set[ModelKey]] = {}
        self.not_valid: set[str] = set()

    def skip(self, migration: Migration) -> None:
        new = self._new_models(migration)
        for operation in migration.operations:
            operation.state_forwards(migration.app_label, self.state)
            for inner in database_operations(operation):
                self._notice(migration.app_label, inner, new)

    def steps(self, migration: Migration) -> list[Step]:
        new = self._new_models(migration)
        steps: list[Step] = []
        for position, operation in enumerate(migration.operations):
            before = self.state.clone()
            operation.state_forwards(migration.app_label, self.state)
            said = _state_operations(operation)
            for inner in database_operations(operation):
                after = before.clone()
                inner.state_forwards(migration.app_label, after)
                self._notice(migration.app_label, inner, new)
                steps.append(
                    Step(
                        migration=migration,
                        position=position,
                        operation=inner,
                        before=before,
                        after=after,
                        new=frozenset(new),
                        not_valid=frozenset(self.not_valid),
                        state_operations=said,
                    )
                )
                before = after
        return steps

    def _new_models(self, migration: Migration) -> set[ModelKey]:
        """Return where to note new tables: initial migrations of an app go together."""
        if migration.initial:
            return self.initial.setdefault(migration.app_label, set())
        return set()

    def _notice(self, app: str, operation: Operation, new: set[ModelKey]) -> None:
        if isinstance(operation, CreateModel):
            new.add((app, operation.name_lower))
        elif isinstance(operation, RenameModel):
            if (app, operation.old_name_lower) in new:
                new.add((app, operation.new_name_lower))
        elif is_a(operation, "AddConstraintNotValid"):
            self.not_valid.add(_attribute(operation, "constraint").name)
        elif is_a(operation, "ValidateConstraint"):
            self.not_valid.discard(_attribute(operation, "name"))


def database_operations(operation: Operation) -> Iterator[Operation]:
    """Yield what an operation does to the database, taken out of its wrapping."""
    if isinstance(operation, SeparateDatabaseAndState):
        for inner in operation.database_operations:
            yield from database_operations(inner)
    else:
        yield operation


def new_models(migrations: Iterable[Migration]) -> Mapping[str, frozenset[ModelKey]]:
    """Return the models whose tables the migrations make, by app."""
    found: dict[str, set[ModelKey]] = {}
    for migration in migrations:
        for operation in migration.operations:
            for inner in database_operations(operation):
                if isinstance(inner, CreateModel):
                    key = (migration.app_label, inner.name_lower)
                    found.setdefault(migration.app_label, set()).add(key)
                elif isinstance(inner, RenameModel):
                    models = found.get(migration.app_label, set())
                    if (migration.app_label, inner.old_name_lower) in models:
                        models.add((migration.app_label, inner.new_name_lower))
    return {app: frozenset(models) for app, models in found.items()}


def _state_operations(operation: Operation) -> tuple[Operation, ...]:
    if isinstance(operation, (SeparateDatabaseAndState, RunSQL)):
        said: Sequence[Operation] = operation.state_operations
        return tuple(said)
    return ()


def _model_name(operation: Operation) -> str:
    if isinstance(operation, RenameModel):
        return operation.old_name
    if isinstance(operation, ModelOperation):
        return operation.name
    return str(getattr(operation, "model_name", None) or "")


def _attribute(operation: Operation, name: str) -> Any:
    return getattr(operation, name)
