"""The log of what was done in the sessions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

from truledgr.demo import agents
from truledgr.demo.plan import Plan, happens
from truledgr.demo.visits import Visit, address
from users.models import ActivityType, EndReason, SessionActivity
from users.user_agents import describe

# (route, method, status), and how many in a hundred requests.
REQUESTS = {
    ("item-list", "GET", 200): 26,
    ("item-detail", "GET", 200): 24,
    ("item-list", "POST", 201): 6,
    ("item-detail", "PATCH", 200): 8,
    ("item-detail", "DELETE", 204): 2,
    ("group-list", "GET", 200): 10,
    ("group-detail", "GET", 200): 10,
    ("me", "GET", 200): 9,
    ("item-detail", "GET", 404): 2,
    ("item-list", "POST", 400): 1,
    ("item-detail", "PATCH", 412): 1,
    ("group-detail", "PATCH", 403): 1,
    ("item-list", "GET", 429): 0.5,
    ("item-list", "GET", 500): 0.2,
}
WRITES = frozenset({"POST", "PATCH", "DELETE"})
FACTOR = "authentication.totpdevice"


def activities_of(plan: Plan, visit: Visit) -> Iterator[SessionActivity]:
    """The rows of one session, in the order of their moments."""
    session = visit.session
    random = plan.random("activity", visit.person, visit.number)
    yield from _failures_before(random, visit)
    for number, moment in enumerate(visit.moments):
        shared = {
            "session": session,
            "user_id": session.user_id,
            "client_ip": session.client_ip,
            "request_id": _request_id(random),
            "occurred_at": moment,
        }
        if visit.is_stopped:
            stopped = ActivityType.SIGN_IN_FAILED
            yield SessionActivity(**shared, activity_type=stopped, extra={"reason": "suspicious"})
            continue
        if number == 0 and not visit.is_impersonation:
            yield SessionActivity(
                **shared,
                activity_type=ActivityType.SIGN_IN,
                extra={
                    "method": session.login_method,
                    "factor": FACTOR if session.verified_factor_at else None,
                    "new_device": not visit.is_known_device,
                    "agent": str(describe(session.user_agent)),
                },
            )
            continue
        route, method, status = random.choices(list(REQUESTS), weights=list(REQUESTS.values()))[0]
        yield SessionActivity(
            **shared,
            activity_type=ActivityType.REQUEST,
            route=route,
            method=method,
            status=status,
            duration_ms=_duration(random, 30 if method in WRITES else 12),
        )
    if session.ended_at and session.end_reason == EndReason.SIGNED_OUT:
        yield SessionActivity(
            session=session,
            user_id=session.user_id,
            client_ip=session.client_ip,
            request_id=_request_id(random),
            occurred_at=session.ended_at,
            activity_type=ActivityType.SIGN_OUT,
        )


def _failures_before(random: Random, visit: Visit) -> Iterator[SessionActivity]:
    """The wrong tries of the visitor, and now and then a robot that guesses names."""
    if visit.is_impersonation:
        return
    session = visit.session
    start = visit.moments[0]
    if happens(random, 0.02):
        yield _failure(
            random,
            start - timedelta(minutes=random.randint(1, 600)),
            client_ip=address(random),
            extra={
                "reason": "unknown_account",
                "known_device": False,
                "agent": str(describe(random.choice(agents.PROGRAMS + agents.BOTS))),
            },
        )
    for number in range(visit.failures, 0, -1):
        yield _failure(
            random,
            start - timedelta(seconds=7 * number + random.randint(0, 5)),
            user_id=session.user_id,
            client_ip=session.client_ip,
            extra={
                "reason": "wrong_password",
                "known_device": visit.is_known_device,
                "agent": str(describe(session.user_agent)),
            },
        )


def _failure(random: Random, moment: datetime, **values: Any) -> SessionActivity:
    return SessionActivity(
        activity_type=ActivityType.SIGN_IN_FAILED,
        request_id=_request_id(random),
        occurred_at=moment,
        **values,
    )


def _duration(random: Random, median: int) -> int:
    return max(1, int(median * random.lognormvariate(0, 0.6)))


def _request_id(random: Random) -> str:
    return f"{random.getrandbits(128):032x}"
