"""Who else is in the sessions of a person: thieves of passwords, and staff."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256

from django.conf import settings

from truledgr.demo import agents
from truledgr.demo.devices import device_of
from truledgr.demo.names import CULTURES
from truledgr.demo.plan import Plan, happens
from truledgr.demo.population import Person
from truledgr.demo.visits import Source, Visit, address, end_visit, moments_of, visit_of
from users.models import EndReason, User

INTRUDED = 0.3  # of the people: somebody else has found out their password
HURRIED = 0.5  # of the intruders: soon after the owner was there, and far away
IMPERSONATED_EVERY, IMPERSONATED_FROM = 10, 5
IMPERSONATION = "impersonation"
REASONS_TO_IMPERSONATE = (
    "Ticket 4711: the list of items stays empty",
    "Call: cannot find the group that they were invited to",
    "Checks what the new role shows, as agreed by phone",
)
INTRUDER, STAFF = 1_000, 1_001  # numbers that no visit of the person has


def intrusion_of(plan: Plan, person: Person, before: Visit, until: datetime) -> list[Visit]:
    """Somebody abroad guesses the password, at a device of their own; none if that lies ahead."""
    number = INTRUDER
    random = plan.random("intrusion", person.number)
    later = random.uniform(1, 3) if happens(random, HURRIED) else random.uniform(24, 200)
    start = before.moments[0] + timedelta(hours=later)
    abroad = [
        place
        for culture in CULTURES
        for place in culture.places
        if place.country != person.place.country
    ]
    header = random.choice(agents.DESKTOPS)
    device = device_of(plan, random, person, number, header)
    device.fingerprint = sha256(f"{person.id}:intruder".encode()).hexdigest()
    device.name, device.trusted_until, device.trust_secret_hash = "", None, ""
    source = Source(device, header, address(random), random.choice(abroad))
    if start >= until:
        return []
    visit = visit_of(plan, random, person, number, start=start, source=source)
    visit.failures = random.randint(5, 12)
    return [visit]


def impersonation_of(plan: Plan, person: Person, admin: User) -> Visit:
    """``admin`` looks at the site as ``person`` sees it, for some minutes."""
    number = STAFF
    random = plan.random("impersonation", person.number)
    start = plan.between(random, max(person.created_at, plan.ago(days=60)), plan.ago(hours=2))
    gaps = [random.uniform(5, 100) for _ in range(random.randint(3, 9))]
    place = random.choice(random.choice(CULTURES).places)
    source = Source(None, random.choice(agents.DESKTOPS), address(random), place)
    visit = visit_of(plan, random, person, number, start=start, source=source)
    visit.moments = moments_of(plan, start, gaps)
    visit.ending = EndReason.IMPERSONATION_ENDED
    session = visit.session
    session.impersonator = admin
    session.impersonation_reason = random.choice(REASONS_TO_IMPERSONATE)
    session.is_read_only = True
    session.is_remembered = False
    session.signed_in_at = session.verified_factor_at = None
    session.login_method = IMPERSONATION
    session.expires_at = start + timedelta(seconds=settings.IMPERSONATION_SECONDS)
    session.idle_expires_at = session.expires_at
    session.last_activity_at = visit.moments[-1]
    session.request_count = len(visit.moments)
    end_visit(plan, visit)
    return visit
