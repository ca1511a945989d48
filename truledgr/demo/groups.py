"""Rows of groups and their memberships."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from authorization.models import Role
from groups.models import Group, GroupType, Membership, MembershipRank, MembershipStatus
from truledgr.demo.plan import Plan, happens
from truledgr.demo.population import Member, Team
from truledgr.demo.words import GROUP_DESCRIPTIONS, GROUP_TAGS

# One group in so many is archived.
ARCHIVED_EVERY, ARCHIVED = 12, 7


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
            "notify_members": happens(random, 0.5),
            "colour": f"#{random.getrandbits(24):06x}",
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
            created_at=joined,
            updated_at=joined,
        )


def _expiry(plan: Plan, place: int, member: Member, joined: datetime) -> datetime | None:
    """Guests stay for a time: some are still here, some have outstayed it."""
    if member.role != "group-viewer":
        return None
    return {0: joined + timedelta(days=60), 1: plan.ago(days=-45)}.get(place % 3)
