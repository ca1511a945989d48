"""Who there is and who is in which group: facts in memory, before any row is made."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.utils.text import slugify

from groups.models import GroupType, MembershipRank, MembershipStatus
from truledgr.demo.names import CULTURES, Culture, Place
from truledgr.demo.plan import PEOPLE_PER_GROUP, Plan, happens, numbered
from truledgr.demo.words import GROUP_NAMES

LARGEST_GROUP = 24
# One person in so many is locked out, another has left.
GONE_EVERY, LOCKED_OUT, LEFT = 25, 17, 12


@dataclass(frozen=True, slots=True)
class Person:
    number: int
    id: UUID
    created_at: datetime
    username: str
    email: str
    first_name: str
    last_name: str
    culture: Culture
    place: Place

    @property
    def is_locked_out(self) -> bool:
        return self.number % GONE_EVERY == LOCKED_OUT

    @property
    def has_left(self) -> bool:
        """To be deleted, unless a group is theirs."""
        return self.number % GONE_EVERY == LEFT

    @property
    def is_gone(self) -> bool:
        return self.is_locked_out or self.has_left


@dataclass(frozen=True, slots=True)
class Member:
    person: Person
    rank: MembershipRank
    role: str
    status: MembershipStatus


@dataclass(frozen=True, slots=True)
class Team:
    """A group and its members, the owner first."""

    number: int
    id: UUID
    created_at: datetime
    name: str
    slug: str
    group_type: GroupType
    members: tuple[Member, ...]

    @property
    def owner(self) -> Person:
        return self.members[0].person

    def active(self) -> list[Person]:
        return [m.person for m in self.members if m.status == MembershipStatus.ACTIVE]


@dataclass(frozen=True, slots=True)
class Population:
    people: list[Person]
    teams: list[Team]

    @classmethod
    def of(cls, plan: Plan) -> Population:
        people = _people(plan)
        return cls(people, _teams(plan, people))


# --- People ---------------------------------------------------------------------------------


def _people(plan: Plan) -> list[Person]:
    drawn = [_drawn(plan, number) for number in range(plan.users)]
    names = numbered([username for *_, username in drawn], "")
    return [
        Person(
            number=number,
            id=plan.key(created_at, "user", number),
            created_at=created_at,
            username=name + plan.suffix,
            email=f"{name}{plan.suffix}@example.{('org', 'com', 'net')[number % 3]}",
            first_name=first_name,
            last_name=last_name,
            culture=culture,
            place=place,
        )
        for number, (
            (created_at, culture, place, first_name, last_name, _), name
        ) in enumerate(zip(drawn, names, strict=True))
    ]  # fmt: skip


def _drawn(plan: Plan, number: int) -> tuple[datetime, Culture, Place, str, str, str]:
    random = plan.random("user", number)
    culture = random.choice(CULTURES)
    place = random.choice(culture.places)
    first_name, first_ascii = _spelled(random.choice(culture.first_names))
    last_name, last_ascii = _spelled(random.choice(culture.last_names))
    # Most have been here for longer than the activity goes back; some have come since.
    created_at = plan.ago(days=1 + 720 * random.random() ** 0.7)
    return created_at, culture, place, first_name, last_name, f"{first_ascii}.{last_ascii}"


def _spelled(name: str) -> tuple[str, str]:
    """A name, and how it is written in a username."""
    shown, _, given = name.partition("|")
    letters = given or unicodedata.normalize("NFKD", shown).encode("ascii", "ignore").decode()
    return shown, re.sub(r"[^a-z]", "", letters.lower())


# --- Groups ---------------------------------------------------------------------------------


def _teams(plan: Plan, people: list[Person]) -> list[Team]:
    count = len(people) // PEOPLE_PER_GROUP
    names = numbered([_team_name(number) for number in range(count)], " ")
    return [_team(plan, people, number, name) for number, name in enumerate(names)]


def _team_type(number: int) -> GroupType:
    return list(GroupType)[number % len(GroupType)]


def _team_name(number: int) -> str:
    names = GROUP_NAMES[_team_type(number)]
    return names[number // len(GroupType) % len(names)]


def _team(plan: Plan, people: list[Person], number: int, name: str) -> Team:
    random = plan.random("group", number)
    size = min(len(people), random.randint(3, LARGEST_GROUP))
    # The first owns, the second administers.
    chosen = random.sample(people, size)
    founded = max(member.created_at for member in chosen[:2]) + timedelta(hours=1)
    return Team(
        number=number,
        id=plan.key(founded, "group", number),
        created_at=founded,
        name=name,
        slug=slugify(f"{name} {plan.suffix}"),
        group_type=_team_type(number),
        members=tuple(_member(plan, number, place, who) for place, who in enumerate(chosen)),
    )


def _member(plan: Plan, team: int, place: int, person: Person) -> Member:
    random = plan.random("member", team, place)
    if place == 0:
        return Member(person, MembershipRank.OWNER, "group-owner", MembershipStatus.ACTIVE)
    if place == 1 or happens(random, 0.08):
        return Member(person, MembershipRank.ADMIN, "group-admin", MembershipStatus.ACTIVE)
    role = "group-viewer" if happens(random, 0.25) else "group-member"
    status = random.choices(list(MembershipStatus), weights=(6, 4, 80, 8, 2))[0]
    return Member(person, MembershipRank.MEMBER, role, status)
