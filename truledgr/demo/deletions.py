"""What was deleted again: some items, a group with its items, people who have left."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from core.soft_delete import SoftDeleteQuerySet
from groups.models import Group
from items.models import Item
from truledgr.demo.items import item_of
from truledgr.demo.plan import Plan
from truledgr.demo.population import Population
from users.models import User

ITEM_EVERY, ITEM_FROM = 17, 5
GROUP_EVERY, GROUP_FROM = 20, 3
DELETES_OF_ITEMS = 40


def deletions_of(plan: Plan, population: Population) -> Iterator[SoftDeleteQuerySet[Any]]:
    """Rows to delete together, one delete after the other; empty where it is done already."""
    numbers = range(ITEM_FROM, plan.items, ITEM_EVERY)
    at_once = 1 + len(numbers) // DELETES_OF_ITEMS
    for start in range(0, len(numbers), at_once):
        batch = numbers[start : start + at_once]
        keys = [item_of(plan, population, number).pk for number in batch]
        yield Item.objects.alive().filter(pk__in=keys)
    owners = {team.owner.id for team in population.teams}
    for person in population.people:
        if person.has_left and person.id not in owners:
            yield User.objects.alive().filter(pk=person.id)
    for team in population.teams[GROUP_FROM::GROUP_EVERY]:
        yield Group.objects.alive().filter(pk=team.id)
