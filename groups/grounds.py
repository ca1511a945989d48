"""Why a group, or what belongs to it, lets somebody do something: ``is_permitted()`` told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Model, Q
from django.utils.translation import gettext as _

from authorization.grounds import (
    EVERYBODY,
    NOBODY,
    Found,
    Ground,
    added,
    moment_in_words,
    roles_holding,
    terms,
)
from authorization.models import RolePermission
from groups.models import Group, Invitation, Membership, MembershipStatus
from groups.models.group import VIEW_GROUP
from groups.models.membership import (
    CHANGE_MEMBERSHIP,
    RUNNING,
    SEE_MEMBERS,
    VIEW_MEMBERSHIP,
)
from users.models import User

NOT_YET_OR_NO_MORE = {
    MembershipStatus.INVITED: ("membership_invited", "%(user)s is invited and has not joined yet."),
    MembershipStatus.REQUESTED: (
        "membership_requested",
        "%(user)s has asked to join and nobody has approved it yet.",
    ),
    MembershipStatus.LEFT: ("membership_left", "%(user)s was a member and is none any more."),
    MembershipStatus.BANNED: ("membership_banned", "%(user)s is banned from the group."),
}


class GroupGrounds:
    """Owning it, a membership in force whose role holds it, or its being public."""

    model: type[Model] = Group
    related: Sequence[str] = ()

    def takes_roles(self, obj: Group) -> bool:
        return True

    def holders(self, permission: str, obj: Group, at: datetime) -> Q:
        if obj.is_deleted:
            return NOBODY
        if _is_open_to_all(obj, permission):
            return EVERYBODY
        members = _granting(permission, obj, at).order_by().values("user")
        return Q(pk=obj.owner_id) | Q(pk__in=members)

    def grants(self, users: Sequence[User], permission: str, obj: Group, at: datetime) -> Found:
        if obj.is_deleted:
            return {}
        owner = Ground("group_owner", _("Owns the group %s, and may do everything there.") % obj)
        owners: Found = {user.pk: [owner] for user in users if user.pk == obj.owner_id}
        members: dict[UUID, list[Ground]] = {}
        rows = _granting(permission, obj, at).filter(user__in=[user.pk for user in users])
        for row in rows.select_related("role", "granted_by"):
            members[row.user_id] = [_of_membership("membership", row, obj)]
        public: Found = {}
        if _is_open_to_all(obj, permission):
            text = _("The group %s is public: everybody may see that it exists.") % obj
            public = {user.pk: [Ground("public_group", text)] for user in users}
        return added(owners, members, public)

    def lacks(self, user: User, permission: str, obj: Group, at: datetime) -> list[Ground]:
        lacking = []
        if obj.is_deleted:
            lacking.append(Ground("group_deleted", _("The group %s is deleted.") % obj))
        elif not obj.is_active:
            text = _("The group %s is archived: memberships in it grant nothing.") % obj
            lacking.append(Ground("group_archived", text))
        rows = Membership.objects.filter(group=obj, user=user)
        row = rows.select_related("role", "granted_by").first()
        if row is None:
            text = _("%(user)s is no member of the group %(group)s.")
            lacking.append(Ground("no_membership", text % {"user": user, "group": obj}))
            return lacking
        return lacking + _flaws_of(row, permission, at)


class OfGroupGrounds:
    """For what is as its group is: the members and the invitations."""

    group = GroupGrounds()

    def __init__(self, model: type[Model], *, related: Sequence[str] = ()) -> None:
        self.model = model
        self.related = ("group", *related)

    def takes_roles(self, obj: Any) -> bool:
        return True

    def holders(self, permission: str, obj: Any, at: datetime) -> Q:
        return self.group.holders(permission, obj.group, at)

    def grants(self, users: Sequence[User], permission: str, obj: Any, at: datetime) -> Found:
        return self.group.grants(users, permission, obj.group, at)

    def lacks(self, user: User, permission: str, obj: Any, at: datetime) -> list[Ground]:
        return self.group.lacks(user, permission, obj.group, at)


class MembershipGrounds(OfGroupGrounds):
    """As in the group; looking at one is for themselves, and for others as far as it is shown."""

    def holders(self, permission: str, obj: Any, at: datetime) -> Q:
        if permission != VIEW_MEMBERSHIP:
            return super().holders(permission, obj, at)
        found = Q(pk=obj.user_id) | super().holders(CHANGE_MEMBERSHIP, obj, at)
        return found if _hidden_because(obj, at) else found | super().holders(permission, obj, at)

    def grants(self, users: Sequence[User], permission: str, obj: Any, at: datetime) -> Found:
        if permission != VIEW_MEMBERSHIP:
            return super().grants(users, permission, obj, at)
        ground = Ground("own_membership", _("It is their own membership."))
        own: Found = {user.pk: [ground] for user in users if user.pk == obj.user_id}
        managing = super().grants(users, CHANGE_MEMBERSHIP, obj, at)
        if _hidden_because(obj, at):
            return added(own, managing)
        others = [user for user in users if user.pk not in managing]
        return added(own, managing, super().grants(others, permission, obj, at))

    def lacks(self, user: User, permission: str, obj: Any, at: datetime) -> list[Ground]:
        lacking = super().lacks(user, permission, obj, at)
        because = _hidden_because(obj, at) if permission == VIEW_MEMBERSHIP else ""
        return [*lacking, Ground("membership_hidden", because)] if because else lacking


def _hidden_because(row: Membership, at: datetime) -> str:
    """Why other members do not see a membership, but those who may change it; empty if they do."""
    if row.status != MembershipStatus.ACTIVE or (row.expires_at and row.expires_at <= at):
        return _("Only those who may change memberships see one that is not in force.")
    is_running = row.rank in RUNNING or row.user_id == row.group.owner_id
    if not is_running and row.group.settings.get(SEE_MEMBERS) is False:
        return _("The group shows its members only who runs it (%s is off).") % SEE_MEMBERS
    return ""


GROUNDS = (
    GroupGrounds(),
    MembershipGrounds(Membership, related=("user",)),
    OfGroupGrounds(Invitation),
)


def _is_open_to_all(group: Group, permission: str) -> bool:
    return permission == VIEW_GROUP and group.is_public and group.is_active


def _granting(permission: str, group: Group, at: datetime) -> Any:
    """Memberships of ``group`` in force whose role holds it."""
    rows = Membership.objects.in_force(at)
    return rows.filter(group=group, role__in=roles_holding(permission).values("pk"))


def _of_membership(code: str, row: Membership, group: Group) -> Ground:
    text = _("Is a member of the group %(group)s with the role %(role)s, rank %(rank)s%(terms)s.")
    values = {
        "group": group,
        "role": row.role,
        "rank": row.get_rank_display().lower(),
        "terms": terms(row.granted_by, row.joined_at, row.expires_at, row.reason),
    }
    return _ground(code, text % values, row)


def _flaws_of(row: Membership, permission: str, at: datetime) -> list[Ground]:
    """Each thing for which a membership grants nothing, or not this."""
    flaws = []
    values = {"user": row.user, "role": row.role, "permission": permission}
    if row.status != MembershipStatus.ACTIVE:
        code, text = NOT_YET_OR_NO_MORE[MembershipStatus(row.status)]
        because = terms(None, None, None, row.reason)
        flaws.append((code, _(text).removesuffix(".") + because + "."))
    if row.expires_at is not None and row.expires_at <= at:
        flaws.append(("membership_expired", _("The membership of %(user)s ended %(when)s.")))
        values["when"] = moment_in_words(row.expires_at)
    if row.role.is_deleted:
        flaws.append(("role_deleted", _("The role %(role)s of the membership is deleted.")))
    elif not row.role.is_active:
        flaws.append(("role_inactive", _("The role %(role)s of the membership is switched off.")))
    if not _holds(row, permission):
        text = _("The role %(role)s of the membership does not hold %(permission)s.")
        flaws.append(("role_lacks", text))
    return [_ground(code, text % values, row) for code, text in flaws]


def _holds(row: Membership, permission: str) -> bool:
    app_label, _dot, codename = permission.partition(".")
    return RolePermission.objects.filter(
        role=row.role_id,
        permission__content_type__app_label=app_label,
        permission__codename=codename,
    ).exists()


def _ground(code: str, text: str, row: Membership) -> Ground:
    return Ground(
        code,
        text,
        role=row.role,
        rank=row.rank,
        granted_by=row.granted_by,
        granted_at=row.joined_at,
        expires_at=row.expires_at,
        reason=row.reason,
    )
