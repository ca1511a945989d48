"""Making, changing, deleting and restoring items, and what every write of them asks first."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db import transaction

from core import audit
from core.client_ids import is_made_as, make_once, refuse_taken
from core.context import attributed_to
from core.errors import ConflictError, DomainError, NotAllowedError, StaleVersionError
from core.ids import uuid7
from core.json_values import flaw_of
from core.tags import check_tags
from groups.models import Group
from items.models import Item, ItemKind
from users.models import User

CHANGEABLE = frozenset({"name", "description", "kind", "is_active", "tags", "data"})
LARGEST_DATA = 64 * 1024  # bytes, serialised


@transaction.atomic
def create_item(
    *,
    actor: User,
    name: str,
    description: str = "",
    kind: str = ItemKind.NOTE,
    is_active: bool = True,
    tags: list[str] | None = None,
    data: dict[str, Any] | None = None,
    owner: User | None = None,
    group: Group | None = None,
    key: UUID | None = None,
) -> Item:
    """Create an item of ``group``, or of ``owner``, or else of the actor; with the id ``key``.

    Raise ``NotAllowedError`` when the actor may not add items there, ``ConflictError`` when the
    group or owner is being deleted or the group is archived, ``ValidationError`` or
    ``DomainError`` for a bad value, ``IdTakenError`` when an item has the id.
    """
    if owner and group:
        raise DomainError("An item belongs to a person or to a group, not both.", field="group")
    item = Item(
        id=key or uuid7(),
        name=name,
        description=description,
        kind=kind,
        is_active=is_active,
        tags=[] if tags is None else tags,
        data={} if data is None else data,
        owner=None if group else owner or actor,
        group=group,
        created_by=actor,
    )
    if key:
        refuse_taken(item)
    if group:
        item.group = locked_group(actor, group)
    else:
        item.owner = locked_owner(actor, owner or actor)
    check_item(item)
    audit.save(item, actor=actor)
    return item


def create_item_once(*, actor: User, key: UUID, **values: Any) -> tuple[Item, bool]:
    """``create_item()`` under an id that the actor chose, and whether it made the item.

    The same again answers the item as it is now. Raise ``IdTakenError`` for other values, an item
    that somebody else made, a deleted one and one that the actor does not see any more.
    """

    def own() -> Item | None:
        mine = Item.objects.alive().visible_to(actor).filter(pk=key, created_by=actor)
        return mine.select_related("group").first()

    return make_once(
        lambda: create_item(actor=actor, key=key, **values), own=own, is_same=is_made_as
    )


@transaction.atomic
def update_item(*, actor: User, item: Item, version: int | None = None, **changes: Any) -> Item:
    """Change fields of ``CHANGEABLE``; answer the item as it is then.

    ``version`` is the one the caller read. The version counts changes: what changes nothing
    keeps it. Raise ``StaleVersionError`` when the item has another one, ``NotAllowedError`` when
    the actor may not change it, ``ConflictError`` when it has been deleted, ``ValidationError``
    or ``DomainError`` for a bad value.
    """
    if strange := changes.keys() - CHANGEABLE:
        raise TypeError(f"Not a field of an item that changes: {', '.join(sorted(strange))}.")
    item = locked_item(item, version=version)
    require(actor, "items.change_item", item)
    return save_changes(actor, item, changes)


@transaction.atomic
def delete_item(*, actor: User, item: Item, version: int | None = None) -> None:
    """Soft-delete an item; raise as ``update_item`` does."""
    item = locked_item(item, version=version)
    require(actor, "items.delete_item", item)
    with attributed_to(actor):
        item.delete()


@transaction.atomic
def restore_item(*, actor: User, item: Item) -> Item:
    """Bring a deleted item back; one that is not deleted stays as it is.

    Who may delete it may restore it: ``NotAllowedError`` for others. Raise ``ConflictError``
    while its owner or group is deleted.
    """
    holder = (item.owner_id, item.group_id)
    lock_holders(owners=[item.owner_id], groups=[item.group_id])
    rows = Item.objects.select_for_update(of=("self",)).select_related("group")
    locked: Item | None = rows.filter(pk=item.pk).first()
    if locked is None:
        raise ConflictError("The item has been deleted for good.")
    require(actor, "items.delete_item", locked)
    if locked.is_deleted:
        if (locked.owner_id, locked.group_id) != holder:
            raise ConflictError("The item belongs to somebody else now. Read it again.")
        with attributed_to(actor):
            locked.restore()
    return locked


# --- What a write asks first ----------------------------------------------------------------


def lock_holders(
    *, owners: Iterable[UUID | None] = (), groups: Iterable[UUID | None] = ()
) -> dict[UUID, Group]:
    """Keep people and groups from being deleted until the transaction ends; answer the groups.

    Every write that needs them locks them before the items and in one order, which is that of
    deleting a person or a group: so no two writes wait for one another for ever.
    """
    people = User.objects.select_for_update(no_key=True).filter(pk__in=set(filter(None, owners)))
    list(people.order_by("pk").values_list("pk"))
    found = Group.objects.select_for_update(no_key=True).filter(pk__in=set(filter(None, groups)))
    return {group.pk: group for group in found.order_by("pk")}


def locked_item(item: Item, *, version: int | None = None) -> Item:
    """The live item as it is now, kept as it is until the transaction ends.

    Raise ``ConflictError`` when it has been deleted, ``StaleVersionError`` unless it still has
    ``version``.
    """
    rows = Item.objects.alive().select_for_update(of=("self",)).select_related("group")
    locked: Item | None = rows.filter(pk=item.pk).first()
    if locked is None:
        raise ConflictError("The item has been deleted.")
    refuse_stale(locked, version)
    return locked


def refuse_stale(item: Item, version: int | None) -> None:
    if version is not None and version != item.version:
        raise StaleVersionError(
            f"The item has changed since it was read: its version is {item.version} now."
        )


def locked_group(actor: User, group: Group) -> Group:
    """The group, kept from being deleted until the item is in it."""
    locked = Group.objects.alive().select_for_update(no_key=True).filter(pk=group.pk).first()
    if locked is None:
        raise ConflictError("The group has been deleted.", field="group")
    refuse_adding(actor, locked)
    return locked


def refuse_adding(actor: User, group: Group) -> None:
    """Raise unless the actor may add items to the group, and it takes some."""
    if not actor.has_perm("items.add_item", group):
        raise NotAllowedError("You may not add items to this group.", field="group")
    if not group.is_active:
        raise ConflictError("The group is archived and takes no new items.", field="group")


def locked_owner(actor: User, owner: User) -> User:
    """The person, kept from being deleted until the item is theirs."""
    locked: User | None = (
        User.objects.alive().select_for_update(no_key=True).filter(pk=owner.pk).first()
    )
    if locked is None:
        raise ConflictError("The owner has been deleted.", field="owner")
    if locked.pk != actor.pk and not actor.has_perm("items.add_item"):
        raise NotAllowedError("You may not add items for somebody else.", field="owner")
    return locked


def require(actor: User, permission: str, item: Item) -> None:
    if not actor.has_perm(permission, item):
        raise NotAllowedError("You may not do this to this item.")


def save_changes(
    actor: User, item: Item, changes: Mapping[str, Any], *, action: str | None = None
) -> Item:
    """Write what differs as a new version of the item, which the caller has locked."""
    before = audit.snapshot(item)
    for name, value in changes.items():
        setattr(item, name, value)
    check_item(item)
    if audit.snapshot(item) != before:
        item.version += 1
        audit.save(item, action=action, before=before, actor=actor)
    return item


def check_item(item: Item) -> None:
    """Raise ``ValidationError`` or ``DomainError`` when a value is not one an item may have."""
    # What the database holds by itself, or the caller has just read, costs no query here.
    item.full_clean(
        exclude=["owner", "group", "created_by"],
        validate_unique=False,
        validate_constraints=False,
    )
    check_tags(item.tags)
    _check_data(item.data)


def _check_data(data: Any) -> None:
    if not isinstance(data, dict):
        raise DomainError("Must be a JSON object.", field="data")
    if flaw := flaw_of(data):
        raise DomainError(flaw, field="data")
    size = len(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode())
    if size > LARGEST_DATA:
        raise DomainError(f"Larger than {LARGEST_DATA // 1024} KiB.", field="data")
