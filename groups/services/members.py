"""Who belongs to a group: letting people in, and managing those of a lower rank.

Every change is made under the lock of the group's row, which is where parallel ones queue up.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from authorization.models import Role
from authorization.services.roles import permissions_of
from core import audit
from core.errors import ConflictError
from core.reasons import clean_reason
from groups.models import Group, Membership, MembershipRank, MembershipStatus
from groups.models.membership import BELONGING
from groups.services.joining import (
    admit,
    default_role,
    end_is_ahead,
    join_group,
    leave_group,
)
from groups.services.places import recount, row_of, seat, vacate
from groups.services.ranks import (
    Level,
    Standing,
    checked_reason,
    level_of,
    level_of_rank,
    lock_group,
    lock_membership,
    lock_user,
    refuse_above,
    refuse_giving,
    refuse_oneself,
    refuse_past,
    refuse_primary_owner,
    standing_of,
)
from users.models import User

__all__ = [
    "add_member", "admit", "approve_request", "ban_member", "change_member", "decline_request",
    "default_role", "join_group", "leave_group", "remove_member", "remove_memberships",
    "unban_member",
]  # fmt: skip

ADD, CHANGE, REMOVE = (
    "groups.add_membership",
    "groups.change_membership",
    "groups.delete_membership",
)
CHANGEABLE = frozenset({"role", "rank", "expires_at", "reason"})
SHORTEST_REASON = 3  # of a ban


# --- Letting others in ----------------------------------------------------------------------


@transaction.atomic
def approve_request(*, actor: User, membership: Membership) -> Membership:
    """Let in who has asked to join, as a member with the group's default role.

    Raise ``NotAllowedError`` for who may not add members, ``ConflictError`` when there is no
    request any more or the group is full, archived or deleted.
    """
    lock_user(membership.user)
    group = lock_group(membership.group, must_be_active=True)
    standing, row = _managed(actor, group, membership, ADD)
    _refuse_unless_requested(row)
    expires_at = row.expires_at if end_is_ahead(row) else None
    _refuse_seating(standing, row.rank, row.role, expires_at)
    return seat(
        group=group,
        user=row.user,
        role=row.role,
        rank=row.rank,
        expires_at=expires_at,
        action="approve",
        actor=actor,
        granted_by=actor,
    )


@transaction.atomic
def decline_request(*, actor: User, membership: Membership) -> Membership:
    """Refuse who has asked to join; they may ask again. Raise as ``approve_request()`` does."""
    group = lock_group(membership.group)
    _standing, row = _managed(actor, group, membership, ADD)
    _refuse_unless_requested(row)
    return vacate(row, status=MembershipStatus.LEFT, action="decline", actor=actor)


@transaction.atomic
def add_member(
    *,
    actor: User,
    group: Group,
    user: User,
    role: Role | None = None,
    rank: str = MembershipRank.MEMBER,
    expires_at: datetime | None = None,
    reason: str = "",
) -> Membership:
    """Make ``user`` a member, asked or not; without ``role`` with the group's default.

    Raise ``NotAllowedError`` for who may not add members, gives a rank that is not below their
    own, a role that holds more than they do, or an end beyond their own; ``ConflictError`` for a
    member, for who was banned, and when the group is full, archived or deleted.
    """
    lock_user(user)
    group = lock_group(group, must_be_active=True)
    standing = _required(actor, group, user, ADD)
    role = role or default_role(group)
    row = row_of(group, user)
    if row is not None and row.status == MembershipStatus.BANNED:
        raise ConflictError("They were banned from this group. Lift the ban first.", field="user")
    if row is not None and row.is_unexpired:
        raise ConflictError("They are a member already.", field="user")
    if user.pk == group.owner_id:
        refuse_above(standing, Level.PRIMARY_OWNER, permission=ADD)
    _refuse_seating(standing, rank, role, expires_at)
    return seat(
        group=group,
        user=user,
        role=role,
        rank=rank,
        expires_at=expires_at,
        action="add",
        actor=actor,
        invited_by=actor,
        granted_by=actor,
        reason=checked_reason(reason),
    )


# --- Managing members -----------------------------------------------------------------------


@transaction.atomic
def change_member(*, actor: User, membership: Membership, **changes: Any) -> Membership:
    """Change role, rank or end (``None``: for good) of a member, with a reason.

    Raise ``NotAllowedError`` unless the actor may change memberships and stands above the member
    before and after, and as ``add_member()`` does for what is given; ``ConflictError`` for the
    group's owner, who is no member any more, and when an expired one would come back to a full
    group; ``DomainError`` for a bad value.
    """
    if strange := changes.keys() - CHANGEABLE:
        raise TypeError(f"Not a field of a membership that changes: {', '.join(sorted(strange))}.")
    group = lock_group(membership.group)
    standing, row = _managed(actor, group, membership, CHANGE)
    if row.status != MembershipStatus.ACTIVE:
        raise ConflictError("Only an active member can be changed. Approve or add them first.")
    before = audit.snapshot(row)
    role = changes.get("role") or row.role
    rank = changes.get("rank") or row.rank
    expires_at = changes.get("expires_at", row.expires_at)
    refuse_above(standing, level_of_rank(rank), permission=CHANGE)
    if _gives_more(row, role, rank, expires_at):
        refuse_giving(standing, role=role, expires_at=expires_at, permission=CHANGE)
    elif expires_at != row.expires_at:
        refuse_past(expires_at)
    if (role, rank, expires_at) != (row.role, row.rank, row.expires_at):
        row.reason, row.granted_by = "", actor
    row.role, row.rank, row.expires_at = role, rank, expires_at
    row.reason = checked_reason(changes.get("reason", row.reason))
    row.full_clean(validate_unique=False, validate_constraints=False)
    audit.save(row, before=before, actor=actor)
    recount(group)
    return row


def _gives_more(row: Membership, role: Role, rank: str, expires_at: datetime | None) -> bool:
    """Whether the member would hold more than now, or for longer."""
    if not row.is_unexpired or level_of_rank(rank) > level_of_rank(row.rank):
        return True
    if row.expires_at is not None and (expires_at is None or expires_at > row.expires_at):
        return True
    return role.pk != row.role_id and not (
        role.scope == row.role.scope and permissions_of(role) <= permissions_of(row.role)
    )


@transaction.atomic
def remove_member(*, actor: User, membership: Membership, reason: str = "") -> Membership:
    """End somebody's membership, request or invitation; they may join or ask again.

    Raise ``NotAllowedError`` unless the actor may remove members and stands above this one,
    ``ConflictError`` for the group's owner and for who does not belong to it.
    """
    group = lock_group(membership.group)
    _standing, row = _managed(actor, group, membership, REMOVE)
    if row.status not in BELONGING:
        raise ConflictError("They are not a member.")
    reason = checked_reason(reason)
    return vacate(row, status=MembershipStatus.LEFT, action="remove", actor=actor, reason=reason)


@transaction.atomic
def ban_member(*, actor: User, group: Group, user: User, reason: str) -> Membership:
    """End somebody's membership and let them not come back, member or not.

    Raise as ``remove_member()`` does, ``ConflictError`` also for who is banned already, and
    ``DomainError`` without a reason.
    """
    reason = clean_reason(reason, shortest=SHORTEST_REASON)
    group = lock_group(group)
    standing = _required(actor, group, user, REMOVE)
    row = row_of(group, user) or Membership(
        group=group, user=user, role=default_role(group), status=MembershipStatus.LEFT
    )
    refuse_primary_owner(row)
    refuse_above(standing, level_of(row), permission=REMOVE)
    if row.status == MembershipStatus.BANNED:
        raise ConflictError("They are banned already.", field="user")
    return vacate(row, status=MembershipStatus.BANNED, action="ban", actor=actor, reason=reason)


@transaction.atomic
def unban_member(*, actor: User, membership: Membership) -> Membership:
    """Let somebody who was banned join again, which they do by themselves.

    Raise ``NotAllowedError`` for who may not remove members, ``ConflictError`` when there is no
    ban.
    """
    group = lock_group(membership.group)
    _standing, row = _managed(actor, group, membership, REMOVE)
    if row.status != MembershipStatus.BANNED:
        raise ConflictError("They are not banned.")
    return vacate(row, status=MembershipStatus.LEFT, action="unban", actor=actor)


@transaction.atomic
def remove_memberships(rows: QuerySet[Membership]) -> int:
    """Remove rows for good, with their account or group, and count anew; answer how many."""
    group_ids = sorted(set(rows.values_list("group_id", flat=True)))
    _lock_groups(group_ids)
    audit.record_rows(rows, action="delete")
    removed, _by_label = rows.delete()
    for group in Group.objects.filter(pk__in=group_ids):
        recount(group)
    return removed


def _lock_groups(group_ids: Iterable[UUID]) -> None:
    groups = Group.objects.select_for_update(no_key=True).filter(pk__in=list(group_ids))
    list(groups.order_by("pk").values("pk"))


# --- What the actor may do --------------------------------------------------------------------


def _required(actor: User, group: Group, user: User, permission: str) -> Standing:
    standing = standing_of(actor, group)
    standing.require(permission)
    refuse_oneself(actor, user)
    return standing


def _managed(
    actor: User, group: Group, membership: Membership, permission: str
) -> tuple[Standing, Membership]:
    """The actor's standing and the row as it is under the lock, if they may manage it."""
    row = lock_membership(group, membership)
    standing = _required(actor, group, row.user, permission)
    refuse_primary_owner(row)
    refuse_above(standing, level_of(row), permission=permission)
    return standing, row


def _refuse_seating(standing: Standing, rank: str, role: Role, expires_at: datetime | None) -> None:
    refuse_above(standing, level_of_rank(rank), permission=ADD)
    refuse_giving(standing, role=role, expires_at=expires_at, permission=ADD)


def _refuse_unless_requested(row: Membership) -> None:
    if row.status != MembershipStatus.REQUESTED:
        raise ConflictError("There is no request to join any more.")
