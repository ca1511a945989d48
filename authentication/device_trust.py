"""Devices that skip the second factor for a while, because their owner said so there.

The device keeps a secret of 256 random bits: a browser in a signed cookie, which holds one for
each of its latest few users, an app wherever it likes, to be sent as ``X-Device-Trust``. The row
holds its SHA-256 and a moment. The password is asked for all the same, and a session that was let
pass has no verified factor: whatever needs a step-up asks for a code.

The user's row is the lock: whoever trusts, uses trust or ends it takes that first.
"""

from __future__ import annotations

import re
import secrets
from datetime import timedelta
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY
from django.core.signing import BadSignature, Signer
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django_otp import DEVICE_ID_SESSION_KEY

from core import audit
from core.errors import ConflictError
from core.security_events import Kind, note
from users.devices import has_identity, is_app, known_device, leave, used_device
from users.models import Device, User, UserSession

HEADER = "X-Device-Trust"
SALT = "authentication.device_trust"
SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
MOST_KEPT = 5  # secrets in one browser: of its latest users
PASSED = "_passed_as_trusted"  # on the request: the second factor was skipped in it
NO_TRUST: dict[str, Any] = {"trusted_until": None, "trust_secret_hash": ""}


class NoTrustError(ConflictError):
    """This device cannot be trusted; the message says why."""

    code = "no_device_trust"


# --- Using it -------------------------------------------------------------------------------


def is_trusted(request: HttpRequest, user: User) -> bool:
    """Whether the request comes from a device on which ``user`` asked not to be asked for codes.

    Never for those who must use a second factor. One query, another for the roles of who is
    trusted, and none without a secret.
    """
    hashes = [hash_of(secret) for secret in _offered(request)]
    if not hashes or not settings.DEVICE_TRUST_DAYS:
        return False
    device = known_device(request, user)
    if device is None or device.trusted_until is None or device.trusted_until <= timezone.now():
        return False
    matches = [constant_time_compare(one, device.trust_secret_hash) for one in hashes]
    return any(matches) and not user.must_use_second_factor


def note_pass(request: HttpRequest) -> None:
    """Remember that the second factor was skipped in this request."""
    setattr(request, PASSED, True)


def was_used(request: HttpRequest) -> bool:
    return getattr(request, PASSED, False)


@transaction.atomic
def still_holds(request: HttpRequest, user: User) -> bool:
    """Whether the device is trusted now, once whoever is just ending that is done."""
    _locked(user)
    return is_trusted(request, user)


# --- Asking for it --------------------------------------------------------------------------


def may_trust(user: User) -> bool:
    """Whether ``user`` is offered to trust a device: the setting is on, and no rule is against."""
    return settings.DEVICE_TRUST_DAYS > 0 and not user.must_use_second_factor


def refuse_impossible(request: HttpRequest, user: User) -> None:
    """Raise ``NoTrustError`` where ``trust()`` would, before a code is spent on it."""
    if not may_trust(user):
        raise NoTrustError(_("This account is asked for a second factor at every sign-in."))
    if is_app(request) and not has_identity(request):
        raise NoTrustError(_("Send an X-Device-ID: a device without one cannot be trusted."))


def is_possible(request: HttpRequest, user: User) -> bool:
    try:
        refuse_impossible(request, user)
    except NoTrustError:
        return False
    return True


def trust_of_sign_in(request: HttpRequest) -> tuple[Device, str] | None:
    """Trust the device from which this very request has finished a sign-in.

    Answer its row and the secret; nothing when the sign-in is not finished, or nothing can be
    trusted any more: the sign-in stands all the same.
    """
    user, device = request.user, used_device(request)
    if not isinstance(user, User) or device is None:
        return None
    try:
        return device, trust(request, user, device)
    except NoTrustError:
        return None


@transaction.atomic
def trust(request: HttpRequest, user: User, device: Device) -> str:
    """Trust ``device``, from which this session's user proved a second factor; answer the secret.

    A browser is left it in its cookie, an app has to be told it. A secret from before is dead.
    Raise ``NoTrustError`` where no device may be trusted, or the session is not what it was.
    """
    refuse_impossible(request, user)
    owner = _locked(user)
    if not _is_proven(request, owner):
        raise NoTrustError(_("Prove your second factor on this device first."))
    row = Device.objects.select_for_update(no_key=True).filter(pk=device.pk, user=owner).first()
    if row is None or row.reported_at is not None:
        raise NoTrustError(_("This device was reported, and is not trusted again."))
    secret = secrets.token_urlsafe(32)
    before, replaced = audit.snapshot(row), row.trust_secret_hash
    row.trusted_until = timezone.now() + timedelta(days=settings.DEVICE_TRUST_DAYS)
    row.trust_secret_hash = hash_of(secret)
    audit.save(row, action="trust", before=before, actor=owner)
    device.trusted_until = row.trusted_until
    _keep(request, secret, replaced=replaced)
    return secret


def _is_proven(request: HttpRequest, owner: User) -> bool:
    """Whether the session is live, has a second factor and the password of this very moment."""
    session: Any = request.session
    stamp = session.get(HASH_SESSION_KEY, "")
    return (
        DEVICE_ID_SESSION_KEY in session
        and constant_time_compare(stamp, owner.get_session_auth_hash())
        and UserSession.objects.active().filter(pk=session.row_id).exists()
    )


# --- Ending it ------------------------------------------------------------------------------


@transaction.atomic
def distrust(*, actor: User | None, device: Device) -> bool:
    """Ask for the second factor on ``device`` again; answer whether it was trusted."""
    _locked(device.user)
    rows = Device.objects.filter(pk=device.pk).exclude(trusted_until=None)
    return bool(audit.update(rows, action="distrust", actor=actor, **NO_TRUST))


@transaction.atomic
def forget_trust_of(user: User, *, actor: User | None = None) -> int:
    """No device of ``user`` skips the second factor any more; answer how many did."""
    _locked(user)
    rows = Device.objects.filter(user=user).exclude(trusted_until=None)
    return audit.update(rows, action="distrust", actor=actor, **NO_TRUST)


# --- The secret -----------------------------------------------------------------------------


def hash_of(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def _offered(request: HttpRequest) -> list[str]:
    """What may be a secret among what the device sends."""
    header = request.headers.get(HEADER, "")
    found = [header] if SECRET.fullmatch(header) else []
    return found if is_app(request) else [*found, *_in_cookie(request)]


def _in_cookie(request: HttpRequest) -> list[str]:
    try:
        value = Signer(salt=SALT).unsign(request.COOKIES.get(settings.DEVICE_TRUST_COOKIE_NAME, ""))
    except BadSignature:
        if settings.DEVICE_TRUST_COOKIE_NAME in request.COOKIES:
            note(Kind.TAMPERED_STATE, reason="device_trust_cookie")
        return []
    return [secret for secret in value.split(".") if SECRET.fullmatch(secret)][:MOST_KEPT]


def _keep(request: HttpRequest, secret: str, *, replaced: str) -> None:
    """Leave ``secret`` in the browser beside those of its other users."""
    if is_app(request):
        return
    others = [one for one in _in_cookie(request) if hash_of(one) != replaced]
    leave(
        request,
        name=settings.DEVICE_TRUST_COOKIE_NAME,
        value=Signer(salt=SALT).sign(".".join([secret, *others][:MOST_KEPT])),
        seconds=settings.DEVICE_TRUST_DAYS * 24 * 3_600,
    )


def _locked(user: User) -> User:
    """The user's row as it is now, locked until the transaction ends."""
    locked: User = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    return locked
