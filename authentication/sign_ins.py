"""What a sign-in leaves behind: its session's row, the device, the audit trail, a mail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from allauth.account.authentication import get_authentication_records
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from prometheus_client import Counter

from authentication import device_trust
from authentication.limits import Attempt, LimitReachedError
from authentication.mails import Notice, notify
from authentication.origins import accept_origin
from authentication.risk import columns_of_origin, facts_of, in_trail, told_of
from core import audit
from core.context import current
from users.activity import record_event
from users.devices import remember_device
from users.models import ActivityType, User
from users.places import place_of
from users.user_agents import describe

ADMIN = "admin"  # the method of staff who came from the admin's sign-in page
BEGAN_AT_ADMIN = "sign_in_began_at_admin"  # in the session of a sign-in that is going on
TOLD_AFTER = 5  # wrong passwords in a row before a right one
NOBODY = User(pk="")  # events about names that no account has
SIGN_INS = Counter(
    "truledgr_sign_ins",
    "Sign-ins: those that succeeded by method, the others by reason, at no method.",
    ["outcome", "method"],
)


@transaction.atomic
def record_sign_in(request: HttpRequest, user: User) -> None:
    """Note a finished sign-in, and tell ``user`` of a device that they have not used before.

    The first sign-in of an account tells nobody: there is no other device to miss.
    """
    now = timezone.now()
    is_first = user.last_login is None
    # Before the device is remembered: then it is new no more.
    _facts, assessment = facts_of(request, user)
    device, is_new = remember_device(request, user)
    proven_by, place = method_of(request, user), place_of(current().client_ip)
    session: Any = request.session
    method = ADMIN if session.pop(BEGAN_AT_ADMIN, False) and user.is_staff else proven_by
    if session.row_id is None:
        session.save()
    accept_origin(session)
    # Written when the request ends, which saves the session anyway.
    session.noted = {
        "device": device,
        "login_method": method,
        "signed_in_at": now,
        "last_activity_at": now,
        **columns_of_origin(place),
        **assessment.columns,
    }
    user.last_login = now
    User.objects.filter(pk=user.pk).update(last_login=now)
    details: dict[str, str | int | None] = {
        "method": method,
        "factor": _factor_of(user),
        "device": str(device.pk) if device else None,
        "new_device": is_new,
        **in_trail(assessment),
    }
    if method != proven_by:
        details["proven_by"] = proven_by
    if device_trust.was_used(request):
        details["trusted_device"] = True
    SIGN_INS.labels("succeeded", method).inc()
    _record("sign_in", user, details, actor=user)
    _note(ActivityType.SIGN_IN, user, details)
    if assessment.asks:
        notify(user, Notice.SUSPICIOUS_SIGN_IN, **told_of(assessment, place))
    elif is_new and not is_first:
        # Its session's row has no place before the end of the request.
        notify(user, Notice.NEW_DEVICE, place=told_of(assessment, place)["place"])


def method_of(request: HttpRequest, user: User) -> str:
    """How the sign-in began: password, oauth:google, code…; sign_up right after a sign-up."""
    records: list[dict[str, Any]] = get_authentication_records(request, user)
    for record in reversed(records):
        if record["method"] == "socialaccount":
            return f"oauth:{record['provider']}"[:64]
        if record["method"] not in ("mfa", "otp"):
            return str(record["method"])[:64]
    return "sign_up" if user.last_login is None else ""


def record_failure(attempt: Attempt, reason: str) -> None:
    """Note a failed try; what was typed as the name of no account stays out of the trail.

    People type passwords there. An unknown account costs the same INSERT as a known one, so that
    the time of the answer tells nothing.
    """
    details: dict[str, str | int | None] = {"reason": reason, "known_device": attempt.is_known}
    SIGN_INS.labels(reason, "").inc()
    _record("sign_in_failed", attempt.account or NOBODY, details)
    _note(ActivityType.SIGN_IN_FAILED, attempt.account, details)
    if attempt.account is not None and attempt.locks:
        notify(attempt.account, Notice.FACTOR_LOCKED)


def tell_of_wrong_ones(attempt: Attempt, user: User) -> None:
    """Tell the owner that a right password came after several wrong ones (ASVS 6.3.5)."""
    wrong = attempt.in_row - 1
    if wrong >= TOLD_AFTER:
        notify(user, Notice.WRONG_PASSWORDS, count=wrong)


def record_closed_account(user: User) -> None:
    """Note that somebody was right, but the account is switched off or deleted."""
    details: dict[str, str | int | None] = {"reason": "disabled_account"}
    SIGN_INS.labels("disabled_account", "").inc()
    _record("sign_in_failed", user, details)
    _note(ActivityType.SIGN_IN_FAILED, user, details)


def record_refusal(refusal: LimitReachedError) -> None:
    """Note that a limit was reached: once, not for every try that it refuses."""
    SIGN_INS.labels("too_many_tries", "").inc()
    if refusal.is_first:
        _record("sign_in_refused", NOBODY, {"reason": "too_many_tries"})


def record_sign_out(user: User) -> None:
    # A request's user is lazy, and the trail wants to know the model.
    target = User(pk=user.pk, username=user.username)
    _record("sign_out", target, {}, actor=target)
    _note(ActivityType.SIGN_OUT, target, {})


def failure_of(attempt: Attempt) -> str:
    """The class of a failure, for the trail only: the answer is the same for all of them."""
    account = attempt.account
    if account is None:
        return "unknown_account"
    if not account.is_active:
        return "disabled_account"
    if attempt.is_locked:
        return "locked"
    return "wrong_password" if account.has_usable_password() else "no_password"


# --- Signals --------------------------------------------------------------------------------


def on_signed_in(request: HttpRequest, user: User, **_signal: Any) -> None:
    """Django's ``user_logged_in``: once, after all stages, in the session with its new key."""
    if request.method:  # else made by a program, such as the test client's force_login()
        record_sign_in(request, user)


def on_signed_out(request: HttpRequest, user: User | AnonymousUser | None, **_signal: Any) -> None:
    """Django's ``user_logged_out``, while the session still says whose it was."""
    if isinstance(user, User) and request.method:
        record_sign_out(user)


def _factor_of(user: User) -> str | None:
    """The kind of second factor that was proven, such as authentication.totpdevice."""
    device: Any = getattr(user, "otp_device", None)
    persistent_id = device if isinstance(device, str) else getattr(device, "persistent_id", "")
    return persistent_id.partition("/")[0] or None


def _note(
    activity: ActivityType, user: User | None, details: Mapping[str, str | int | None]
) -> None:
    """The same as an activity, which is kept for a shorter time."""
    user_id = user.pk if user else None
    record_event(activity, user_id=user_id, session_id=current().session_id(), extra=details)


@transaction.atomic(savepoint=False)
def _record(
    action: str,
    target: User,
    details: Mapping[str, str | int | None],
    actor: User | None = None,
) -> None:
    """Write the event, with the browser that it came from."""
    shown = {**details, "agent": str(describe(current().user_agent))}
    changes = {name: (None, value) for name, value in shown.items()}
    audit.record(action=action, target=target, changes=changes, actor=actor)
