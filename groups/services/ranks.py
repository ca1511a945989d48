"""Who may manage whom in a group: what a user is there, and what they may hand on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any

from django.utils import timezone

from authorization.models import Role, RoleScope
from authorization.services.roles import permissions_of
from core.errors import ConflictError, DomainError, NotAllowedError
from core.json_values import flaw_of_text
from core.reasons import LONGEST_REASON
from groups.models import Group, Membership, MembershipRank
from users.models import User


class Level(IntEnum):
    """Who manages whom: only somebody of a higher level, before and after the change."""

    NONE = -1
    MEMBER = 0
    ADMIN = 1
    OWNER = 2
    PRIMARY_OWNER = 3
    EVERYWHERE = 4


LEVEL_OF_RANK = {
    MembershipRank.MEMBER: Level.MEMBER,
    MembershipRank.ADMIN: Level.ADMIN,
    MembershipRank.OWNER: Level.OWNER,
}


def level_of_rank(rank: str) -> Level:
    """Raise ``DomainError`` for what is no rank."""
    try:
        return LEVEL_OF_RANK[MembershipRank(rank)]
    except ValueError:
        ranks = ", ".join(MembershipRank.values)
        raise DomainError(f"No rank. Those are: {ranks}.", field="rank") from None


@dataclass(frozen=True, slots=True)
class Standing:
    """What ``user`` is in a group whose row is locked: read after the lock, so not stale.

    ``held`` are the permissions on the group, ``None`` for all. ``ends_at`` is when the
    membership that gives them ends, if it does.
    """

    user: User
    group: Group
    level: Level
    held: frozenset[str] | None
    ends_at: datetime | None

    def may(self, permission: str) -> bool:
        return self.held is None or permission in self.held or self.user.has_perm(permission)

    def holds_all_of(self, role: Role) -> bool:
        """Whether the user holds, on this group or everywhere, all that ``role`` holds."""
        if self.held is None or self.user.is_superuser:
            return True
        return permissions_of(role) <= self.held | self.user.get_all_permissions()

    def level_for(self, permission: str) -> Level:
        """The level with which they use ``permission``: who holds it everywhere stands above."""
        return Level.EVERYWHERE if self.user.has_perm(permission) else self.level

    def end_for(self, permission: str) -> datetime | None:
        return None if self.user.has_perm(permission) else self.ends_at

    def require(self, permission: str) -> None:
        if not self.may(permission):
            raise NotAllowedError("You may not do this in this group.")


def lock_group(group: Group, *, must_be_active: bool = False) -> Group:
    """The group's row, locked until the transaction ends.

    Raise ``ConflictError`` for a deleted group, and for an archived one if it must be active.
    """
    locked = Group.objects.alive().select_for_update(no_key=True).filter(pk=group.pk).first()
    if locked is None:
        raise ConflictError("The group has been deleted. Restore it first.", field="group")
    if must_be_active and not locked.is_active:
        raise ConflictError(
            "The group is archived. Its owner can bring it back first.", field="group"
        )
    return locked


def lock_user(user: User, *, field: str = "user") -> User:
    """The user's row, locked, so that the account is not closed meanwhile. Before the group's."""
    locked: User | None = (
        User.objects.alive().select_for_update(no_key=True).filter(pk=user.pk).first()
    )
    if locked is None:
        raise ConflictError("The account has been closed.", field=field)
    return locked


def lock_membership(group: Group, membership: Membership) -> Membership:
    """The row as it is now; the group's lock keeps it so. ``ConflictError`` when it is gone."""
    rows = group.memberships.select_related("role", "user")
    current = rows.filter(pk=membership.pk).first()
    if current is None:
        raise ConflictError("The membership is not there any more.")
    current.group = group
    return current


def standing_of(user: User, group: Group) -> Standing:
    """What ``user`` is in ``group`` now; the caller has locked the group."""
    if not user.can_sign_in:
        return Standing(user, group, Level.NONE, frozenset(), None)
    if group.owner_id == user.pk:
        return Standing(user, group, Level.PRIMARY_OWNER, None, None)
    own = Membership.objects.in_force().filter(group=group, user=user).select_related("role")
    membership = own.first()
    if membership is None:
        return Standing(user, group, Level.NONE, frozenset(), None)
    role = membership.role
    granting = role.is_active and not role.is_deleted
    return Standing(
        user,
        group,
        level_of_rank(membership.rank),
        frozenset(permissions_of(role) if granting else ()),
        membership.expires_at,
    )


def level_of(membership: Membership) -> Level:
    """The level of whom the membership is about; an expired one gives no rank."""
    if membership.group.owner_id == membership.user_id:
        return Level.PRIMARY_OWNER
    return level_of_rank(membership.rank) if membership.is_unexpired else Level.NONE


def refuse_oneself(actor: User, user: User) -> None:
    if actor.pk == user.pk:
        raise NotAllowedError(
            "Nobody changes their own place in a group. Ask somebody above you; leaving is open."
        )


def refuse_above(standing: Standing, *levels: Level, permission: str) -> None:
    """Raise ``NotAllowedError`` unless the actor stands strictly above each of ``levels``."""
    if standing.level_for(permission) <= max(levels):
        raise NotAllowedError("You manage only those whose rank is below your own.", field="rank")


def refuse_primary_owner(membership: Membership) -> None:
    """Raise ``ConflictError`` when it is that of the user who answers for the group."""
    if membership.group.owner_id == membership.user_id:
        raise ConflictError(
            "They answer for the group: they cannot be removed, banned, demoted or given an end. "
            "Hand the group over first."
        )


def refuse_role(role: Role) -> None:
    """Raise ``DomainError`` for a role that no member holds."""
    if role.is_deleted or role.scope != RoleScope.GROUP:
        raise DomainError("A member holds a live role of scope group.", field="role")


def refuse_giving(
    standing: Standing, *, role: Role, expires_at: datetime | None, permission: str
) -> None:
    """Raise when the actor may not give ``role`` until then.

    ``DomainError`` for a role that no member holds or an end in the past, ``NotAllowedError``
    for a role that holds more than the actor does on this group, or an end beyond their own.
    """
    refuse_role(role)
    _refuse_grant(standing, role)
    _refuse_end(standing, expires_at, permission)


def _refuse_grant(standing: Standing, role: Role) -> None:
    if not standing.holds_all_of(role):
        raise NotAllowedError(
            f"The role {role} holds permissions that you do not hold in this group.", field="role"
        )


def _refuse_end(standing: Standing, expires_at: datetime | None, permission: str) -> None:
    refuse_past(expires_at)
    end = standing.end_for(permission)
    if end is not None and (expires_at is None or expires_at > end):
        raise NotAllowedError(
            f"Your own membership ends at {end.isoformat()}: give an end that is not later.",
            field="expires_at",
        )


def refuse_past(expires_at: datetime | None) -> None:
    if expires_at is not None and expires_at <= timezone.now():
        raise DomainError("The end lies in the past.", field="expires_at")


def checked_reason(reason: Any) -> str:
    """Raise ``DomainError`` for one that is too long or no text."""
    if not isinstance(reason, str) or len(reason) > LONGEST_REASON:
        raise DomainError(f"A text of at most {LONGEST_REASON} characters.", field="reason")
    if flaw := flaw_of_text(reason):
        raise DomainError(flaw, field="reason")
    return reason.strip()
