"""One set of demo data: how large, from which seed, anchored to which moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from random import Random
from uuid import UUID

PEOPLE_PER_GROUP = 5
DAYS_OF_ACTIVITY = 90

# RFC 9562, section 5.7: 48 bits of milliseconds, then version and variant among random bits.
VERSION_7 = 0x7 << 76
VARIANT = 0b10 << 62
RANDOM_BITS = (0xFFF << 64) | ((1 << 62) - 1)


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that decides what is made.

    Two plans that differ in ``anchor`` alone make the same people and items, at other moments.
    ``suffix`` keeps a set apart from names that the database holds already.
    """

    seed: int
    users: int
    items: int
    anchor: datetime
    suffix: str = ""

    def random(self, *what: object) -> Random:
        """A stream of its own for each thing, so that none depends on the order of making."""
        return Random(f"{self.seed}:{self.users}:{self.items}:{what}")  # noqa: S311

    def key(self, moment: datetime, *what: object) -> UUID:
        """A UUIDv7 that says ``moment``; the same for the same thing on every run."""
        digest = sha256(f"{self.seed}:{self.users}:{self.items}:{what}".encode()).digest()
        random_bits = int.from_bytes(digest[:16]) & RANDOM_BITS
        milliseconds = int(moment.timestamp() * 1000) << 80
        return UUID(int=milliseconds | VERSION_7 | VARIANT | random_bits)

    def ago(self, **span: float) -> datetime:
        return self.anchor - timedelta(**span)

    def between(self, random: Random, start: datetime, end: datetime) -> datetime:
        return start + (end - start) * random.random()


def happens(random: Random, chance: float) -> bool:
    return random.random() < chance


def numbered(names: Sequence[str], separator: str) -> list[str]:
    """The same names, each made unique: the second ``ann`` becomes ``ann2``."""
    seen: Counter[str] = Counter()
    unique = []
    for name in names:
        seen[name] += 1
        unique.append(f"{name}{separator}{seen[name]}" if seen[name] > 1 else name)
    return unique
