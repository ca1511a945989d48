"""Which browser or app a request comes from, and which of them a user has signed in with before.

A browser keeps a random id in a signed cookie, an app sends one of its own making as
``X-Device-ID``. Neither is stored: a ``Device`` row holds its keyed hash.
"""

from __future__ import annotations

import re
import secrets
from uuid import UUID

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.utils.crypto import salted_hmac

from core.context import current
from users.models import Device, User
from users.user_agents import describe

HEADER = "X-Device-ID"
# 128 bits and more: 32 hexadecimal digits, a UUID, 22 characters of base64url.
APP_ID = re.compile(r"[A-Za-z0-9_-]{22,128}")
FEWEST_CHARACTERS = 8  # different ones, so that no app sends zeroes
COOKIE_SECONDS = 400 * 24 * 3_600  # as long as browsers keep any cookie
SALT = "users.devices"
APP_PATH = "/api/auth/app/"
NEW_COOKIE = "_device_cookie"  # on the request: the id to leave in the browser
FOUND = "_known_device"  # on the request: what known_device() has answered last
NOBODY = UUID(int=0)


def device_of(request: HttpRequest) -> Device | None:
    """The device that the request comes from: its caller's own row, else the one seen last."""
    identity = _identity_of(request)
    if identity is None:
        return None
    devices = Device.objects.filter(fingerprint__in=_fingerprints(identity))
    if request.user.is_authenticated:
        devices = devices.filter(user=request.user.pk)
    return devices.order_by("-last_seen_at").first()


def known_device(request: HttpRequest, user: User | None) -> Device | None:
    """The device, when ``user`` has signed in with it and not reported it since.

    Nobody (``None``) costs the same query and has none.
    """
    identity = _identity_of(request)
    if identity is None:
        return None
    device = _devices(user, identity).filter(reported_at=None).first()
    setattr(request, FOUND, device)
    return device


def remember_device(request: HttpRequest, user: User) -> tuple[Device | None, bool]:
    """Note that ``user`` has signed in from this device; answer its row, and whether it is new.

    A browser without an id is given one with the answer to this request. An app that sends no
    usable ``X-Device-ID`` has no row and is new every time.
    """
    identity = _identity_of(request)
    if identity is None:
        if request.path.startswith(APP_PATH):
            return None, True
        identity = f"cookie:{secrets.token_urlsafe(32)}"
    kind, _colon, value = identity.partition(":")
    if kind == "cookie":
        setattr(request, NEW_COOKIE, value)
    context = current()
    agent = describe(context.user_agent)
    seen = {
        "last_seen_at": timezone.now(),
        "last_ip": context.client_ip,
        "device_type": agent.device_type,
        "browser": agent.browser,
        "os": agent.os,
    }
    newest = _fingerprints(identity)[0]
    device: Device | None = getattr(request, FOUND, None)
    if device is None or device.user_id != user.pk or device.fingerprint != newest:
        found = {device.fingerprint: device for device in _devices(user, identity)}
        device = found.get(newest) or next(iter(found.values()), None)
    is_new = device is None
    if device is None:
        # Of two sign-ins at once one makes the row, the other finds it.
        device, is_new = Device.objects.get_or_create(user=user, fingerprint=newest, defaults=seen)
    if not is_new:
        Device.objects.filter(pk=device.pk).update(
            **seen, fingerprint=newest, updated_at=timezone.now()
        )
    return device, is_new


def leave_cookie(request: HttpRequest, response: HttpResponseBase) -> None:
    """Give the browser its id, or push its expiry out, once a sign-in has been finished."""
    value = getattr(request, NEW_COOKIE, None)
    if value is None:
        return
    response.set_cookie(
        settings.DEVICE_COOKIE_NAME,
        Signer(salt=SALT).sign(value),
        max_age=COOKIE_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _identity_of(request: HttpRequest) -> str | None:
    """``header:`` or ``cookie:`` and the id, so that neither passes for the other."""
    offered = request.headers.get(HEADER, "")
    if APP_ID.fullmatch(offered) and len(set(offered)) >= FEWEST_CHARACTERS:
        return f"header:{offered}"
    cookie = request.COOKIES.get(settings.DEVICE_COOKIE_NAME)
    if cookie is None or request.path.startswith(APP_PATH):
        return None
    try:
        return f"cookie:{Signer(salt=SALT).unsign(cookie)}"
    except BadSignature:
        return None


def _fingerprints(identity: str) -> list[str]:
    """HMAC-SHA-256 of the id under ``SECRET_KEY``, then under each of its fallbacks."""
    return [
        salted_hmac(SALT, identity, secret=key, algorithm="sha256").hexdigest()
        for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    ]


def _devices(user: User | None, identity: str) -> QuerySet[Device]:
    owner = user.pk if user else NOBODY
    return Device.objects.filter(user=owner, fingerprint__in=_fingerprints(identity))
