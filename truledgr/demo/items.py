"""Rows of items, of people and of groups."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any

from items.models import Item, ItemKind
from truledgr.demo.plan import Plan, happens
from truledgr.demo.population import Population
from truledgr.demo.words import ITEM_DESCRIPTIONS, ITEM_NAMES, ITEM_TAGS, SUBJECTS

OF_GROUPS = 0.45


def item_of(plan: Plan, population: Population, number: int) -> Item:
    random = plan.random("item", number)
    kind = random.choice(list(ItemKind))
    owner = group = None
    if population.teams and happens(random, OF_GROUPS):
        group = population.teams[_skewed(random, len(population.teams))]
        author = random.choice(group.active())
        earliest = max(group.created_at, author.created_at)
    else:
        author = owner = population.people[_skewed(random, len(population.people))]
        earliest = author.created_at
    # More of them are new than old.
    created_at = plan.anchor - (plan.anchor - earliest) * random.random() ** 1.8
    version = min(1 + int(random.expovariate(1)), 9)
    updated_at = created_at if version == 1 else plan.between(random, created_at, plan.anchor)
    name = random.choice(ITEM_NAMES[kind]).format(subject=random.choice(SUBJECTS))
    return Item(
        id=plan.key(created_at, "item", number),
        name=name[0].upper() + name[1:],
        description=random.choice(ITEM_DESCRIPTIONS),
        kind=kind,
        is_active=not happens(random, 0.05),
        tags=sorted(random.sample(ITEM_TAGS, random.choice((0, 1, 1, 2, 3)))),
        data=_data(plan, random, kind),
        version=version,
        owner_id=owner.id if owner else None,
        group_id=group.id if group else None,
        created_by_id=author.id,
        created_at=created_at,
        updated_at=updated_at,
    )


def _skewed(random: Random, count: int) -> int:
    """A position; the front has several times as much as the back."""
    return int(count * random.random() ** 1.6)


def _data(plan: Plan, random: Random, kind: ItemKind) -> dict[str, Any]:
    if kind is ItemKind.TASK:
        due = plan.anchor + timedelta(days=random.randint(-60, 60))
        return {
            "due_on": due.date().isoformat(),
            "done": happens(random, 0.5),
            "priority": random.choice(("low", "normal", "high")),
        }
    if kind is ItemKind.DOCUMENT:
        return {
            "format": random.choice(("pdf", "docx", "odt", "xlsx")),
            "pages": random.randint(1, 120),
            "language": random.choice(("en", "de", "fr", "pt", "ja")),
        }
    if kind is ItemKind.ASSET:
        return {
            "serial": f"{random.getrandbits(40):010X}",
            "price": {
                "amount": f"{random.randint(20, 4000)}.{random.randint(0, 99):02}",
                "currency": random.choice(("EUR", "USD", "GBP", "CHF", "BRL")),
            },
            "locations": random.sample(("Berlin", "Lisboa", "Chicago", "東京"), 2),
        }
    return {} if happens(random, 0.6) else {"pinned": True, "colour": "yellow"}
