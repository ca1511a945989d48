"""The sessions in which staff act as a user: starting, checking and ending them.

Such a session is a row of its own, of the user acted as. It takes the place of the session of the
member of staff in their browser, whose key it keeps in its encrypted data for the way back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from math import ceil
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.middleware import get_user
from django.db import transaction
from django.http import HttpRequest
from django.middleware.csrf import rotate_token
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from authentication import step_up
from authentication.impersonation.rules import (
    SHORTEST_REASON,
    may_allow_changes,
    refusal_of,
)
from authentication.mails import Notice, notify
from authentication.requirement import IMPERSONATION, with_verification
from core import audit
from core.context import current, entered
from core.errors import ConflictError, NotAllowedError
from core.reasons import clean_reason
from users.models import EndReason, User, UserSession
from users.sessions import SessionStore, hash_key, revoke_sessions

METHOD = "impersonation"


@dataclass(frozen=True, slots=True)
class Impersonation:
    """Who of the staff acts as whom in a request, and until when."""

    impersonator: User
    user: User
    until: datetime
    may_change: bool

    @property
    def minutes_left(self) -> int:
        return max(0, ceil((self.until - timezone.now()).total_seconds() / 60))


# --- Starting -------------------------------------------------------------------------------


def start(request: HttpRequest, *, user: User, reason: str, allow_changes: bool = False) -> None:
    """Go on as ``user`` in a new session, for ``IMPERSONATION_SECONDS`` at most.

    What the caller had begun before ends: nobody acts as two users. ``user`` is told by mail.
    Raise ``NotAllowedError`` when the caller may not, or has not stepped up a short while ago;
    ``DomainError`` for a reason that is none.
    """
    own: Any = request.session
    if getattr(request, "impersonation", None) is not None or IMPERSONATION in own:
        raise NotAllowedError(_("You act as somebody already. Stop that first."))
    if not step_up.is_recent(request):
        raise NotAllowedError(step_up.REFUSAL)
    reason = clean_reason(reason, shortest=SHORTEST_REASON)
    with transaction.atomic():
        actor = _locked_actor(request)
        target: User | None = User.objects.alive().filter(pk=user.pk).first()
        if target is None:
            raise NotAllowedError(_("The user has been deleted."))
        refusal = refusal_of(actor, target) or _refusal_of_changes(actor, asked=allow_changes)
        if refusal:
            raise NotAllowedError(refusal)
        _end(UserSession.objects.filter(impersonator=actor))
        session = _made(
            target, {"own_session": str(own.row_id), "own_key": own.session_key},
            actor=actor, reason=reason, may_change=allow_changes,
        )  # fmt: skip
        notify(target, Notice.IMPERSONATED, can_report=False)
    if own.modified:
        own.save()
    _continue_in(request, session)


def _locked_actor(request: HttpRequest) -> User:
    """The caller as they are now, locked, so that starts at the same moment follow each other."""
    caller, session = request.user, request.session
    users = User.objects.alive().select_for_update(no_key=True)
    actor: User | None = users.filter(pk=caller.pk).first() if caller.pk else None
    own = UserSession.objects.active().filter(
        key_hash=hash_key(session.session_key or ""), user=actor, impersonator=None
    )
    if actor is None or not own.exists():
        raise ConflictError(_("Your session has just changed. Sign in again."))
    return actor


def _made(
    user: User, way_back: dict[str, str], *, actor: User, reason: str, may_change: bool
) -> SessionStore:
    until = timezone.now() + timedelta(seconds=settings.IMPERSONATION_SECONDS)
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session[IMPERSONATION] = {
        **way_back,
        "impersonator": str(actor.pk),
        "until": until.isoformat(),
        "may_change": may_change,
    }
    session.create()
    UserSession.objects.filter(key_hash=hash_key(session.session_key or "")).update(
        impersonator=actor,
        impersonation_reason=reason,
        is_read_only=not may_change,
        login_method=METHOD,
        expires_at=until,
    )
    changes: dict[str, tuple[audit.Leaf, audit.Leaf]] = {
        "reason": (None, reason),
        "session": (None, str(session.row_id)),
        "until": (None, audit.leaf(until)),
        "may_change": (None, may_change),
    }
    audit.record(action="impersonation_started", target=user, changes=changes, actor=actor)
    return session


# --- While it lasts -------------------------------------------------------------------------


def current_impersonation(request: HttpRequest) -> Impersonation | str | None:
    """The one that this request is made in; why it has to end, if it does; ``None`` for none.

    Asked anew for each request: the limit, the rights of both, and the session of the
    impersonator, which is kept from idling out meanwhile.
    """
    state = request.session.get(IMPERSONATION)
    if state is None:
        return None
    until = datetime.fromisoformat(state["until"])
    if timezone.now() >= until:
        return _("The time is up.")
    actor = User.objects.active().filter(pk=state["impersonator"]).first()
    if actor is None or str(SessionStore(state["own_key"]).row_id) != state["own_session"]:
        return _("Your own session has ended.")
    user = request.user
    if not isinstance(user, User):
        return _("This account cannot be signed in to.")
    refusal = refusal_of(actor, user) or _refusal_of_changes(actor, asked=state["may_change"])
    return refusal or Impersonation(actor, user, until, state["may_change"])


def _refusal_of_changes(actor: User, *, asked: bool) -> str:
    if asked and not may_allow_changes(actor):
        return _("Only superusers may change something as somebody else.")
    return ""


# --- Ending ---------------------------------------------------------------------------------


def stop(request: HttpRequest) -> bool:
    """End the impersonation of this session and go back to the caller's own.

    Answer whether that is still open; otherwise nobody is signed in any more. Stopping what has
    ended meanwhile only goes back.
    """
    session: Any = request.session
    state = session[IMPERSONATION]
    _end(UserSession.objects.filter(pk=session.row_id))
    return _go_back(request, state)


def stop_past_limit(request: HttpRequest) -> bool:
    """``stop()`` for a cookie of an impersonation that has passed a limit of its session.

    The store does not load such a session any more; its row still knows the way back, until it
    is tidied up. Answer whether there was one.
    """
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    rows = UserSession.objects.filter(
        key_hash=hash_key(key), ended_at=None, impersonator__isnull=False
    )
    row = rows.first()
    state = SessionStore().decode(row.session_data).get(IMPERSONATION) if row else None
    if row is None or state is None:
        return False
    _end(rows)
    _go_back(request, state)
    return True


@transaction.atomic
def _end(rows: Any) -> None:
    """End and record those of ``rows`` that are open; who is faster records."""
    found = rows.filter(ended_at=None, user__isnull=False).select_related("user", "impersonator")
    for row in list(found):
        with entered(replace(current(), impersonator=partial(getattr, row, "impersonator"))):
            one = UserSession.objects.filter(pk=row.pk)
            if not revoke_sessions(one, reason=EndReason.IMPERSONATION_ENDED):
                continue
            seconds = round((timezone.now() - row.created_at).total_seconds())
            changes = {"session": (None, str(row.pk)), "seconds": (None, seconds)}
            audit.record(action="impersonation_ended", target=row.user, changes=changes)


def _go_back(request: HttpRequest, state: dict[str, Any]) -> bool:
    session = SessionStore(state["own_key"])
    _continue_in(request, session)
    user = request.user
    if str(session.row_id) == state["own_session"] and str(user.pk) == state["impersonator"]:
        return True
    session.flush()
    _forget_user(request)
    return False


def _continue_in(request: HttpRequest, session: SessionStore) -> None:
    """Make ``session`` the one of the request, and of the browser with its answer."""
    request.session = session
    session.modified = True
    request.impersonation = request.impersonator = None  # type: ignore[attr-defined]
    rotate_token(request)
    _forget_user(request)


def _forget_user(request: HttpRequest) -> None:
    for name in ("_cached_user", "_acached_user"):
        request.__dict__.pop(name, None)
    request.user = SimpleLazyObject(  # type: ignore[assignment]
        lambda: with_verification(get_user(request), request.session)
    )
