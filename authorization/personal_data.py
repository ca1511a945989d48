"""The personal data in the tables of roles, and what keeps the last administrator from leaving."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization.models import RoleAssignment, RolePermission
from authorization.services.administrators import is_needed
from core import audit
from core.personal_data import Apply, Keep, Obstacle, PersonalRows, account_closing, register
from users.models import User

NOBODY = Keep("The key leads to a row that says nothing of whose it was.")


@receiver(account_closing, sender=User, dispatch_uid="authorization.last_administrator")
def last_administrator(user: User, **_signal: Any) -> list[Obstacle]:
    """Somebody must stay who may do everything; who is about to leave does not count."""
    if not is_needed(user):
        return []
    text = _("You are the last administrator. Make somebody else one first.")
    return [Obstacle(code="last_administrator", detail=text)]


def _revoke(user: User) -> int:
    rows = RoleAssignment.objects.filter(user=user)
    audit.record_rows(rows, action="revoke")
    return rows.delete()[0]


register(
    PersonalRows(
        name="roles",
        says=gettext_lazy("The roles that you hold everywhere."),
        model=RoleAssignment,
        through=("user",),
        fields=("role__slug", "role__name", "granted_at", "expires_at", "reason"),
        closing=Apply(_revoke, "deleted"),
    ),
    PersonalRows(
        name="roles_given",
        says="Whom they gave a role is about others.",
        model=RoleAssignment,
        through=("granted_by",),
        closing=NOBODY,
    ),
    PersonalRows(
        name="permissions_given",
        says="Which permission they gave a role is about the role.",
        model=RolePermission,
        through=("granted_by",),
        closing=NOBODY,
    ),
)
