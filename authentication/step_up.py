"""Stepping up: proving again, in a session, what a sign-in asks for.

It opens sensitive changes for ``STEP_UP_SECONDS`` and rotates the session. Who has neither a
password nor a second factor (they sign in through a provider) has stepped up by a recent
sign-in.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import django_otp
from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from allauth.core.exceptions import ReauthenticationRequired
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django_otp import DEVICE_ID_SESSION_KEY
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from authentication.models import APIToken
from authentication.origins import accept_origin
from authentication.requirement import PROVE_AGAIN, PROVE_AGAIN_CODE
from authentication.second_factors import second_factors_of
from authentication.services.second_factors import check_code, record_step_up
from core.errors import ConflictError, DomainError
from users.models import User, UserSession
from users.sessions import hash_key

if TYPE_CHECKING:  # rest_framework.views imports permissions through the settings
    from rest_framework.views import APIView

STEPPED_UP_AT = "stepped_up_at"  # in the session: seconds since the epoch
CODE, REFUSAL = PROVE_AGAIN_CODE, PROVE_AGAIN


class ProofError(DomainError):
    """What was given proves nothing; ``code`` says why."""

    def __init__(self, message: str, *, field: str, code: str) -> None:
        super().__init__(message, field=field)
        self.code = code


class SignInAgainError(ConflictError):
    """There is nothing to prove here: only a new sign-in steps up."""

    code = "sign_in_again"

    def __init__(self) -> None:
        super().__init__(_("Your account has no password. Sign in again, then repeat this."))


def is_recent(request: HttpRequest | Request) -> bool:
    """Whether this session stepped up less than ``STEP_UP_SECONDS`` ago.

    A session in which no second factor is verified has not, if there is one to verify: another
    session may have added it, or the one that was used has been removed.
    """
    user = request.user
    if not isinstance(user, User):
        return False
    at = moment(request)
    if at is None or not 0 <= time.time() - at < settings.STEP_UP_SECONDS:
        return False
    return DEVICE_ID_SESSION_KEY in request.session or not second_factors_of(user)


def moment(request: HttpRequest | Request) -> float | None:
    """When this session last stepped up, in seconds since the epoch; ``None`` if never."""
    at: float | None = request.session.get(STEPPED_UP_AT)
    if at is None and is_nothing_to_prove(request.user):
        at = _signed_in_at(request)
    return at


def _signed_in_at(request: HttpRequest | Request) -> float | None:
    records = get_authentication_records(request, request.user)
    return max((record["at"] for record in records), default=None)


def is_nothing_to_prove(user: Any) -> bool:
    """Whether ``user`` has neither a password nor a second factor, so that only a new sign-in
    proves anything.
    """
    return not user.has_usable_password() and not second_factors_of(user)


def require(request: HttpRequest | Request) -> None:
    """Raise ``ReauthenticationRequired`` unless the session stepped up a short while ago.

    allauth turns it into its 401 under ``/api/auth/``, and into the step-up page elsewhere.
    """
    if not is_recent(request):
        raise ReauthenticationRequired


def check_password(request: HttpRequest, password: str) -> bool:
    """Whether this is the password of the session's user, or there is none to know.

    Wrong ones count like those of a sign-in; too many raise ``ValidationError``.
    """
    user: Any = request.user
    if not user.has_usable_password():
        return True
    return bool(password) and bool(get_adapter().reauthenticate(user, password))


def mark(request: HttpRequest, *, device: Any = None) -> None:
    """Note that the user of this session proved everything that a sign-in asks for, just now.

    ``device`` is the second factor that was used, if any; the session is verified by it from now
    on. The session's key changes, and both of its limits start anew (NIST SP 800-63B-4, 5.2).
    """
    user = request.user
    if not isinstance(user, User):
        raise TypeError("Nobody is signed in.")
    record_step_up(actor=user, factor=device.model_label() if device is not None else "")
    _rotate(request)
    request.session[STEPPED_UP_AT] = time.time()
    accept_origin(request.session)
    if device is not None:
        django_otp.login(request, device)


def bind(request: HttpRequest, device: Any) -> None:
    """Verify this session by a second factor just added in it, under a new session key.

    Call it where ``require()`` has let pass. The step-up that did keeps its time; so does the
    sign-in that counted as one, which it does no more now that there is something to prove.
    """
    at = request.session.get(STEPPED_UP_AT) or _signed_in_at(request)
    _rotate(request)
    django_otp.login(request, device)
    request.session[STEPPED_UP_AT] = at


@transaction.atomic
def _rotate(request: HttpRequest) -> None:
    """Give the session another key.

    Raise ``ConflictError`` when it has been ended or rotated since the request began: what was
    proven here must not bring it back.
    """
    session: Any = request.session
    rows = UserSession.objects.active().select_for_update(no_key=True)
    key_hash = hash_key(session.session_key or "")
    if rows.filter(pk=session.row_id, key_hash=key_hash).first() is None:
        raise ConflictError(_("Your session has just changed. Sign in again."))
    session.cycle_key()


def forget(request: HttpRequest) -> None:
    """Take the verification by a device that is gone from this request's session, too.

    The database has taken it already; the session was loaded before.
    """
    user: Any = request.user
    kept = {str(device.persistent_id) for device in second_factors_of(user).all}
    if request.session.get(DEVICE_ID_SESSION_KEY, "") not in {"", *kept}:
        del request.session[DEVICE_ID_SESSION_KEY]
        user.otp_device = None


def prove(request: HttpRequest, *, password: str = "", code: str = "", app_id: str = "") -> None:
    """Check what a sign-in would ask for, and ``mark()`` the session.

    Raise ``DomainError`` for what is missing or not right; wrong passwords and codes count like
    those of a sign-in. A passkey in place of a code has a view of its own.
    """
    user = request.user
    if not isinstance(user, User):
        raise TypeError("Nobody is signed in.")
    if is_nothing_to_prove(user):
        raise SignInAgainError
    prove_password(request, password)
    device = None
    if second_factors_of(user):
        if not code:
            raise ProofError(_("Enter a code."), field="code", code="required")
        answer = check_code(user=user, code=code, app_id=app_id)
        if answer.device is None:
            raise answer.refusal
        device = answer.device
    mark(request, device=device)


def prove_password(request: HttpRequest, password: str) -> None:
    """Raise ``ProofError`` unless this is the password of the session's user, if they have one."""
    user: Any = request.user
    if user.has_usable_password() and not password:
        raise ProofError(_("Enter your password."), field="password", code="required")
    try:
        is_right = check_password(request, password)
    except ValidationError as error:
        raise ProofError(error.messages[0], field="password", code=error.code or "") from error
    if not is_right:
        text = _("The password is not right.")
        raise ProofError(text, field="password", code="incorrect_password")


class RecentStepUp(BasePermission):
    """For a session: it stepped up a short while ago, else 403 ``step_up_required``.

    A personal access token passes: nobody sits in front of it who could prove anything.
    """

    message = REFUSAL
    code = CODE

    def has_permission(self, request: Request, view: APIView) -> bool:
        return isinstance(request.auth, APIToken) or is_recent(request)
