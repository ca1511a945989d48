"""What is known of a sign-in, or of a session that is being used, when its risk is assessed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from users.places import NOWHERE, Place


@dataclass(frozen=True, slots=True)
class Sighting:
    """When and where an account, or a session, was last seen."""

    at: datetime
    place: Place


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a session is used from, and with what."""

    ip: str
    country: str  # empty when unknown
    agent: str  # browser and system, without versions


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that the rules may look at; the defaults say "not known"."""

    at: datetime
    place: Place = NOWHERE
    user_agent: str = ""
    # Of the account, before now.
    has_history: bool = False
    is_known_device: bool = False
    countries: frozenset[str] = frozenset()  # signed in from
    hours: tuple[int, ...] = ()  # how many sign-ins in each hour of the day, UTC
    last_seen: Sighting | None = None  # with coordinates
    failures: int = 0  # sign-ins that failed since the last one, within a day
    factor_removed_at: datetime | None = None
    password_reset_at: datetime | None = None  # by a mailed link, within a day; no rule's concern
    # Of a session that is being used; empty at the sign-in itself.
    signed_in_from: Origin | None = None
    used_from: Origin | None = None
    device_countries: frozenset[str] = frozenset()  # where it, or its device, has signed in
