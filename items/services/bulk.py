"""Many operations on items in one transaction: all of them, or none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db import transaction

from core import audit
from core.audit_many import record_created, record_many
from core.context import attributed_to
from core.errors import ConflictError, DomainError, NoSuchError
from groups.models import Group
from items.models import Item
from items.services.items import (
    CHANGEABLE,
    check_item,
    lock_holders,
    refuse_adding,
    refuse_stale,
    require,
)
from users.models import User

MOST_OPERATIONS = 500


class Op(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    RESTORE = "restore"


@dataclass(frozen=True, slots=True)
class Operation:
    """``values`` are fields of ``CHANGEABLE``; ``group`` is where to create, the actor's without.

    ``item`` names what to change, and ``version`` the one that the caller read, if they care.
    """

    op: Op
    item: UUID | None = None
    version: int | None = None
    group: UUID | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


class BulkError(DomainError):
    """Nothing was changed; ``errors`` has why, by the position of each operation at fault."""

    code = "bulk_failed"

    def __init__(self, errors: Mapping[int, Exception]) -> None:
        super().__init__(f"{len(errors)} operations failed, so that nothing was changed.")
        self.errors = dict(errors)


@transaction.atomic
def run_operations(*, actor: User, operations: Sequence[Operation | Exception]) -> list[Item]:
    """Do all operations and answer their items, in their order; or do none.

    An exception stands in place of an operation that could not be read: it is at fault as well.

    Each asks what the single operation asks. They do not see one another: an item stands in one
    of them at most. What is locked is locked in one order, so that none of two lists that name
    the same items waits for the other for ever. The number of statements does not follow the
    number of rows, but that SQLite inserts 60 at a time.

    Raise ``BulkError`` with every operation at fault: ``Item.DoesNotExist`` where the actor may
    not see the item, else what the single operation raises.
    """
    batch = _Batch(actor, operations)
    batch.check()
    batch.write()
    return batch.items


class _Batch:
    def __init__(self, actor: User, given: Sequence[Operation | Exception]) -> None:
        self.actor = actor
        self.given = given
        self.operations = [one for one in given if isinstance(one, Operation)]
        self.items: list[Item] = []
        self.chosen: dict[Op, list[Item]] = {op: [] for op in Op}
        self.before: dict[UUID, Mapping[str, audit.Leaf]] = {}

    # --- Reading, locking, refusing -------------------------------------------------------------

    def check(self) -> None:
        """Lock what is concerned and find what each operation comes to; refuse them together."""
        named = Counter(one.item for one in self.operations if one.item)
        self._lock(list(named))
        prepare: Mapping[Op, Callable[[Operation], Item]] = {
            Op.CREATE: self._created,
            Op.UPDATE: self._updated,
            Op.DELETE: self._deleted,
            Op.RESTORE: self._restored,
        }
        errors: dict[int, Exception] = {}
        for index, one in enumerate(self.given):
            if isinstance(one, Exception):
                errors[index] = one
                continue
            if one.item and named[one.item] > 1:
                message = "The item stands in more than one operation."
                errors[index] = DomainError(message, field="id")
                continue
            try:
                self.items.append(prepare[one.op](one))
            except (DomainError, ValidationError, ObjectDoesNotExist) as error:
                errors[index] = error
        if errors:
            raise BulkError(errors)

    def _lock(self, keys: list[UUID]) -> None:
        """People, then groups, then items, each in the order of their keys."""
        actor = self.actor
        rows = Item.objects.visible_to(actor).filter(pk__in=keys)
        self.holders = {
            pk: (owner, group)
            for pk, owner, group in rows.order_by().values_list("pk", "owner_id", "group_id")
        }
        restored = [
            self.holders[one.item]
            for one in self.operations
            if one.op is Op.RESTORE and one.item in self.holders
        ]
        creating = [one for one in self.operations if one.op is Op.CREATE]
        wanted = {one.group for one in creating if one.group}
        seen = Group.objects.alive().visible_to(actor).filter(pk__in=wanted)
        visible = set(seen.order_by().values_list("pk", flat=True))
        self.groups = lock_holders(
            owners=[
                *(owner for owner, _group in restored),
                *(actor.pk for one in creating if one.group is None),
            ],
            groups=[*(group for _owner, group in restored), *visible],
        )
        self.visible = {pk for pk in visible if pk in self.groups}
        locked = Item.objects.filter(pk__in=list(self.holders)).select_for_update(of=("self",))
        self.locked = {
            item.pk: item for item in locked.select_related("group", "owner").order_by("pk")
        }

    def _created(self, one: Operation) -> Item:
        group = None
        if one.group is not None:
            group = self.groups.get(one.group) if one.group in self.visible else None
            if group is None or group.is_deleted:
                raise NoSuchError("There is no group with this id.", field="group")
            refuse_adding(self.actor, group)
        owner = None if group else self.actor
        item = Item(owner=owner, group=group, created_by=self.actor, **one.values)
        check_item(item)
        self.chosen[Op.CREATE].append(item)
        return item

    def _updated(self, one: Operation) -> Item:
        item = self._alive(one)
        require(self.actor, "items.change_item", item)
        before = audit.snapshot(item)
        for name in CHANGEABLE & one.values.keys():
            setattr(item, name, one.values[name])
        check_item(item)
        if audit.snapshot(item) != before:
            item.version += 1
            self.before[item.pk] = before
            self.chosen[Op.UPDATE].append(item)
        return item

    def _deleted(self, one: Operation) -> Item:
        item = self._alive(one)
        require(self.actor, "items.delete_item", item)
        self.chosen[Op.DELETE].append(item)
        return item

    def _restored(self, one: Operation) -> Item:
        item = self._visible(one)
        if not item.is_deleted:
            require(self.actor, "items.delete_item", item)
            return item
        holder = item.owner or item.group
        if holder is None or holder.is_deleted:
            raise Item.DoesNotExist
        if not self.actor.has_perm("items.delete_item", item):
            raise Item.DoesNotExist
        if self.holders[item.pk] != (item.owner_id, item.group_id):
            raise ConflictError("The item belongs to somebody else now. Read it again.")
        self.chosen[Op.RESTORE].append(item)
        return item

    def _visible(self, one: Operation) -> Item:
        item = self.locked.get(one.item) if one.item else None
        if item is None or not self.actor.has_perm("items.view_item", item):
            raise Item.DoesNotExist
        return item

    def _alive(self, one: Operation) -> Item:
        item = self._visible(one)
        if item.is_deleted:
            raise Item.DoesNotExist
        refuse_stale(item, one.version)
        return item

    # --- Writing --------------------------------------------------------------------------------

    def write(self) -> None:
        chosen = self.chosen
        Item.objects.bulk_create(chosen[Op.CREATE])
        record_created(chosen[Op.CREATE], actor=self.actor)
        self._save(chosen[Op.UPDATE])
        with attributed_to(self.actor):
            for op, change in ((Op.DELETE, _delete), (Op.RESTORE, _restore)):
                if chosen[op]:
                    change([item.pk for item in chosen[op]])

    def _save(self, items: list[Item]) -> None:
        made_at = {item.pk: item.created_at for item in items}
        # The rows are there, and locked: bulk_update() says the same in a CASE for each field,
        # which takes ten times as long to put together.
        Item.objects.bulk_create(
            items,
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=[*sorted(CHANGEABLE), "version", "updated_at"],
        )
        for item in items:
            item.created_at = made_at[item.pk]
        record_many(
            (
                (item, audit.changes_between(Item.audit, self.before[item.pk], now))
                for item in items
                for now in [audit.snapshot(item)]
            ),
            action="update",
            actor=self.actor,
        )


def _delete(keys: list[UUID]) -> None:
    Item.objects.filter(pk__in=keys).delete()


def _restore(keys: list[UUID]) -> None:
    Item.objects.filter(pk__in=keys).restore()
