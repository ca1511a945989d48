"""Why somebody may do something, or may not; and who may do it.

``explain()`` is ``has_perm()`` with its reasons, ``who_can()`` the same rule the other way round.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Model, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from authorization.backends import RoleBackend
from authorization.grounds import (
    Found,
    Ground,
    added,
    grounds_of,
    moment_in_words,
    roles_holding,
    terms,
)
from authorization.lookups import known_permission
from authorization.models import Role, RoleAssignment, RolePermission, RoleScope
from users.models import User

# What only says that something is not there; of no interest to who is allowed anyway.
ABSENCES = frozenset({"no_role", "role_lacks", "no_membership", "not_owner"})

Grounds = tuple[Ground, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """``allowed`` is what ``has_perm()`` answers.

    ``grants`` are all that grant it, so none when it is denied. ``lacks`` say what is missing or
    was nearly enough, when it is allowed too: what has ended, is switched off or deleted.
    ``roles`` are those whose holders or, on an object of a group, members may do it.
    """

    user: User | AnonymousUser
    permission: str
    obj: Model | None
    grants: Grounds
    lacks: Grounds
    roles: tuple[Role, ...]
    allowed: bool

    @property
    def verdict(self) -> str:
        """The answer in one sentence."""
        values = {"user": self.user, "permission": self.permission, "object": self.obj}
        if isinstance(self.user, AnonymousUser):
            values["user"] = _("Nobody in particular")
        if self.obj is None:
            allowed = _("%(user)s may do %(permission)s everywhere.")
            denied = _("%(user)s may not do %(permission)s everywhere.")
        else:
            values["object"] = f"{self.obj._meta.verbose_name} {self.obj}"
            allowed = _("%(user)s may do %(permission)s on the %(object)s.")
            denied = _("%(user)s may not do %(permission)s on the %(object)s.")
        return (allowed if self.allowed else denied) % values


def explain(
    user: User | AnonymousUser,
    permission: str,
    obj: Model | None = None,
    *,
    viewer: User | None = None,
) -> Explanation:
    """Say why ``user`` may do ``permission``, ``app.codename``, to ``obj``, or why not.

    It is about this moment: the user is read anew. Of roles that would grant it, ``viewer`` is
    shown those that they may see; all, when left out. Raise ``DomainError`` with near matches
    for a permission that there is not.
    """
    permission = known_permission(permission)
    roles = tuple(_roles_that_grant(permission, obj, viewer))
    if not isinstance(user, User):
        lacks: Grounds = (Ground("anonymous", _("Nobody is signed in.")),)
        return Explanation(user, permission, obj, (), lacks, roles, allowed=False)
    present: User = User.objects.get(pk=user.pk)
    allowed = present.has_perm(permission, obj)
    grants, lacks = _grants_and_lacks(present, permission, obj)
    if allowed:
        lacks = tuple(ground for ground in lacks if ground.code not in ABSENCES)
    return Explanation(present, permission, obj, grants, lacks, roles, allowed=allowed)


def who_can(permission: str, obj: Model | None = None) -> QuerySet[User]:
    """The users of whom ``has_perm(permission, obj)`` is true: live, active, superusers included.

    Raise ``DomainError`` with near matches for a permission that there is not.
    """
    return RoleBackend().with_perm(known_permission(permission), obj=obj)


def grounds_for(
    users: Sequence[User], permission: str, obj: Model | None = None, at: datetime | None = None
) -> dict[UUID, list[Ground]]:
    """What grants it to each of ``users``, whether or not their accounts may be used.

    A constant number of queries, for a page of ``who_can()``.
    """
    at = at or timezone.now()
    superuser = Ground("superuser", _("Is a superuser, and may do everything."))
    parts: list[Found] = [{user.pk: [superuser] for user in users if user.is_superuser}]
    parts.append(_assignments_granting(users, permission, at))
    rule = grounds_of(obj)
    if rule is not None:
        parts.append(rule.grants(users, permission, obj, at))
    return added(*parts)


def _grants_and_lacks(user: User, permission: str, obj: Model | None) -> tuple[Grounds, Grounds]:
    at = timezone.now()
    grants = tuple(grounds_for([user], permission, obj, at).get(user.pk, ()))
    lacks = (
        *_lacks_of_the_account(user),
        *_lacks_everywhere(user, permission, at),
        *_lacks_on_the_object(user, permission, obj, at),
    )
    if user.can_sign_in:
        return grants, lacks
    text = _("Would count, could the account be used: %s")
    return (), (*lacks, *(replace(ground, text=text % ground.text) for ground in grants))


# --- What grants it everywhere --------------------------------------------------------------


def _assignments_granting(users: Iterable[User], permission: str, at: datetime) -> Found:
    rows = RoleAssignment.objects.in_force(at).filter(
        user__in=[user.pk for user in users], role__in=roles_holding(permission).values("pk")
    )
    found: dict[UUID, list[Ground]] = {}
    for row in rows.select_related("role", "granted_by").order_by("id"):
        text = _("Holds the role %(role)s everywhere%(terms)s.")
        found.setdefault(row.user_id, []).append(_of_assignment("role", text, row))
    return found


def _of_assignment(code: str, text: str, row: RoleAssignment, **values: Any) -> Ground:
    values["role"] = row.role
    values["terms"] = terms(row.granted_by, row.granted_at, row.expires_at, row.reason)
    return Ground(
        code,
        text % values,
        role=row.role,
        granted_by=row.granted_by,
        granted_at=row.granted_at,
        expires_at=row.expires_at,
        reason=row.reason,
    )


# --- What is missing ------------------------------------------------------------------------


def _lacks_of_the_account(user: User) -> list[Ground]:
    if user.is_deleted:
        return [Ground("account_deleted", _("The account of %s is deleted.") % user)]
    if not user.is_active:
        return [Ground("account_inactive", _("The account of %s is switched off.") % user)]
    return []


def _lacks_everywhere(user: User, permission: str, at: datetime) -> list[Ground]:
    rows = list(
        RoleAssignment.objects.filter(user=user).select_related("role", "granted_by").order_by("id")
    )
    holding = _roles_naming(permission, [row.role_id for row in rows])
    flaws = [ground for row in rows for ground in _flaws_of(row, holding, permission, at)]
    text = _("%s holds no role everywhere that grants it.")
    return flaws or [Ground("no_role", text % user)]


def _flaws_of(
    row: RoleAssignment, holding: set[UUID], permission: str, at: datetime
) -> list[Ground]:
    """Each thing for which an assignment grants nothing, or not this."""
    ended = row.expires_at is not None and row.expires_at <= at
    if row.role_id not in holding:
        if ended or row.role.is_deleted or not row.role.is_active:
            return []
        text = _("The role %(role)s, held everywhere, does not hold %(permission)s.")
        return [_of_assignment("role_lacks", text, row, permission=permission)]
    flaws = []
    if row.expires_at is not None and ended:
        text = _("Held the role %(role)s everywhere until %(when)s%(given)s.")
        when = moment_in_words(row.expires_at)
        given = terms(row.granted_by, row.granted_at, None, row.reason)
        flaws.append(_of_assignment("assignment_expired", text, row, when=when, given=given))
    if row.role.is_deleted:
        text = _("The role %(role)s, held everywhere, is deleted.")
        flaws.append(_of_assignment("role_deleted", text, row))
    elif not row.role.is_active:
        text = _("The role %(role)s, held everywhere, is switched off.")
        flaws.append(_of_assignment("role_inactive", text, row))
    return flaws


def _roles_naming(permission: str, roles: Iterable[UUID]) -> set[UUID]:
    """Those of ``roles`` that hold it, active or not."""
    app_label, _dot, codename = permission.partition(".")
    held = RolePermission.objects.filter(
        role__in=list(roles),
        permission__content_type__app_label=app_label,
        permission__codename=codename,
    )
    return set(held.order_by().values_list("role_id", flat=True))


def _lacks_on_the_object(
    user: User, permission: str, obj: Model | None, at: datetime
) -> list[Ground]:
    if obj is None:
        return []
    rule = grounds_of(obj)
    if rule is None:
        text = _("Of a %s, only what is held everywhere counts: it grants nothing itself.")
        return [Ground("no_object_rule", text % obj._meta.verbose_name)]
    lacks = rule.lacks(user, permission, obj, at)
    known = {ground.code for ground in lacks}
    if getattr(obj, "is_deleted", False) and f"{obj._meta.model_name}_deleted" not in known:
        text = _("The %(kind)s %(object)s is deleted: until it is restored, pages do not show it.")
        values = {"kind": obj._meta.verbose_name, "object": obj}
        lacks.insert(0, Ground("object_deleted", text % values))
    return lacks


def _roles_that_grant(permission: str, obj: Model | None, viewer: User | None) -> QuerySet[Role]:
    condition = Q(pk__in=roles_holding(permission).values("pk"))
    rule = grounds_of(obj)
    if rule is None or not rule.takes_roles(obj):
        condition &= Q(scope=RoleScope.GLOBAL)
    roles = Role.objects.all() if viewer is None else Role.objects.visible_to(viewer)
    return roles.filter(condition)
