"""Why an item lets somebody do something: ``Item.is_permitted()`` told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Model, Q
from django.utils.translation import gettext as _

from authorization.grounds import Found, Ground
from groups.grounds import GroupGrounds
from items.models import Item
from users.models import User


class ItemGrounds:
    """Owning it, or whatever grants it on the group that it belongs to."""

    model: type[Model] = Item
    related: Sequence[str] = ("group", "owner")
    group = GroupGrounds()

    def takes_roles(self, obj: Item) -> bool:
        return obj.group is not None

    def holders(self, permission: str, obj: Item, at: datetime) -> Q:
        if obj.group is not None:
            return self.group.holders(permission, obj.group, at)
        return Q(pk=obj.owner_id)

    def grants(self, users: Sequence[User], permission: str, obj: Item, at: datetime) -> Found:
        if obj.group is not None:
            return self.group.grants(users, permission, obj.group, at)
        ground = Ground("owner", _("Owns the item %s.") % obj)
        return {user.pk: [ground] for user in users if user.pk == obj.owner_id}

    def lacks(self, user: User, permission: str, obj: Item, at: datetime) -> list[Ground]:
        if obj.group is not None:
            return self.group.lacks(user, permission, obj.group, at)
        if user.pk == obj.owner_id:
            return []
        text = _("%(user)s does not own the item %(item)s.")
        return [Ground("not_owner", text % {"user": user, "item": obj})]


GROUNDS = ItemGrounds()
