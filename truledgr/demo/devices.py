"""Rows of devices."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import timedelta
from hashlib import sha256
from random import Random

from truledgr.demo.plan import Plan, happens
from truledgr.demo.population import Person
from truledgr.demo.visits import Visit
from users.models import Device, DeviceType
from users.user_agents import describe

DEVICE_NAMES = {
    DeviceType.DESKTOP: ("Work computer", "Home computer", ""),
    DeviceType.MOBILE: ("My phone", "Work phone", ""),
    DeviceType.TABLET: ("Tablet", "Sofa tablet", ""),
}


def device_of(plan: Plan, random: Random, person: Person, number: int, header: str) -> Device:
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


def set_times(plan: Plan, device: Device, visits: Iterable[Visit]) -> None:
    mine = [visit for visit in visits if visit.session.device_id == device.id]
    last = max(mine, key=lambda visit: visit.moments[-1])
    device.first_seen_at = min(visit.moments[0] for visit in mine)
    device.last_seen_at = last.moments[-1]
    device.last_ip = last.session.client_ip
    device.created_at, device.updated_at = device.first_seen_at, device.last_seen_at
    if device.reported_at:
        device.reported_at = min(device.last_seen_at + timedelta(hours=5), plan.anchor)
