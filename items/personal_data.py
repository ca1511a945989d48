"""The personal data in the table of items."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.personal_data import Apply, Keep, PersonalRows, register
from groups.personal_data import groups_of_nobody_else
from items.models import Item
from users.models import User


def _remove(user: User) -> int:
    """Those of the groups that go with the account as well."""
    going = list(groups_of_nobody_else(user).values_list("pk", flat=True))
    removed, _by_label = Item.objects.filter(Q(owner=user) | Q(group__in=going)).hard_delete()
    return removed


register(
    PersonalRows(
        name="items",
        says=_("Your own items, deleted ones too while they can be restored."),
        model=Item,
        through=("owner",),
        fields=(
            "id",
            "name",
            "description",
            "kind",
            "is_active",
            "tags",
            "data",
            "version",
            "is_deleted",
            "deleted_at",
            "created_at",
            "updated_at",
        ),
        closing=Apply(_remove, "deleted for good"),
    ),
    PersonalRows(
        name="items_made",
        says="An item that they made for a group is the group's.",
        model=Item,
        through=("created_by",),
        closing=Keep("The key leads to a row that says nothing of whose it was."),
    ),
)
