"""Tries to get round a control, and errors nobody foresaw: a line of the log and an audit event.

``note()`` is for what is no sign-in: ``authentication.sign_ins`` records those. It never breaks
or delays an answer for long: it raises nothing, and what repeats itself is counted, not written.
docs/developer/logging.md lists the kinds.
"""

from __future__ import annotations

import logging
import time
from threading import Lock
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models, transaction
from prometheus_client import Counter

from core import audit
from core.context import current
from core.current_request import current_request, route_of
from core.errors import NotAllowedError
from core.rates import CountingError, Rate, digest, increment, network_of, take

logger = logging.getLogger(__name__)
trail = logging.getLogger("security")

WINDOW = 60  # seconds in which the same event is written once
MOST_WRITTEN = Rate(amount=600, seconds=60)  # of all kinds together
MOST_UNCOUNTED = 60  # in one process and minute, while the cache is away
NOTED = "_security_events"  # on the request: what has been noted of it
ANSWER = "answer"
EVENTS = Counter(
    "truledgr_security_events", "Security events, those that repeat included.", ["kind"]
)


class Kind(models.TextChoices):
    ACCESS_DENIED = "access_denied", "Refused for want of a permission or a second factor"
    NOT_FOUND_OR_HIDDEN = "not_found_or_hidden", "An object that is not there for this caller"
    BAD_TOKEN = "bad_token", "An access or session token that opens nothing"
    CSRF_FAILED = "csrf_failed", "A change without the form token"
    RATE_LIMITED = "rate_limited", "More requests than a limit allows"
    REPLAYED_CODE = "replayed_code", "A code or link that has been used before"
    TAMPERED_STATE = "tampered_state", "A state, cookie or link that we did not make"
    UNEXPECTED_ERROR = "unexpected_error", "An error nobody foresaw"


def note(kind: Kind, *, reason: str = "", status: int | None = None) -> None:
    """Log a security event of the current request, and write it to the audit trail.

    ``status`` is given for an event that is the answer itself, which then needs no other one. A
    request has one of the same kind and reason. Of the same kind, user (or network) and route one
    a minute is written; the log has a line for the 1st, 10th, 100th, … of them. The row in the
    trail is part of an open transaction, if there is one, and shares its fate.
    """
    noted = _noted()
    if (event := f"{kind.value} {reason}") in noted:
        return
    noted |= {event} if status is None else {event, ANSWER}
    try:
        _note(kind, reason, status)
    except Exception:
        logger.exception("A security event could not be noted: %s.", kind.value)


def note_refusal(error: BaseException | None) -> None:
    """Note ``error`` if a service refused somebody, where the answer says so only in words.

    The admin shows a message on a page, and a command ends: no status tells it. Call it outside
    of the transaction that the refusal has rolled back.
    """
    if isinstance(error, NotAllowedError):
        note(Kind.ACCESS_DENIED, reason=error.code)


def settle() -> None:
    """Say of the current request that its event is written, whatever it will be answered."""
    _noted().add(ANSWER)


def is_settled() -> bool:
    return ANSWER in _noted()


def _noted() -> set[str]:
    request = current_request()
    noted: set[str] = set() if request is None else request.__dict__.setdefault(NOTED, set())
    return noted


def _note(kind: Kind, reason: str, status: int | None) -> None:
    EVENTS.labels(kind.value).inc()
    request, actor = current_request(), _actor()
    route = route_of(request)
    who = f"user:{actor.pk}" if actor else network_of(current().client_ip)
    times, is_counted = _times(f"{kind.value} {who} {route}")
    if not _is_power_of_ten(times):
        return
    details = {
        "kind": kind.value,
        "reason": reason,
        "method": (request.method or "")[:16] if request is not None else "",
        "status": status,
    }
    trail.warning("%s: %s", kind.label, route, extra={**details, "times": times})
    if times > 1 or not _has_room(is_counted=is_counted):
        return
    told = {name: value for name, value in details.items() if value and name != "kind"}
    try:
        _write(kind, actor, {"route": route, **told})
    except Exception:
        logger.exception("A security event is in the log only: %s.", kind.value)


def _actor() -> AbstractBaseUser | None:
    """Who is acting. It may need a query, unlike the log, and the database may be away."""
    try:
        actor = current().actor()
    except Exception:  # noqa: BLE001 (the line is written without)
        return None
    return actor if actor and actor.pk else None


@transaction.atomic
def _write(kind: Kind, actor: AbstractBaseUser | None, details: dict[str, Any]) -> None:
    audit.record(
        action=kind.value,
        target=actor or get_user_model()(pk=""),
        changes={name: (None, audit.leaf(value)) for name, value in details.items()},
        actor=actor,
    )


# --- Counting -------------------------------------------------------------------------------


def _times(name: str) -> tuple[int, bool]:
    """Which one of this minute it is, and whether the cache has said so."""
    key = f"security-event:{digest(name)}:{int(time.time() // WINDOW)}"
    try:
        return increment(key, timeout=2 * WINDOW), True
    except CountingError:
        return 1, False


def _is_power_of_ten(number: int) -> bool:
    return str(number).rstrip("0") == "1"


def _has_room(*, is_counted: bool) -> bool:
    if is_counted:
        try:
            return not take("security-events", MOST_WRITTEN).is_over
        except CountingError:
            pass
    return _uncounted.take()


class _Uncounted:
    """What this process may write in a minute without the cache."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._window = 0
        self._written = 0

    def take(self) -> bool:
        window = int(time.monotonic() // WINDOW)
        with self._lock:
            if window != self._window:
                self._window, self._written = window, 0
            self._written += 1
            return self._written <= MOST_UNCOUNTED


_uncounted = _Uncounted()
