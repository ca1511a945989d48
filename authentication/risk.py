"""What follows from the risk of a sign-in; ``users.risk`` tells how high it is.

From ``RISK_ASK_SCORE`` on a trusted device is asked for the second factor all the same, and the
owner is told. From ``RISK_END_SCORE`` on a password alone does not do: the sign-in is stopped, and
the owner is mailed a link to set a new password, after which they get in. Whoever proves a second
factor is never stopped.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from allauth.account.stages import LoginStage
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.functional import lazy
from django.utils.translation import gettext as _

from authentication.api.answers import is_headless, refusal
from authentication.mails import Notice, notify
from authentication.services.password_resets import make_reset_token, reset_link
from core import audit
from core.context import current
from core.rates import CountingError, Rate, take
from users.activity import record_event
from users.devices import known_device
from users.models import ActivityType, EndReason, User, UserSession
from users.places import Place, place_of
from users.risk import Assessment, Facts, assess
from users.risk.gathering import gather
from users.risk.wording import in_words
from users.user_agents import LONGEST, describe

ASSESSED = "_risk"  # on the request: whose sign-in was assessed, the facts and the assessment
STOPPED, CODE = "sign_in_stopped", "sign_in_stopped"  # in the trail, in an answer
TOLD = Rate(amount=3, seconds=3_600)  # mails about stopped sign-ins, for each account


class SignInStoppedError(Exception):
    """A headless sign-in is not finished, as it is too unusual."""


def facts_of(request: HttpRequest, user: User) -> tuple[Facts, Assessment]:
    """What is known of the sign-in that ``request`` makes, and its score: once a request.

    1. the device  2. and 3. see ``users.risk.gathering``
    """
    found: tuple[Any, Facts, Assessment] | None = getattr(request, ASSESSED, None)
    if found is None or found[0] != user.pk:
        facts = gather(user, is_known_device=known_device(request, user) is not None)
        found = (user.pk, facts, assess(facts))
        setattr(request, ASSESSED, found)
    return found[1], found[2]


def must_ask_again(request: HttpRequest, user: User) -> bool:
    """Whether a trusted device is asked for the second factor all the same."""
    return facts_of(request, user)[1].asks


def must_stop(request: HttpRequest, user: User) -> bool:
    """Whether nothing that was proven in this sign-in outweighs its risk.

    A second factor does, and a password that was set with a mailed link within a day: without it
    the owner of an account that has no second factor would stay locked out.
    """
    if getattr(user, "otp_device", None) is not None:
        return False
    facts, assessment = facts_of(request, user)
    return assessment.ends and facts.password_reset_at is None


def columns_of_origin(place: Place) -> dict[str, Any]:
    """What a session notes of where and with what it was signed in to."""
    context = current()
    agent = describe(context.user_agent)
    return {
        "client_ip": context.client_ip,
        "user_agent": context.user_agent[:LONGEST],
        "device_type": agent.device_type,
        "browser": agent.browser,
        "os": agent.os,
        "country": place.country,
        "city": place.city,
        "latitude": place.latitude,
        "longitude": place.longitude,
    }


def told_of(assessment: Assessment, place: Place) -> dict[str, Any]:
    """For a notice: where it was, and what stood out."""
    return {
        "place": ", ".join(filter(None, [place.city, place.country])),
        # In the language of the mail, which is not that of the request.
        "reasons": lazy(in_words, str)([name for name, _weight in assessment.fired]),
    }


def in_trail(assessment: Assessment) -> dict[str, str | int]:
    """What an audit event tells of the risk."""
    return {
        "risk": assessment.score,
        "rules": ", ".join(name for name, _weight in assessment.fired),
    }


def changes_of(assessment: Assessment) -> dict[str, tuple[None, str | int]]:
    """Of an event that has nothing else to tell: also the browser."""
    shown = {**in_trail(assessment), "agent": str(describe(current().user_agent))}
    return {name: (None, value) for name, value in shown.items()}


class RiskStage(LoginStage):  # type: ignore[misc]
    """Stops a sign-in whose risk outweighs what was proven, before a first factor is set up."""

    key = "risk"
    urlname = None

    def handle(self) -> tuple[HttpResponse | None, bool]:
        user = self.login.user
        if user is None or not must_stop(self.request, user):
            return None, True
        stop_sign_in(self.request, user)
        if is_headless(self.request):
            raise SignInStoppedError
        messages.error(self.request, explanation())
        return redirect("account_login"), False


def explanation() -> str:
    return _(
        "This sign-in was stopped because it is too unusual. We have sent a mail to the address "
        "of the account: it says how to get in."
    )


def stopped_answer() -> HttpResponse:
    """The refusal of a headless flow."""
    return refusal(explanation(), code=CODE, status=HTTPStatus.UNAUTHORIZED)


@transaction.atomic
def stop_sign_in(request: HttpRequest, user: User) -> None:
    """End the session that was about to be signed in to, and tell ``user`` how to get in.

    It stays in their history as suspicious. Its device is not remembered: the next try from it is
    one from a new device again.
    """
    _facts, assessment = facts_of(request, user)
    place = place_of(current().client_ip)
    session: Any = request.session
    if session.row_id is None:
        session.save()
    now = timezone.now()
    UserSession.objects.filter(pk=session.row_id).update(
        user=user,
        signed_in_at=now,
        last_activity_at=now,
        updated_at=now,
        ended_at=now,
        end_reason=EndReason.SUSPICIOUS,
        session_data="",
        **columns_of_origin(place),
        **assessment.columns,
    )
    audit.record(action=STOPPED, target=user, changes=changes_of(assessment))
    record_event(
        ActivityType.SIGN_IN_FAILED,
        user_id=user.pk,
        session_id=session.row_id,
        extra={"reason": "suspicious"},
    )
    if _may_be_told(user):
        _token, secret = make_reset_token(actor=None, user=user, action="create")
        url = reset_link(user=user, secret=secret)
        notify(user, Notice.SIGN_IN_STOPPED, url=url, **told_of(assessment, place))
    session.flush()


def _may_be_told(user: User) -> bool:
    """Whoever has the password could fill the mailbox; and of the links only the newest work."""
    try:
        return not take(f"sign_in_stopped:{user.pk}", TOLD).is_over
    except CountingError:
        return True
