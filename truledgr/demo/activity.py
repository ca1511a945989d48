"""The log of what was done in the sessions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

from truledgr.demo import agents
from truledgr.demo.plan import Plan, happens
from truledgr.demo.sessions import Visit, address
from users.models import ActivityType, EndReason, SessionActivity

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
SIGN_IN_ROUTE, SIGN_OUT_ROUTE = "account_login", "account_logout"
COMMON_TARGETS = ("admin", "root", "administrator", "test", "info")


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
        if number == 0:
            yield SessionActivity(
                **shared,
                activity_type=ActivityType.SIGN_IN,
                route=SIGN_IN_ROUTE,
                method="POST",
                status=302,
                duration_ms=_duration(random, 180),
                extra={"method": session.login_method},
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
            route=SIGN_OUT_ROUTE,
            method="POST",
            status=302,
            duration_ms=_duration(random, 15),
        )


def _failures_before(random: Random, visit: Visit) -> Iterator[SessionActivity]:
    """A typo now and then, a burst before a suspicious sign-in, and robots that guess."""
    session = visit.session
    start = visit.moments[0]
    count = random.randint(4, 12) if session.is_suspicious else random.choice((0,) * 9 + (1, 2))
    if happens(random, 0.02):
        yield _failure(
            random,
            start - timedelta(minutes=random.randint(1, 600)),
            client_ip=address(random),
            extra={
                "reason": "unknown_user",
                "identifier": random.choice(COMMON_TARGETS),
                "user_agent": random.choice(agents.PROGRAMS + agents.BOTS),
            },
        )
    for number in range(count, 0, -1):
        yield _failure(
            random,
            start - timedelta(seconds=7 * number + random.randint(0, 5)),
            user_id=session.user_id,
            client_ip=session.client_ip,
            extra={
                "reason": "wrong_code" if happens(random, 0.15) else "wrong_password",
                "user_agent": visit.user_agent,
            },
        )


def _failure(random: Random, moment: datetime, **values: Any) -> SessionActivity:
    return SessionActivity(
        activity_type=ActivityType.SIGN_IN_FAILED,
        route=SIGN_IN_ROUTE,
        method="POST",
        status=400,
        duration_ms=_duration(random, 170),
        request_id=_request_id(random),
        occurred_at=moment,
        **values,
    )


def _duration(random: Random, median: int) -> int:
    return max(1, int(median * random.lognormvariate(0, 0.6)))


def _request_id(random: Random) -> str:
    return f"{random.getrandbits(128):032x}"
