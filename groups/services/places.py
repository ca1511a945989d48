"""The places in a group: taking one, giving it up, and counting them. The group's row is locked.

``member_count`` counts the memberships that are active and not expired at the last change of the
group's members. One that expires takes no place: nothing is written at that moment, and the next
change counts anew, before it looks at ``max_members``.
"""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from authorization.access import forget_access
from authorization.models import Role
from core import audit
from core.errors import ConflictError
from groups.models import Group, Membership, MembershipRank, MembershipStatus
from users.models import User


def row_of(group: Group, user: User) -> Membership | None:
    """What binds ``user`` to ``group``, in whatever status."""
    row = group.memberships.select_related("role").filter(user=user).first()
    if row is not None:
        row.group, row.user = group, user
    return row


def recount(group: Group) -> None:
    """Bring ``member_count`` up to date; ``ConflictError`` when there are more than may be."""
    count = group.memberships.unexpired().count()
    if group.max_members is not None and count > group.max_members:
        raise ConflictError(
            f"{group} is full: {group.max_members} members. Somebody has to leave first, or who "
            "runs the group raises max_members.",
            field="group",
        )
    Group.objects.filter(pk=group.pk).update(member_count=count)
    group.member_count = count


def seat(
    *,
    group: Group,
    user: User,
    role: Role,
    rank: str,
    expires_at: datetime | None,
    action: str,
    actor: User,
    invited_by: User | None = None,
    granted_by: User | None = None,
    reason: str = "",
) -> Membership:
    """Make ``user`` an active member as that, whatever bound them to the group before.

    Raise ``ConflictError`` when the group is full. Its owner always sits as owner, for good.
    """
    membership = row_of(group, user) or Membership(group=group, user=user)
    before = None if membership._state.adding else audit.snapshot(membership)
    is_primary = group.owner_id == user.pk
    membership.status = MembershipStatus.ACTIVE
    membership.role = role
    membership.rank = MembershipRank.OWNER if is_primary else rank
    membership.expires_at = None if is_primary else expires_at
    membership.joined_at = timezone.now()
    membership.invited_by = invited_by
    membership.granted_by = granted_by
    membership.reason = reason
    membership.full_clean(validate_unique=False, validate_constraints=False)
    audit.save(membership, action=action, before=before, actor=actor)
    recount(group)
    forget_access(user)
    return membership


def vacate(
    membership: Membership, *, status: str, action: str, actor: User, reason: str = ""
) -> Membership:
    """End a membership, a request or an invitation; the row stays, in the lowest rank."""
    before = None if membership._state.adding else audit.snapshot(membership)
    membership.status = status
    membership.rank = MembershipRank.MEMBER
    membership.reason = reason
    audit.save(membership, action=action, before=before, actor=actor)
    recount(membership.group)
    forget_access(membership.user)
    return membership
