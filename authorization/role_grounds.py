"""Why roles and assignments may be looked at: ``Role.is_permitted()`` and its like, told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Model, Q
from django.utils.translation import gettext as _

from authorization.grounds import EVERYBODY, NOBODY, Found, Ground
from authorization.models import VIEW_ASSIGNMENT, VIEW_ROLE, Role, RoleAssignment, RoleScope
from users.models import User


class RoleGrounds:
    """Active roles of groups for everybody, and active ones that somebody holds for them."""

    model: type[Model] = Role
    related: Sequence[str] = ()

    def takes_roles(self, obj: Role) -> bool:
        return False

    def holders(self, permission: str, obj: Role, at: datetime) -> Q:
        if permission != VIEW_ROLE or obj.is_deleted or not obj.is_active:
            return NOBODY
        if obj.scope == RoleScope.GROUP:
            return EVERYBODY
        holding = RoleAssignment.objects.in_force(at).filter(role=obj)
        return Q(pk__in=holding.order_by().values("user"))

    def grants(self, users: Sequence[User], permission: str, obj: Role, at: datetime) -> Found:
        if permission != VIEW_ROLE or obj.is_deleted or not obj.is_active:
            return {}
        if obj.scope == RoleScope.GROUP:
            text = _("Everybody may look at the roles that members of a group can have.")
            return {user.pk: [Ground("role_of_groups", text)] for user in users}
        holding = RoleAssignment.objects.in_force(at).filter(role=obj, user__in=users)
        own = Ground("own_role", _("Holds the role %s, and may look at it.") % obj)
        return {key: [own] for key in holding.order_by().values_list("user", flat=True)}

    def lacks(self, user: User, permission: str, obj: Role, at: datetime) -> list[Ground]:
        lacking = []
        if obj.is_deleted:
            lacking.append(Ground("role_deleted", _("The role %s is deleted.") % obj))
        elif not obj.is_active:
            lacking.append(Ground("role_inactive", _("The role %s is switched off.") % obj))
        return lacking


class AssignmentGrounds:
    """Everybody may look at their own."""

    model: type[Model] = RoleAssignment
    related: Sequence[str] = ("user", "role")

    def takes_roles(self, obj: RoleAssignment) -> bool:
        return False

    def holders(self, permission: str, obj: RoleAssignment, at: datetime) -> Q:
        return Q(pk=obj.user_id) if permission == VIEW_ASSIGNMENT else NOBODY

    def grants(
        self, users: Sequence[User], permission: str, obj: RoleAssignment, at: datetime
    ) -> Found:
        if permission != VIEW_ASSIGNMENT:
            return {}
        own = Ground("own_assignment", _("It is their own role assignment."))
        return {user.pk: [own] for user in users if user.pk == obj.user_id}

    def lacks(self, user: User, permission: str, obj: RoleAssignment, at: datetime) -> list[Ground]:
        return []


GROUNDS = (RoleGrounds(), AssignmentGrounds())
