"""Deleting and restoring trees of rows by marks, with a fixed number of statements per table.

The tree is the one that ``on_delete=CASCADE`` spans over soft-deleted models. Rows of other
models (memberships, sessions) stay where they are: they mean nothing while what they belong to
is deleted, and are whole again after a restore.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Self, TypeVar
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import IntegrityError, connections, models, router, transaction
from django.db.models import CASCADE, PROTECT, RESTRICT, ForeignKey, ProtectedError, Q, QuerySet
from django.db.models.deletion import RestrictedError
from django.utils import timezone

from core import audit
from core.errors import ConflictError
from core.ids import uuid7
from core.rows import all_rows, single_table

DELETION_FIELDS = frozenset({"is_deleted", "deleted_at", "deletion_id"})

M = TypeVar("M", bound=models.Model)
Deleted = tuple[int, dict[str, int]]


class SoftDeleteQuerySet(QuerySet[M]):
    """Sees deleted rows too; whatever serves people says ``alive()``."""

    def alive(self) -> Self:
        return self.filter(is_deleted=False)

    def deleted(self) -> Self:
        return self.filter(is_deleted=True)

    def delete(self) -> Deleted:
        """Soft-delete the rows and their trees under one ``deletion_id``."""
        return soft_delete_tree(self)

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]

    def restore(self) -> Deleted:
        """Bring back the deleted rows and what their deletes took along."""
        return restore_tree(self)

    restore.alters_data = True  # type: ignore[attr-defined]

    async def arestore(self) -> Deleted:
        return await sync_to_async(self.restore)()

    arestore.alters_data = True  # type: ignore[attr-defined]

    def hard_delete(self) -> Deleted:
        """Remove the rows, and everything that cascades from them, for good."""
        return hard_delete(self)

    hard_delete.alters_data = True  # type: ignore[attr-defined]


def soft_delete_tree(roots: QuerySet[Any]) -> Deleted:
    """Mark ``roots`` and their trees deleted; answer (total, rows by model label).

    One transaction; one UPDATE and one audit INSERT a table. Rows that are deleted already keep
    their marks. Raise ``ProtectedError`` or ``RestrictedError``, and delete nothing, when a
    live row points at one of them with PROTECT or RESTRICT.
    """
    using = router.db_for_write(roots.model)
    deletion_id = uuid7()
    marks = {"is_deleted": True, "deleted_at": timezone.now(), "deletion_id": deletion_id}
    counts: Counter[type[models.Model]] = Counter()
    with transaction.atomic(using=using):
        counts[roots.model] = (
            single_table(roots.using(using)).filter(is_deleted=False).update(**marks)
        )
        for model, relations in levels(roots.model):
            condition = Q()
            for relation in relations:
                parents = _marked(relation.related_model, using, deletion_id)
                condition |= Q(**{f"{relation.name}__in": parents.values("pk")})
            # A table that refers to itself may need one round a level.
            while (
                found := all_rows(model, using).filter(condition, is_deleted=False).update(**marks)
            ):
                counts[model] += found
                if not any(relation.related_model is model for relation in relations):
                    break
        for model, count in counts.items():
            if count:
                _refuse_protected(model, using, deletion_id)
                if audit.spec_of(model):
                    audit.record_deleted(model, deletion_id=deletion_id, using=using)
    return _result(counts)


def restore_tree(roots: QuerySet[Any]) -> Deleted:
    """Unmark the deleted rows among ``roots`` and what the same deletes took along with them.

    Raise ``ConflictError``, and restore nothing, when a live row has taken the place of one of
    them, when one belongs to a row that stays deleted, or when its model says by
    ``never_restored`` (a ``Q``) that there is nothing left of it to bring back.
    """
    using = router.db_for_write(roots.model)
    unmarked = {"is_deleted": False, "deleted_at": None, "deletion_id": None}
    counts: Counter[type[models.Model]] = Counter()
    try:
        with transaction.atomic(using=using):
            chosen = single_table(roots.using(using)).filter(is_deleted=True)
            locked = dict(chosen.select_for_update().values_list("pk", "deletion_id"))
            if not locked:
                return 0, {}
            if connections[using].features.has_select_for_update:
                chosen = all_rows(roots.model, using).filter(pk__in=list(locked))
            _refuse_finished(chosen)
            _refuse_orphans(chosen)
            counts[roots.model] = _restore_rows(chosen, unmarked)
            deletions = set(locked.values())
            for model, relations in levels(roots.model):
                rows = all_rows(model, using).filter(is_deleted=True, deletion_id__in=deletions)
                for parent in _parents(model):
                    rows = rows.exclude(**{f"{parent.name}__is_deleted": True})
                while restored := _restore_rows(rows, unmarked):
                    counts[model] += restored
                    if not any(relation.related_model is model for relation in relations):
                        break
    except IntegrityError as error:
        raise ConflictError(
            f"A live {roots.model._meta.verbose_name} has taken the place of one that is to be "
            "restored. Rename or delete the live one first."
        ) from error
    return _result(counts)


def hard_delete(rows: QuerySet[Any]) -> Deleted:
    """Remove ``rows`` as Django's own delete does, and record each of them."""
    using = router.db_for_write(rows.model)
    with transaction.atomic(using=using):
        if audit.spec_of(rows.model):
            audit.record_rows(rows.using(using), action="hard_delete")
        return QuerySet.delete(rows.using(using))


def _restore_rows(rows: QuerySet[Any], unmarked: dict[str, Any]) -> int:
    if audit.spec_of(rows.model):
        audit.record_rows(rows, action="restore")
    return rows.update(**unmarked)


def _marked(model: type[models.Model], using: str, deletion_id: UUID) -> QuerySet[Any]:
    # is_deleted is said too: the partial index on deletion_id covers deleted rows only.
    return all_rows(model, using).filter(is_deleted=True, deletion_id=deletion_id)


def is_soft_deleted(model: type[models.Model]) -> bool:
    return any(field.name == "deletion_id" for field in model._meta.concrete_fields)


def pointing_at(model: type[models.Model]) -> Iterator[ForeignKey[Any, Any]]:
    """Foreign keys of all installed models that refer to ``model``."""
    for relation in model._meta.related_objects:
        if isinstance(relation.field, ForeignKey) and relation.related_model._meta.managed:
            yield relation.field


def _parents(model: type[models.Model]) -> list[ForeignKey[Any, Any]]:
    """The keys through which a delete of another row takes rows of ``model`` along."""
    if not is_soft_deleted(model):
        return []
    return [
        field
        for field in model._meta.concrete_fields
        if isinstance(field, ForeignKey)
        and field.remote_field.on_delete is CASCADE
        and is_soft_deleted(field.related_model)
    ]


def levels(
    root: type[models.Model],
) -> list[tuple[type[models.Model], list[ForeignKey[Any, Any]]]]:
    """Soft-deleted models below ``root``, parents first, each with its keys into the tree."""
    reached = {root}
    frontier = [root]
    while frontier:
        children = {
            field.model
            for model in frontier
            for field in pointing_at(model)
            if field in _parents(field.model)
        }
        frontier = sorted(children - reached, key=lambda model: model._meta.label)
        reached.update(frontier)
    keys = {
        model: [field for field in _parents(model) if field.related_model in reached]
        for model in reached
    }
    ordered: list[type[models.Model]] = []
    remaining = sorted(reached, key=lambda model: model._meta.label)
    while remaining:
        ready = [
            model
            for model in remaining
            if model is root
            or all(
                key.related_model in ordered or key.related_model is model for key in keys[model]
            )
        ]
        # A cycle of tables has no order; take the first and let its own keys do the rest.
        ordered.append((ready or remaining)[0])
        remaining.remove(ordered[-1])
    return [
        (model, keys[model])
        for model in ordered
        if keys[model] and (model is not root or root in {k.related_model for k in keys[root]})
    ]


def _refuse_protected(model: type[models.Model], using: str, deletion_id: UUID) -> None:
    """Raise when rows point with PROTECT or RESTRICT at rows of ``model`` just marked.

    A protecting row that the same delete took along protects all the same, a restricting one
    does not, as in Django.
    """
    for field in pointing_at(model):
        on_delete = field.remote_field.on_delete
        if on_delete not in (PROTECT, RESTRICT):
            continue
        targets = _marked(model, using, deletion_id).values("pk")
        rows = all_rows(field.model, using).filter(**{f"{field.name}__in": targets})
        if is_soft_deleted(field.model):
            taken_along = Q(deletion_id=deletion_id) if on_delete is PROTECT else Q()
            rows = rows.filter(Q(is_deleted=False) | taken_along)
        blockers = set(rows[:10])
        if blockers:
            blocking = field.model._meta
            message = (
                f"{model._meta.verbose_name} cannot be deleted: {blocking.verbose_name_plural} "
                f"refer to it through {blocking.object_name}.{field.name}."
            )
            error = ProtectedError if on_delete is PROTECT else RestrictedError
            raise error(message, blockers)


def _refuse_finished(rows: QuerySet[Any]) -> None:
    finished = getattr(rows.model, "never_restored", None)
    one = rows.filter(finished).first() if finished is not None else None
    if one is not None:
        raise ConflictError(
            f"{one} cannot be restored: what was in this {rows.model._meta.verbose_name} is gone "
            "for good."
        )


def _refuse_orphans(rows: QuerySet[Any]) -> None:
    for parent in _parents(rows.model):
        if parent.related_model is rows.model:
            continue
        orphans = rows.filter(**{f"{parent.name}__is_deleted": True})
        orphan = orphans.select_related(parent.name).first()
        if orphan is not None:
            raise ConflictError(
                f"{orphan} belongs to a deleted {parent.related_model._meta.verbose_name}, "
                f"{getattr(orphan, parent.name)}. Restore that first.",
                field=parent.name,
            )


def _result(counts: Counter[type[models.Model]]) -> Deleted:
    by_label = {model._meta.label: count for model, count in counts.items() if count}
    return sum(by_label.values()), by_label
