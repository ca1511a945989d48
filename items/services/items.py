"""Making, changing, deleting and restoring items: the only place that writes them."""

from __future__ import annotations

import json
from typing import Any

from django.db import transaction

from core import audit
from core.context import attributed_to
from core.errors import ConflictError, DomainError, NotAllowedError, StaleVersionError
from core.json_values import flaw_of
from groups.models import Group
from items.models import Item, ItemKind, ItemQuerySet
from users.models import User

CHANGEABLE = frozenset({"name", "description", "kind", "is_active", "tags", "data"})
MOST_TAGS = 20
LONGEST_TAG = 50
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
) -> Item:
    """Create an item of ``group``, or of ``owner``, or else of the actor.

    Raise ``NotAllowedError`` when the actor may not add items there, ``ConflictError`` when the
    group or owner is being deleted or the group is archived, ``ValidationError`` or
    ``DomainError`` for a bad value.
    """
    if owner and group:
        raise DomainError("An item belongs to a person or to a group, not both.", field="group")
    item = Item(
        name=name,
        description=description,
        kind=kind,
        is_active=is_active,
        tags=[] if tags is None else tags,
        data={} if data is None else data,
        owner=None if group else _locked_owner(actor, owner or actor),
        group=_locked_group(actor, group) if group else None,
        created_by=actor,
    )
    _check(item)
    audit.save(item, actor=actor)
    return item


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
    item = _locked(Item.objects.alive(), item, version=version)
    _require(actor, "items.change_item", item)
    before = audit.snapshot(item)
    for name, value in changes.items():
        setattr(item, name, value)
    _check(item)
    if audit.snapshot(item) != before:
        item.version += 1
        audit.save(item, before=before, actor=actor)
    return item


@transaction.atomic
def delete_item(*, actor: User, item: Item, version: int | None = None) -> None:
    """Soft-delete an item; raise as ``update_item`` does."""
    item = _locked(Item.objects.alive(), item, version=version)
    _require(actor, "items.delete_item", item)
    with attributed_to(actor):
        item.delete()


@transaction.atomic
def restore_item(*, actor: User, item: Item) -> Item:
    """Bring a deleted item back; one that is not deleted stays as it is.

    Who may delete it may restore it: ``NotAllowedError`` for others. Raise ``ConflictError``
    while its owner or group is deleted.
    """
    # Before the item, in the order of a delete of the group, so that neither waits for ever.
    if item.group_id:
        Group.objects.select_for_update(no_key=True).filter(pk=item.group_id).first()
    item = _locked(Item.objects.all(), item)
    _require(actor, "items.delete_item", item)
    with attributed_to(actor):
        item.restore()
    return item


def _locked(rows: ItemQuerySet, item: Item, *, version: int | None = None) -> Item:
    rows = rows.select_for_update(of=("self",)).select_related("group")
    locked = rows.filter(pk=item.pk).first()
    if locked is None:
        raise ConflictError("The item has been deleted.")
    if version is not None and version != locked.version:
        raise StaleVersionError(
            f"The item has changed since it was read: its version is {locked.version} now."
        )
    return locked


def _locked_group(actor: User, group: Group) -> Group:
    """The group, kept from being deleted until the item is in it."""
    locked = Group.objects.alive().select_for_update(no_key=True).filter(pk=group.pk).first()
    if locked is None:
        raise ConflictError("The group has been deleted.", field="group")
    if not actor.has_perm("items.add_item", locked):
        raise NotAllowedError("You may not add items to this group.", field="group")
    if not locked.is_active:
        raise ConflictError("The group is archived and takes no new items.", field="group")
    return locked


def _locked_owner(actor: User, owner: User) -> User:
    locked: User | None = (
        User.objects.alive().select_for_update(no_key=True).filter(pk=owner.pk).first()
    )
    if locked is None:
        raise ConflictError("The owner has been deleted.", field="owner")
    if locked.pk != actor.pk and not actor.has_perm("items.add_item"):
        raise NotAllowedError("You may not add items for somebody else.", field="owner")
    return locked


def _require(actor: User, permission: str, item: Item) -> None:
    if not actor.has_perm(permission, item):
        raise NotAllowedError("You may not do this to this item.")


def _check(item: Item) -> None:
    # What the database holds by itself, or the caller has just read, costs no query here.
    item.full_clean(
        exclude=["owner", "group", "created_by"],
        validate_unique=False,
        validate_constraints=False,
    )
    _check_tags(item.tags)
    _check_data(item.data)


def _check_tags(tags: Any) -> None:
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise DomainError("Must be a list of strings.", field="tags")
    if len(tags) > MOST_TAGS:
        raise DomainError(f"More than {MOST_TAGS} tags.", field="tags")
    if any(not tag.strip() or len(tag) > LONGEST_TAG for tag in tags):
        raise DomainError(f"A tag has 1 to {LONGEST_TAG} characters.", field="tags")
    if len(set(tags)) < len(tags):
        raise DomainError("A tag stands more than once.", field="tags")
    if flaw := flaw_of(tags):
        raise DomainError(flaw, field="tags")


def _check_data(data: Any) -> None:
    if not isinstance(data, dict):
        raise DomainError("Must be a JSON object.", field="data")
    if flaw := flaw_of(data):
        raise DomainError(flaw, field="data")
    size = len(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode())
    if size > LARGEST_DATA:
        raise DomainError(f"Larger than {LARGEST_DATA // 1024} KiB.", field="data")
