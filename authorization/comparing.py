"""What two roles have in common, and what only one of them holds."""

from __future__ import annotations

from dataclasses import dataclass

from authorization.labels import PermissionLabel, described
from authorization.models import Role, RolePermission


@dataclass(frozen=True, slots=True)
class Comparison:
    """The permissions of two roles, each list in reading order."""

    left: Role
    right: Role
    only_left: list[PermissionLabel]
    only_right: list[PermissionLabel]
    both: list[PermissionLabel]


def compare_roles(left: Role, right: Role) -> Comparison:
    """Compare what two roles hold, switched off or not: one query."""
    rows = RolePermission.objects.filter(role__in=[left.pk, right.pk]).order_by()
    rows = rows.select_related("permission__content_type")
    pairs = {(row.role_id, row.permission_id) for row in rows}
    labels = described({row.permission_id: row.permission for row in rows}.values())
    mine = [label for label in labels if (left.pk, label.pk) in pairs]
    theirs = [label for label in labels if (right.pk, label.pk) in pairs]
    return Comparison(
        left=left,
        right=right,
        only_left=[label for label in mine if label not in theirs],
        only_right=[label for label in theirs if label not in mine],
        both=[label for label in mine if label in theirs],
    )
