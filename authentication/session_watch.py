"""Notices that a session is used from elsewhere than it was signed in from.

Whoever resolves the user of a session asks ``watch()`` first. As long as its requests come from
the address of the sign-in, that is one comparison of two strings; from another one the place is
looked up in memory. Only when the country has changed, too, does it ask the database.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import UpdateError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django_otp import DEVICE_ID_SESSION_KEY

from authentication.mails import Notice, notify
from authentication.origins import PROOF_NEEDED, countries_of, note_origin, origin_of
from authentication.risk import changes_of, told_of
from authentication.step_up import STEPPED_UP_AT, is_nothing_to_prove
from core import audit
from core.context import current, entered
from core.rates import CountingError, Rate, take
from users.models import EndReason, User, UserSession
from users.places import place_of
from users.risk import Assessment, Facts, Origin, Sighting, assess
from users.risk.gathering import gather_use, present_origin
from users.risk.rules import token_from_other_network
from users.sessions import revoke_sessions

RULE = token_from_other_network.__name__
HELD, ENDED = "session_held", "session_ended"  # in the trail
TOLD = Rate(amount=1, seconds=60)  # of requests side by side one tells


def watch(session: Any) -> bool:
    """Hold or end ``session`` if what it is used for looks like theft; answer if it has ended.

    An ended session is empty, and nobody's. A held one goes on once its user has stepped up.
    """
    origin = origin_of(session)
    if origin is None or origin.ip == current().client_ip or not settings.RISK_WEIGHTS.get(RULE):
        return False
    present = present_origin()
    moved = Facts(
        at=timezone.now(),
        signed_in_from=origin,
        used_from=present,
        device_countries=countries_of(session),
    )
    if not token_from_other_network(moved):
        return False
    user = User.objects.filter(pk=session[SESSION_KEY]).first() if SESSION_KEY in session else None
    if user is None:
        return False
    # Nobody is acting: asking the request who it is would ask this function again.
    acting = replace(current(), actor=lambda: None, session_id=lambda: session.row_id)
    with entered(acting):
        return _act(session, user, origin, present)


def explanation() -> str:
    return _(
        "Your session was ended because it was used from somewhere else. Sign in again. "
        "We have sent you a mail about it."
    )


def _act(session: Any, user: User, origin: Origin, present: Origin) -> bool:
    last_seen = None
    if session.last_activity_at is not None:
        last_seen = Sighting(session.last_activity_at, place_of(session.client_ip))
    facts = gather_use(
        user,
        session_id=session.row_id,
        origin=origin,
        countries=countries_of(session),
        last_seen=last_seen,
    )
    assessment = assess(facts)
    is_news = RULE in dict(assessment.fired)
    if is_news and assessment.ends:
        return _end(session, user, assessment)
    with transaction.atomic():
        note_origin(session, present, is_known=not is_news)
        if is_news:
            _mark(session, user, assessment)
    return not _saved(session)


@transaction.atomic
def _end(session: Any, user: User, assessment: Assessment) -> bool:
    rows = UserSession.objects.filter(pk=session.row_id, ended_at=None)
    rows.update(**assessment.columns)
    if revoke_sessions(rows, reason=EndReason.SUSPICIOUS):
        _tell(session, user, assessment, ENDED, Notice.SESSION_ENDED)
    session.flush()
    return True


def _mark(session: Any, user: User, assessment: Assessment) -> None:
    """Write the score down where it is higher, and from ``RISK_ASK_SCORE`` on ask for a proof."""
    rows = UserSession.objects.filter(pk=session.row_id, risk_score__lt=assessment.score)
    rows.update(updated_at=timezone.now(), **assessment.columns)
    if not assessment.asks:
        return
    session.pop(DEVICE_ID_SESSION_KEY, None)
    session.pop(STEPPED_UP_AT, None)
    if not is_nothing_to_prove(user):
        session[PROOF_NEEDED] = True
    _tell(session, user, assessment, HELD, Notice.SESSION_HELD)


def _tell(session: Any, user: User, assessment: Assessment, action: str, notice: Notice) -> None:
    if not _is_first(session):
        return
    audit.record(action=action, target=user, changes=changes_of(assessment))
    notify(user, notice, **told_of(assessment, place_of(current().client_ip)))


def _is_first(session: Any) -> bool:
    try:
        return not take(f"session_watch:{session.row_id}", TOLD).is_over
    except CountingError:
        return True


def _saved(session: Any) -> bool:
    """Store what was changed at once: a request that fails later must not take it back."""
    # Whether the cookie is sent again is for the rest of the request to say.
    was_modified = session.modified
    try:
        session.save()
    except UpdateError:  # ended meanwhile
        session.flush()
        return False
    session.modified = was_modified
    return True
