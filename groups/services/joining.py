"""Becoming a member by oneself, by an invitation, and leaving again."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from authorization.models import Role
from core import audit
from core.errors import ConflictError, NotAllowedError
from groups.models import Group, Membership, MembershipRank, MembershipStatus
from groups.models.membership import BELONGING
from groups.options import options_of
from groups.request_mails import mail_request
from groups.services.ownership import make_owner, successor_of
from groups.services.places import recount, row_of, seat, vacate
from groups.services.ranks import lock_group, lock_user, refuse_role
from users.models import User


def default_role(group: Group) -> Role:
    """What whoever joins ``group`` holds, if nothing else is said."""
    return options_of(group).role()


@transaction.atomic
def join_group(*, actor: User, group: Group) -> Membership:
    """Become a member of an open and public group, or of one that has invited the actor.

    Of another one that they may see, ask to. Who had been given an end comes back at once only
    until then, and asks afterwards. Asking again changes nothing.

    Raise ``NotAllowedError`` for who was banned or may not see the group, ``ConflictError`` for a
    member, and when the group is full, archived or deleted.
    """
    lock_user(actor)
    group = lock_group(group, must_be_active=True)
    row = row_of(group, actor)
    _refuse_joining(row)
    if row is not None and row.status == MembershipStatus.INVITED and end_is_ahead(row):
        return seat(
            group=group,
            user=actor,
            role=row.role,
            rank=row.rank,
            expires_at=row.expires_at,
            action="join",
            actor=actor,
            invited_by=row.invited_by,
            granted_by=row.granted_by,
            reason=row.reason,
        )
    if not actor.has_perm("groups.view_group", group):
        raise NotAllowedError("You may not join this group. Ask somebody in it to invite you.")
    if group.is_open and group.is_public and (row is None or end_is_ahead(row)):
        return seat(
            group=group,
            user=actor,
            role=default_role(group),
            rank=MembershipRank.MEMBER,
            expires_at=row.expires_at if row else None,
            action="join",
            actor=actor,
        )
    return _ask(group, actor, row)


def _refuse_joining(row: Membership | None) -> None:
    if row is None:
        return
    if row.status == MembershipStatus.BANNED:
        raise NotAllowedError("You were banned from this group.")
    if row.is_unexpired:
        raise ConflictError("You are a member already.")


def end_is_ahead(row: Membership) -> bool:
    return row.expires_at is None or row.expires_at > timezone.now()


def _ask(group: Group, actor: User, row: Membership | None) -> Membership:
    if row is not None and row.status == MembershipStatus.REQUESTED:
        return row
    row = row or Membership(group=group, user=actor)
    before = None if row._state.adding else audit.snapshot(row)
    row.status, row.rank = MembershipStatus.REQUESTED, MembershipRank.MEMBER
    row.role, row.reason = default_role(group), ""
    row.invited_by = row.granted_by = None
    audit.save(row, action="request", before=before, actor=actor)
    recount(group)  # an expired membership may have become a request
    if options_of(group).mail_requests_to_admins:
        mail_request(row)
    return row


@transaction.atomic
def leave_group(*, actor: User, group: Group) -> None:
    """End the actor's membership; take back a request, or refuse an invitation.

    When the owner leaves, the longest-standing other owner takes over. Raise ``ConflictError``
    when there is none, when the actor does not belong to the group, or when it is deleted.
    """
    group = lock_group(group)
    row = row_of(group, actor)
    if group.owner_id == actor.pk:
        successor = successor_of(group)
        if successor is None:
            raise ConflictError(
                "You answer for this group. Hand it over (transfer), give another member the rank "
                "of an owner without an end, or delete the group."
            )
        make_owner(group, successor, actor=actor)
        if row is None:
            return
    elif row is None or row.status not in BELONGING:
        raise ConflictError("You are not a member.")
    vacate(row, status=MembershipStatus.LEFT, action="leave", actor=actor)


def admit(
    *,
    group: Group,
    user: User,
    role: Role,
    rank: str,
    expires_at: datetime | None,
    invited_by: User | None,
) -> Membership:
    """Make ``user`` a member as they were invited to be; the caller has locked the group.

    Raise ``NotAllowedError`` for who was banned; ``ConflictError`` for a member, an end that has
    passed, and when the group is full, archived or deleted.
    """
    if group.is_deleted or not group.is_active:
        raise ConflictError("The group is archived or deleted: nobody can join it.", field="group")
    _refuse_joining(row_of(group, user))
    if expires_at is not None and expires_at <= timezone.now():
        raise ConflictError("The membership that was offered has ended. Ask for a new one.")
    refuse_role(role)
    return seat(
        group=group,
        user=user,
        role=role,
        rank=rank,
        expires_at=expires_at,
        action="join",
        actor=user,
        invited_by=invited_by,
        granted_by=invited_by,
    )
