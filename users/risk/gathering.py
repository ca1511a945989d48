"""Reads what is known of an account: two queries, however long it has been here.

1. its latest sign-ins (index session_user_signed_in_idx)  2. the latest events about it (index
audit_object_idx)
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from core.context import current
from core.models import AuditEvent
from users.models import EndReason, User, UserSession
from users.places import Place, place_of
from users.risk.facts import Facts, Origin, Sighting
from users.risk.rules import JUST_NOW
from users.user_agents import describe

MOST_SIGN_INS, MOST_EVENTS = 50, 100  # the latest ones: older ones say little
VERSION = re.compile(r" [0-9.]+$")
# Actions of events about a user.
FAILED, SIGNED_IN = "sign_in_failed", "sign_in"
FACTOR_REMOVED, PASSWORD_RESET = "second_factor_removed", "password_reset"


@dataclass(frozen=True, slots=True)
class SignIn:
    """An earlier sign-in, as its session tells it."""

    session_id: UUID
    device_id: UUID | None
    at: datetime
    place: Place


def gather(user: User, *, is_known_device: bool) -> Facts:
    """The facts of a sign-in of ``user`` by the present request."""
    return _facts(user, _sign_ins_of(user), is_known_device=is_known_device)


def gather_use(
    user: User,
    *,
    session_id: UUID | None,
    origin: Origin,
    countries: frozenset[str],
    last_seen: Sighting | None,
) -> Facts:
    """The facts of a session that the present request uses, not at its ``origin``.

    ``countries`` are those where it was at home before.
    ``last_seen`` is where its own last request came from: other sessions may be other devices,
    left open at home.
    """
    sign_ins = _sign_ins_of(user)
    devices = {one.device_id for one in sign_ins if one.session_id == session_id} - {None}
    return replace(
        _facts(user, sign_ins, is_known_device=True),
        hours=(),  # a habit of signing in, which tells nothing of the use
        last_seen=last_seen,
        signed_in_from=origin,
        used_from=present_origin(),
        device_countries=countries
        | _countries(one for one in sign_ins if one.device_id in devices),
    )


def present_origin() -> Origin:
    """Where the present request comes from."""
    context = current()
    agent = describe(context.user_agent)
    families = (VERSION.sub("", name) for name in (agent.browser, agent.os))
    return Origin(
        ip=context.client_ip or "",
        country=place_of(context.client_ip).country,
        agent=" on ".join(filter(None, families)),
    )


def _facts(user: User, sign_ins: list[SignIn], *, is_known_device: bool) -> Facts:
    context, now = current(), timezone.now()
    located = (one for one in sign_ins if one.place.latitude is not None)
    last = next(located, None)
    return Facts(
        at=now,
        place=place_of(context.client_ip),
        user_agent=context.user_agent,
        has_history=bool(sign_ins),
        is_known_device=is_known_device,
        countries=_countries(sign_ins),
        hours=_hours(sign_ins),
        last_seen=Sighting(last.at, last.place) if last else None,
        **_events_of(user, now),
    )


def _sign_ins_of(user: User) -> list[SignIn]:
    """The latest ones, newest first, without those that were stopped: a thief sets no habit."""
    rows: Iterable[tuple[Any, ...]] = (
        UserSession.objects.filter(user=user, signed_in_at__isnull=False, impersonator=None)
        .exclude(end_reason=EndReason.SUSPICIOUS)
        .order_by("-signed_in_at")
        .values_list("pk", "device_id", "signed_in_at", "country", "city", "latitude", "longitude")[
            :MOST_SIGN_INS
        ]
    )
    return [SignIn(key, device, at, Place(*place)) for key, device, at, *place in rows]


def _countries(sign_ins: Iterable[SignIn]) -> frozenset[str]:
    return frozenset(one.place.country for one in sign_ins) - {""}


def _hours(sign_ins: Iterable[SignIn]) -> tuple[int, ...]:
    counted = Counter(one.at.astimezone(UTC).hour for one in sign_ins)
    return tuple(counted[hour] for hour in range(24))


def _events_of(user: User, now: datetime) -> dict[str, Any]:
    """Failed tries since the last sign-in, and when a factor was removed or a password reset."""
    events = AuditEvent.objects.filter(model="user", object_id=str(user.pk)).order_by("-id")
    failures, is_since_sign_in = 0, True
    last: dict[str, datetime] = {}
    for action, at in events.values_list("action", "occurred_at")[:MOST_EVENTS]:
        if now - at >= JUST_NOW:
            break
        last.setdefault(action, at)
        is_since_sign_in = is_since_sign_in and action != SIGNED_IN
        failures += is_since_sign_in and action == FAILED
    return {
        "failures": failures,
        "factor_removed_at": last.get(FACTOR_REMOVED),
        "password_reset_at": last.get(PASSWORD_RESET),
    }
