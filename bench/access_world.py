"""Who there is, who belongs where and which item is whose: the same for both contestants.

Numbers stand for people, groups and items, so that each contestant gives them keys of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

PAGE = 100
VIEW = "view_item"
# The people who are measured, by their number.
FEW, MEMBER, MANY, STAFF = 0, 1, 2, 3
EACH_DELETED = 10  # one in so many
KINDS = {
    "a person with own items alone": FEW,
    "a member of 5 groups": MEMBER,
    "a member of 1,000 groups": MANY,
    "staff, who see everything": STAFF,
}
START = datetime(2025, 1, 1, tzinfo=UTC)
ITEM_COLUMNS = (
    "id", "name", "description", "kind", "is_active", "tags", "data", "version", "owner_id",
    "group_id", "created_by_id", "created_at", "updated_at", "is_deleted", "deleted_at",
    "deletion_id",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class World:
    """Half of the items are of people, half of groups; of each nine tenths are live."""

    rows: int
    people: int = 10_000
    groups: int = 2_000
    memberships_each: int = 5

    def groups_of(self, person: int) -> Iterator[int]:
        if person in {FEW, STAFF}:
            return
        count = min(self.groups, 1_000) if person == MANY else self.memberships_each
        for number in range(count):
            yield (person * 7 + number * (1 if person == MANY else 31)) % self.groups

    def owner_of(self, item: int) -> int | None:
        return None if item % 2 else item // 2 % self.people

    def group_of(self, item: int) -> int | None:
        return item // 2 % self.groups if item % 2 else None

    def items(
        self,
        *,
        adapt: Callable[[UUID], Any],
        person: Callable[[int], Any],
        group: Callable[[int], Any],
    ) -> Iterator[tuple[Any, ...]]:
        """The rows of ``ITEM_COLUMNS``, oldest first, with the keys that a contestant gives."""
        people = [person(number) for number in range(self.people)]
        groups = [group(number) for number in range(self.groups)]
        deletion = adapt(UUID(int=1))
        for number in range(self.rows):
            owner, team = self.owner_of(number), self.group_of(number)
            moment = START + timedelta(milliseconds=number)
            is_deleted = number // 2 % 10 == EACH_DELETED - 1
            yield (
                adapt(item_key(number)), f"Item {number}", "A few words about it.", "note", True,
                "[]", '{"pages": 12, "format": "pdf"}', 1,
                None if owner is None else people[owner], None if team is None else groups[team],
                people[owner or 0], moment, moment, is_deleted,
                moment if is_deleted else None, deletion if is_deleted else None,
            )  # fmt: skip


def person_key(number: int) -> UUID:
    return _key(0xA, number)


def group_key(number: int) -> UUID:
    return _key(0xB, number)


def item_key(number: int) -> UUID:
    return _key(number, number)


def _key(milliseconds: int, number: int) -> UUID:
    """A UUIDv7, in the order of its number."""
    return UUID(int=(1_735_689_600_000 + milliseconds) << 80 | 0x7 << 76 | 0b10 << 62 | number)
