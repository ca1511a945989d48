"""Moving an item between a person and a group, or from one group to another."""

from __future__ import annotations

from django.db import transaction

from core import audit
from core.errors import DomainError
from groups.models import Group
from items.models import Item
from items.services.items import locked_group, locked_item, locked_owner, require
from users.models import User

MOVE, MOVE_OUT = "move", "move_out"


@transaction.atomic
def move_item(
    *,
    actor: User,
    item: Item,
    owner: User | None = None,
    group: Group | None = None,
    version: int | None = None,
) -> Item:
    """Give an item to ``owner`` or to ``group``, as a new version; answer it as it is then.

    It takes the right to delete it where it is and to add it where it goes: ``NotAllowedError``
    without. Raise ``StaleVersionError`` when it has another version than the caller read, and
    ``ConflictError`` when it, the group or the owner has been deleted, or the group is archived.
    Where it is already it stays, and nothing is recorded.

    The trail of a group that loses it has an event of its own (``move_out``), for who reads the
    events of that group; ``move`` is the event of the group or person that gets it.
    """
    if (owner is None) == (group is None):
        raise DomainError("An item goes to a person or to a group.", field="owner")
    new_owner = locked_owner(actor, owner) if owner else None
    new_group = locked_group(actor, group) if group else None
    item = locked_item(item, version=version)
    require(actor, "items.delete_item", item)
    before = audit.snapshot(item)
    came_from = item.group
    item.owner, item.group = new_owner, new_group
    changed = audit.changes_between(Item.audit, before, audit.snapshot(item))
    if not changed:
        return item
    if came_from is not None:
        left = Item(pk=item.pk, name=item.name, group=came_from)
        audit.record(action=MOVE_OUT, target=left, changes=changed, actor=actor)
    item.version += 1
    audit.save(item, action=MOVE, before=before, actor=actor)
    return item
