"""Which browser or app a request comes from, and which of them a user has signed in with before.

A browser keeps a random id in a signed cookie, an app sends one of its own making as
``X-Device-ID``. Neither is stored: a ``Device`` row holds a keyed hash of the id and of the kind of
browser and system that sends it. Versions may change; a cookie that is replayed from another kind
of browser is another device, one that nobody has signed in with.
"""

from __future__ import annotations

import json
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
from core.security_events import Kind, note
from users.models import Device, User
from users.user_agents import describe

HEADER = "X-Device-ID"
# 128 bits and more: 32 hexadecimal digits, a UUID, 22 characters of base64url.
APP_ID = re.compile(r"[A-Za-z0-9_-]{22,128}")
FEWEST_CHARACTERS = 8  # different ones, so that no app sends zeroes
COOKIE_SECONDS = 400 * 24 * 3_600  # as long as browsers keep any cookie
SALT = "users.devices"
VERSION = re.compile(r" \d\S*$")
APP_PATH = "/api/auth/app/"
LEFT = "_cookies_to_leave"  # on the request: name to value and seconds, for its browser
FOUND = "_known_device"  # on the request: what known_device() has answered last
USED = "_used_device"  # on the request: the device of the sign-in that it finished
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
        if is_app(request):
            return None, True
        identity = f"cookie:{secrets.token_urlsafe(32)}"
    kind, _colon, value = identity.partition(":")
    if kind == "cookie":
        leave(
            request,
            name=settings.DEVICE_COOKIE_NAME,
            value=Signer(salt=SALT).sign(value),
            seconds=COOKIE_SECONDS,
        )
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
    setattr(request, USED, device)
    return device, is_new


def used_device(request: HttpRequest) -> Device | None:
    """The row that ``remember_device()`` has answered in this very request, if any."""
    device: Device | None = getattr(request, USED, None)
    return device


def has_identity(request: HttpRequest) -> bool:
    """Whether the request says which device it comes from."""
    return _identity_of(request) is not None


def is_app(request: HttpRequest) -> bool:
    """Whether an app client sends this: it keeps no cookies, and those that come are not its."""
    return request.path.startswith(APP_PATH) or "X-Session-Token" in request.headers


def leave(request: HttpRequest, *, name: str, value: str, seconds: int) -> None:
    """Have a cookie set with the answer to this request."""
    cookies: dict[str, tuple[str, int]] = request.__dict__.setdefault(LEFT, {})
    cookies[name] = (value, seconds)


def leave_cookies(request: HttpRequest, response: HttpResponseBase) -> None:
    """Set what ``leave()`` has been given: for this host alone, and for no script."""
    cookies: dict[str, tuple[str, int]] = getattr(request, LEFT, {})
    for name, (value, seconds) in cookies.items():
        response.set_cookie(
            name,
            value,
            max_age=seconds,
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
    if cookie is None or is_app(request):
        return None
    try:
        return f"cookie:{Signer(salt=SALT).unsign(cookie)}"
    except BadSignature:
        note(Kind.TAMPERED_STATE, reason="device_cookie")
        return None


def _fingerprints(identity: str) -> list[str]:
    """HMAC-SHA-256 of the id and the traits under ``SECRET_KEY``, then under each fallback."""
    text = json.dumps([identity, *_traits()])
    return [
        salted_hmac(SALT, text, secret=key, algorithm="sha256").hexdigest()
        for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    ]


def _traits() -> tuple[str, str, str]:
    """What an update does not change: the families of browser and system, the type of device.

    They are guessable, so that alone they name no device; together with an id they do.
    """
    agent = describe(current().user_agent)
    return str(agent.device_type), family_of(agent.browser), family_of(agent.os)


def family_of(described: str) -> str:
    """``Chrome Mobile 126`` without its version, ``Mac OS X 10.15`` likewise."""
    return VERSION.sub("", described)


def _devices(user: User | None, identity: str) -> QuerySet[Device]:
    owner = user.pk if user else NOBODY
    return Device.objects.filter(user=owner, fingerprint__in=_fingerprints(identity))
