"""Visits: a session each, and the moments at which something is done in it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from random import Random

from django.conf import settings

from truledgr.demo.names import Place
from truledgr.demo.plan import Plan, happens
from truledgr.demo.population import Person
from users.models import Device, DeviceType, EndReason, UserSession
from users.sessions import SessionStore
from users.user_agents import describe

REMEMBERED = 0.2
LOGIN_METHODS = ("password", "oauth:google", "oauth:github", "passkey")
# Left to itself a session expires; these end one before.
ENDINGS = {
    EndReason.SIGNED_OUT: 40,
    EndReason.EXPIRED: 45,
    EndReason.REVOKED_BY_OWNER: 4,
    EndReason.REVOKED_BY_STAFF: 3,
    EndReason.PASSWORD_CHANGED: 4,
}
# Reserved for documentation (RFC 5737, RFC 3849): nobody's address.
NETWORKS = ("192.0.2.{}", "198.51.100.{}", "203.0.113.{}")


@dataclass(slots=True)
class Visit:
    """The ``number``-th session of a person and the moments of its requests, sign-in first."""

    person: int
    number: int
    session: UserSession
    moments: list[datetime]
    place: Place
    failures: int  # wrong tries just before
    ending: EndReason | None  # None: it stays open
    pause: int  # seconds from the last request to an end that is not its expiry
    is_known_device: bool = True

    @property
    def is_stopped(self) -> bool:
        """Whether the sign-in was too risky to be let in."""
        return self.ending is EndReason.SUSPICIOUS

    @property
    def is_impersonation(self) -> bool:
        return self.session.impersonator_id is not None


@dataclass(frozen=True, slots=True)
class Source:
    """What somebody signs in with, and from where."""

    device: Device | None
    header: str
    home: str
    place: Place


def address(random: Random) -> str:
    if happens(random, 0.2):
        return f"2001:db8:{random.randint(1, 0xFFFF):x}::{random.randint(1, 0xFFFF):x}"
    return random.choice(NETWORKS).format(random.randint(1, 254))


def visit_of(
    plan: Plan,
    random: Random,
    person: Person,
    number: int,
    *,
    start: datetime,
    source: Source,
) -> Visit:
    """One that is not ended yet; ``end_visit()`` does that, when all is known of it."""
    # Drawn before anything that depends on the anchor.
    gaps = [random.expovariate(1 / 150) for _ in range(random.randint(2, 15))]
    reason = random.choices(list(ENDINGS), weights=list(ENDINGS.values()))[0]
    failures = random.choice((0,) * 9 + (1, 2))
    has_factor = happens(random, 0.25)
    is_remembered = not has_factor and happens(random, REMEMBERED)
    moments = moments_of(plan, start, gaps)
    agent = describe(source.header)
    idle, absolute = (
        (settings.SESSION_REMEMBERED_IDLE_SECONDS, settings.SESSION_REMEMBERED_SECONDS)
        if is_remembered
        else (settings.SESSION_IDLE_SECONDS, settings.SESSION_COOKIE_AGE)
    )
    session = UserSession(
        id=plan.key(start, "session", person.number, number),
        key_hash=sha256(secrets.token_bytes(32)).hexdigest(),
        expires_at=start + timedelta(seconds=absolute),
        idle_expires_at=moments[-1] + timedelta(seconds=idle),
        user_id=person.id,
        device=source.device,
        signed_in_at=start,
        is_remembered=is_remembered,
        login_method=_login_method(random, agent.device_type),
        client_ip=address(random) if happens(random, 0.2) else source.home,
        user_agent=source.header,
        device_type=agent.device_type,
        browser=agent.browser,
        os=agent.os,
        country=source.place.country,
        city=source.place.city,
        latitude=source.place.latitude,
        longitude=source.place.longitude,
        last_activity_at=moments[-1],
        request_count=len(moments),
        verified_factor_at=start if has_factor else None,
        created_at=start,
        updated_at=moments[-1],
    )
    return Visit(
        person=person.number,
        number=number,
        session=session,
        moments=moments,
        place=source.place,
        failures=failures,
        ending=reason,
        pause=random.randint(1, 300),
    )


def moments_of(plan: Plan, start: datetime, gaps: list[float]) -> list[datetime]:
    moments = [start]
    for gap in gaps:
        moments.append(moments[-1] + timedelta(seconds=min(gap, settings.SESSION_IDLE_SECONDS)))
    return [moment for moment in moments if moment < plan.anchor]


def _login_method(random: Random, device_type: str) -> str:
    if device_type in {DeviceType.BOT, DeviceType.OTHER}:
        return "token"
    return random.choices(LOGIN_METHODS, weights=(60, 20, 8, 12))[0]


def end_visit(plan: Plan, visit: Visit) -> None:
    """End the session as ``visit`` says, or leave it open when that is still to come."""
    session, reason = visit.session, visit.ending
    if reason is None:
        ended_at = plan.anchor
    elif reason is EndReason.EXPIRED:
        ended_at = min(session.expires_at, session.idle_expires_at)
    else:
        ended_at = session.last_activity_at + timedelta(seconds=visit.pause)
    if reason and ended_at < plan.anchor:
        session.ended_at, session.end_reason = ended_at, reason
        session.updated_at = ended_at
    else:
        session.session_data = SessionStore().encode({})
        session.idle_expires_at = session.expires_at
