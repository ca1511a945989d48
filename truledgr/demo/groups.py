"""Rows of groups and their memberships."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from hashlib import sha256

from authorization.models import Role
from groups.models import (
    Group,
    GroupType,
    Invitation,
    Membership,
    MembershipRank,
    MembershipStatus,
)
from truledgr.demo.plan import Plan, happens
from truledgr.demo.population import Member, Team
from truledgr.demo.words import GROUP_DESCRIPTIONS, GROUP_TAGS

# One group in so many is archived.
ARCHIVED_EVERY, ARCHIVED = 12, 7
INVITING_EVERY = 3


def group_of(plan: Plan, team: Team) -> Group:
    random = plan.random("group row", team.number)
    active = len(team.active())
    is_community = team.group_type == GroupType.COMMUNITY
    return Group(
        id=team.id,
        name=team.name,
        slug=team.slug,
        description=GROUP_DESCRIPTIONS[team.group_type],
        group_type=team.group_type,
        is_public=is_community or happens(random, 0.3),
        is_open=is_community and happens(random, 0.7),
        is_active=team.number % ARCHIVED_EVERY != ARCHIVED,
        member_count=active,
        max_members=active + random.randint(0, 20) if happens(random, 0.3) else None,
        tags=sorted(random.sample(GROUP_TAGS, random.randint(0, 3))),
        settings={
            "members_may_invite": is_community,
            "invitation_days": random.choice([3, 7, 14]),
        },
        owner_id=team.owner.id,
        created_by_id=team.owner.id,
        created_at=team.created_at,
        updated_at=plan.between(random, team.created_at, plan.anchor),
    )


def memberships_of(plan: Plan, team: Team, roles: Mapping[str, Role]) -> Iterator[Membership]:
    for place, member in enumerate(team.members):
        random = plan.random("membership", team.number, place)
        start = max(team.created_at, member.person.created_at)
        joined = start if member.rank == MembershipRank.OWNER else (
            plan.between(random, start, plan.anchor)
        )  # fmt: skip
        invited = member.rank != MembershipRank.OWNER and (
            member.status == MembershipStatus.INVITED or happens(random, 0.5)
        )
        was_in = member.status in {MembershipStatus.ACTIVE, MembershipStatus.LEFT}
        yield Membership(
            group_id=team.id,
            user_id=member.person.id,
            role=roles[member.role],
            rank=member.rank,
            status=member.status,
            joined_at=joined if was_in else None,
            invited_by_id=team.owner.id if invited else None,
            granted_by_id=team.owner.id,
            expires_at=_expiry(plan, place, member, joined),
            reason=_reason(member),
            created_at=joined,
            updated_at=joined,
        )


def invitations_of(plan: Plan, team: Team, roles: Mapping[str, Role]) -> Iterator[Invitation]:
    """One that waits and one that nobody answered, for every third group."""
    if team.number % INVITING_EVERY:
        return
    for place, days_ago in enumerate((1, 30)):
        random = plan.random("invitation", team.number, place)
        sent = max(team.created_at, plan.ago(days=days_ago))
        yield Invitation(
            id=plan.key(sent, "invitation", team.number, place),
            group_id=team.id,
            email=f"guest{team.number}-{place}{plan.suffix}@example.org",
            role=roles["group-viewer" if happens(random, 0.5) else "group-member"],
            token_hash=sha256(plan.key(sent, "token", team.number, place).bytes).hexdigest(),
            expires_at=sent + timedelta(days=7),
            sent_at=sent,
            invited_by_id=team.owner.id,
            created_at=sent,
            updated_at=sent,
        )


def _reason(member: Member) -> str:
    return "Posted advertisements" if member.status == MembershipStatus.BANNED else ""


def _expiry(plan: Plan, place: int, member: Member, joined: datetime) -> datetime | None:
    """Guests stay for a time: some are still here, some have outstayed it."""
    if member.role != "group-viewer":
        return None
    return {0: joined + timedelta(days=60), 1: plan.ago(days=-45)}.get(place % 3)
