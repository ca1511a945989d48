"""Teams, their members, and whom they ask in."""

from groups.models.group import GROUPS, Group, GroupQuerySet, GroupType
from groups.models.invitation import Invitation, InvitationQuerySet
from groups.models.membership import (
    Membership,
    MembershipQuerySet,
    MembershipRank,
    MembershipStatus,
)

__all__ = [
    "GROUPS",
    "Group",
    "GroupQuerySet",
    "GroupType",
    "Invitation",
    "InvitationQuerySet",
    "Membership",
    "MembershipQuerySet",
    "MembershipRank",
    "MembershipStatus",
]
