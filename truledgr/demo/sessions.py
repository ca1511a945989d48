"""Rows of devices and sessions, by day and by night, in the week and at weekends."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from random import Random
from zoneinfo import ZoneInfo

from django.conf import settings

from truledgr.demo import agents
from truledgr.demo.names import CULTURES, Place
from truledgr.demo.plan import DAYS_OF_ACTIVITY, Plan, happens
from truledgr.demo.population import Person
from users.models import Device, DeviceType, EndReason, UserSession
from users.sessions import SessionStore
from users.user_agents import describe

# How likely it is to sign in at each hour of the day, and how much of a day a Saturday is.
HOURS = (1, 1, 0, 0, 0, 1, 4, 12, 30, 36, 30, 26, 18, 26, 30, 28, 22, 16, 10, 8, 9, 8, 5, 2)
WEEKEND, SATURDAY = 0.25, 5
MEDIAN_SESSIONS = 9
MOST_SESSIONS = 60
PROGRAM_EVERY = 15
GONE_FOR_DAYS = 14
SIGNED_IN = 0.25  # of the people, in an app that stays signed in for the day
SUSPICIOUS_FROM = 60
LOGIN_METHODS = ("password", "oauth:google", "oauth:github", "passkey")
DEVICE_NAMES = {
    DeviceType.DESKTOP: ("Work computer", "Home computer", ""),
    DeviceType.MOBILE: ("My phone", "Work phone", ""),
    DeviceType.TABLET: ("Tablet", "Sofa tablet", ""),
}
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
    user_agent: str


@dataclass(slots=True)
class Presence:
    """What a person has signed in from, and when."""

    devices: list[Device] = field(default_factory=list)
    visits: list[Visit] = field(default_factory=list)

    @property
    def last_login(self) -> datetime | None:
        return max((visit.moments[0] for visit in self.visits), default=None)


def address(random: Random) -> str:
    if happens(random, 0.2):
        return f"2001:db8:{random.randint(1, 0xFFFF):x}::{random.randint(1, 0xFFFF):x}"
    return random.choice(NETWORKS).format(random.randint(1, 254))


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


# --- Devices --------------------------------------------------------------------------------


def presence_of(plan: Plan, person: Person) -> Presence:
    random = plan.random("presence", person.number)
    presence = Presence()
    headers = [random.choice(agents.DESKTOPS)]
    if happens(random, 0.7):
        headers.append(random.choice(agents.PHONES))
    if happens(random, 0.2):
        headers.append(random.choice(agents.TABLETS))
    if person.number % PROGRAM_EVERY == 0:
        headers.append(random.choice(agents.BOTS + agents.PROGRAMS))
    devices = [_device(plan, random, person, n, header) for n, header in enumerate(headers)]
    homes = [address(random) for _ in headers]
    until = plan.ago(days=GONE_FOR_DAYS) if person.is_gone else plan.anchor
    wanted = int(random.lognormvariate(0, 0.8) * MEDIAN_SESSIONS)
    for number in range(min(max(wanted, 2), MOST_SESSIONS)):
        one = plan.random("session", person.number, number)
        which = one.choices(range(len(headers)), weights=(6, 4, 2, 3)[: len(headers)])[0]
        stays = number == 0 and happens(one, SIGNED_IN)
        start = plan.ago(hours=1 + 20 * one.random()) if stays else _start(plan, one, person.place)
        if person.created_at < start < until:
            presence.visits.append(
                _visit(
                    plan,
                    one,
                    person=person,
                    number=number,
                    start=start,
                    device=devices[which],
                    header=headers[which],
                    home=homes[which],
                    stays=stays,
                )
            )
    for device in devices:
        mine = [visit for visit in presence.visits if visit.session.device_id == device.id]
        if mine:
            last = max(mine, key=lambda visit: visit.moments[-1])
            device.first_seen_at = min(visit.moments[0] for visit in mine)
            device.last_seen_at = last.moments[-1]
            device.last_ip = last.session.client_ip
            device.created_at, device.updated_at = device.first_seen_at, device.last_seen_at
            if device.reported_at:
                device.reported_at = min(device.last_seen_at + timedelta(hours=5), plan.anchor)
            presence.devices.append(device)
    return presence


def _device(plan: Plan, random: Random, person: Person, number: int, header: str) -> Device:
    agent = describe(header)
    is_trusted = number == 0 and happens(random, 0.3)
    return Device(
        id=plan.key(person.created_at, "device", person.number, number),
        user_id=person.id,
        fingerprint=sha256(f"{person.id}:{header}".encode()).hexdigest(),
        name=random.choice(DEVICE_NAMES.get(agent.device_type, ("",))),
        device_type=agent.device_type,
        browser=agent.browser,
        os=agent.os,
        trusted_until=plan.ago(days=random.randint(-25, 25)) if is_trusted else None,
        trust_secret_hash=sha256(secrets.token_bytes(32)).hexdigest() if is_trusted else "",
        reported_at=plan.anchor if happens(random, 0.02) else None,
    )


# --- Sessions -------------------------------------------------------------------------------


def _start(plan: Plan, random: Random, place: Place) -> datetime:
    """A moment of the last ninety days, by the clock and the calendar of ``place``."""
    local = plan.anchor.astimezone(_zone(place.timezone))
    day = local - timedelta(days=random.random() * DAYS_OF_ACTIVITY)
    if day.weekday() >= SATURDAY and not happens(random, WEEKEND):
        day -= timedelta(days=day.weekday() - SATURDAY + 1 + random.randrange(5))
    hour = random.choices(range(24), weights=HOURS)[0]
    moment = day.replace(hour=hour, minute=random.randrange(60), second=random.randrange(60))
    return max(moment.astimezone(plan.anchor.tzinfo), plan.ago(days=DAYS_OF_ACTIVITY))


def _visit(
    plan: Plan,
    random: Random,
    *,
    person: Person,
    number: int,
    start: datetime,
    device: Device,
    header: str,
    home: str,
    stays: bool,
) -> Visit:
    # Drawn before anything that depends on the anchor.
    gaps = [random.expovariate(1 / 150) for _ in range(random.randint(2, 15))]
    reason = random.choices(list(ENDINGS), weights=list(ENDINGS.values()))[0]
    is_suspicious = happens(random, 0.03)
    is_stopped = happens(random, 0.5)
    abroad = random.choice(random.choice(CULTURES).places)
    moments = [start]
    for gap in gaps:
        moments.append(moments[-1] + timedelta(seconds=min(gap, settings.SESSION_IDLE_SECONDS)))
    moments = [moment for moment in moments if moment < plan.anchor]
    place = abroad if is_suspicious else person.place
    agent = describe(header)
    session = UserSession(
        id=plan.key(start, "session", person.number, number),
        key_hash=sha256(secrets.token_bytes(32)).hexdigest(),
        expires_at=start + timedelta(seconds=settings.SESSION_COOKIE_AGE),
        idle_expires_at=moments[-1] + timedelta(seconds=settings.SESSION_IDLE_SECONDS),
        user_id=person.id,
        device=device,
        login_method=_login_method(random, agent.device_type),
        client_ip=address(random) if is_suspicious or happens(random, 0.2) else home,
        user_agent=header,
        device_type=agent.device_type,
        browser=agent.browser,
        os=agent.os,
        country=place.country,
        city=place.city,
        last_activity_at=moments[-1],
        request_count=len(moments),
        risk_score=random.randint(SUSPICIOUS_FROM, 95)
        if is_suspicious
        else random.choice((0, 0, 0, 5, 10, 20, 35)),
        is_suspicious=is_suspicious,
        verified_factor_at=start if happens(random, 0.25) else None,
        created_at=start,
        updated_at=moments[-1],
    )
    if is_suspicious and is_stopped:
        reason = EndReason.SUSPICIOUS
    _end(plan, random, session, None if stays else reason)
    return Visit(person.number, number, session, moments, header)


def _login_method(random: Random, device_type: str) -> str:
    if device_type in {DeviceType.BOT, DeviceType.OTHER}:
        return "token"
    return random.choices(LOGIN_METHODS, weights=(60, 20, 8, 12))[0]


def _end(plan: Plan, random: Random, session: UserSession, reason: EndReason | None) -> None:
    """End the session for ``reason``, or leave it open when that is still to come."""
    if reason is None:
        ended_at = plan.anchor
    elif reason is EndReason.EXPIRED:
        ended_at = min(session.expires_at, session.idle_expires_at)
    else:
        ended_at = session.last_activity_at + timedelta(seconds=random.randint(1, 300))
    if reason and ended_at < plan.anchor:
        session.ended_at, session.end_reason = ended_at, reason
        session.updated_at = ended_at
    else:
        session.session_data = SessionStore().encode({})
        session.idle_expires_at = session.expires_at
