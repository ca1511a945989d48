"""The risk of the sessions of one person, by the rules of ``users.risk``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC

from truledgr.demo.visits import Visit
from users.models import EndReason
from users.places import Place
from users.risk import Assessment, Facts, Sighting, assess


def assess_in_turn(visits: Sequence[Visit]) -> None:
    """Set the risk of each, oldest first, by what was known then; stop those of the highest."""
    allowed: list[Visit] = []
    devices = set()
    for visit in visits:
        visit.is_known_device = visit.session.device_id in devices
        assessment = _assess(visit, allowed)
        for column, value in assessment.columns.items():
            setattr(visit.session, column, value)
        if assessment.ends:
            _stop(visit)
        else:
            allowed.append(visit)
            devices.add(visit.session.device_id)


def _assess(visit: Visit, before: list[Visit]) -> Assessment:
    hours = [0] * 24
    for other in before:
        hours[other.moments[0].astimezone(UTC).hour] += 1
    last = before[-1] if before else None
    return assess(
        Facts(
            at=visit.moments[0],
            place=_place(visit),
            user_agent=visit.session.user_agent,
            has_history=bool(before),
            is_known_device=visit.is_known_device,
            countries=frozenset(other.place.country for other in before),
            hours=tuple(hours),
            last_seen=Sighting(last.moments[0], _place(last)) if last else None,
            failures=visit.failures,
        )
    )


def _place(visit: Visit) -> Place:
    place = visit.place
    return Place(place.country, place.city, place.latitude, place.longitude)


def _stop(visit: Visit) -> None:
    """The sign-in is refused in the end: nothing is done in the session."""
    session = visit.session
    del visit.moments[1:]
    visit.ending, visit.pause = EndReason.SUSPICIOUS, 0
    session.last_activity_at = visit.moments[0]
    session.request_count = 0
