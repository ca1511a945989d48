"""When people sign in, and with what: by day and by night, in the week and at weekends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from random import Random
from zoneinfo import ZoneInfo

from truledgr.demo import agents
from truledgr.demo.devices import device_of, set_times
from truledgr.demo.guests import (
    IMPERSONATED_EVERY,
    IMPERSONATED_FROM,
    INTRUDED,
    impersonation_of,
    intrusion_of,
)
from truledgr.demo.names import Place
from truledgr.demo.plan import DAYS_OF_ACTIVITY, Plan, happens
from truledgr.demo.population import Person
from truledgr.demo.risk import assess_in_turn
from truledgr.demo.visits import Source, Visit, address, end_visit, visit_of
from users.models import Device, EndReason, User

# How likely it is to sign in at each hour of the day, and how much of a day a Saturday is.
HOURS = (1, 1, 0, 0, 0, 1, 4, 12, 30, 36, 30, 26, 18, 26, 30, 28, 22, 16, 10, 8, 9, 8, 5, 2)
WEEKEND, SATURDAY = 0.25, 5
MEDIAN_SESSIONS = 9
MOST_SESSIONS = 60
PROGRAM_EVERY = 15
GONE_FOR_DAYS = 14
SIGNED_IN = 0.25  # of the people, in an app that stays signed in for the day
WEIGHTS = (6, 4, 2, 3)  # how often each of the things that they sign in with


@dataclass(slots=True)
class Presence:
    """What a person has signed in from, and when."""

    devices: list[Device]
    visits: list[Visit]

    @property
    def last_login(self) -> datetime | None:
        own = (visit for visit in self.visits if not visit.is_impersonation)
        return max((visit.moments[0] for visit in own), default=None)


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def presence_of(plan: Plan, person: Person, admin: User) -> Presence:
    """Their visits in the order of their beginnings, then perhaps one of ``admin`` as them."""
    random = plan.random("presence", person.number)
    sources = _sources(plan, random, person)
    until = plan.ago(days=GONE_FOR_DAYS) if person.is_gone else plan.anchor
    wanted = int(random.lognormvariate(0, 0.8) * MEDIAN_SESSIONS)
    visits = []
    for number in range(min(max(wanted, 2), MOST_SESSIONS)):
        one = plan.random("session", person.number, number)
        source = one.choices(sources, weights=WEIGHTS[: len(sources)])[0]
        stays = number == 0 and happens(one, SIGNED_IN)
        start = plan.ago(hours=1 + 20 * one.random()) if stays else _start(plan, one, person.place)
        if person.created_at < start < until:
            visits.append(visit_of(plan, one, person, number, start=start, source=source))
            if stays:
                visits[-1].ending = None
    if visits and happens(random, INTRUDED):
        visits += intrusion_of(plan, person, random.choice(visits), until)
    visits.sort(key=lambda visit: visit.moments[0])
    assess_in_turn(visits)
    if person.has_left and visits and not visits[-1].is_stopped:
        visits[-1].ending = EndReason.ACCOUNT_CLOSED
    for visit in visits:
        end_visit(plan, visit)
    devices = {visit.session.device_id: visit.session.device for visit in visits}
    presence = Presence([device for device in devices.values() if device], visits)
    for device in presence.devices:
        set_times(plan, device, visits)
    if person.number % IMPERSONATED_EVERY == IMPERSONATED_FROM:
        presence.visits.append(impersonation_of(plan, person, admin))
    return presence


def _sources(plan: Plan, random: Random, person: Person) -> list[Source]:
    headers = [random.choice(agents.DESKTOPS)]
    if happens(random, 0.7):
        headers.append(random.choice(agents.PHONES))
    if happens(random, 0.2):
        headers.append(random.choice(agents.TABLETS))
    if person.number % PROGRAM_EVERY == 0:
        headers.append(random.choice(agents.BOTS + agents.PROGRAMS))
    return [
        Source(
            device=device_of(plan, random, person, number, header),
            header=header,
            home=address(random),
            place=person.place,
        )
        for number, header in enumerate(headers)
    ]


def _start(plan: Plan, random: Random, place: Place) -> datetime:
    """A moment of the last ninety days, by the clock and the calendar of ``place``."""
    local = plan.anchor.astimezone(_zone(place.timezone))
    day = local - timedelta(days=random.random() * DAYS_OF_ACTIVITY)
    if day.weekday() >= SATURDAY and not happens(random, WEEKEND):
        day -= timedelta(days=day.weekday() - SATURDAY + 1 + random.randrange(5))
    hour = random.choices(range(24), weights=HOURS)[0]
    moment = day.replace(hour=hour, minute=random.randrange(60), second=random.randrange(60))
    return max(moment.astimezone(plan.anchor.tzinfo), plan.ago(days=DAYS_OF_ACTIVITY))
