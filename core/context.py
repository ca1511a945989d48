"""Who is acting, through which door: carried in a ``contextvars`` context, async included.

Middleware sets it for a request, ``acting()`` for a command or a task. Everything is read at the
moment an event is recorded, so a request that signs in half way is recorded with its user.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from ipaddress import ip_address
from uuid import UUID

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models
from django.http import HttpRequest

from core.ids import uuid7

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


class Via(models.TextChoices):
    """The door through which a change came in."""

    API = "api", "API"
    ADMIN = "admin", "Admin"
    WEB = "web", "Web page"
    COMMAND = "command", "Command line"
    TASK = "task", "Background task"


def _no_actor() -> AbstractBaseUser | None:
    return None


def _no_session() -> UUID | None:
    return None


@dataclass(frozen=True, slots=True)
class ActingContext:
    via: Via = Via.TASK
    request_id: str = ""
    client_ip: str | None = None
    user_agent: str = ""
    actor: Callable[[], AbstractBaseUser | None] = _no_actor
    # Who of the staff acts as ``actor``, if anybody does.
    impersonator: Callable[[], AbstractBaseUser | None] = _no_actor
    session_id: Callable[[], UUID | None] = _no_session


_NOBODY = ActingContext()
_current: ContextVar[ActingContext] = ContextVar("acting", default=_NOBODY)


def current() -> ActingContext:
    return _current.get()


@contextmanager
def entered(context: ActingContext) -> Iterator[ActingContext]:
    token = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(token)


@contextmanager
def acting(*, via: Via, actor: AbstractBaseUser | None = None) -> Iterator[ActingContext]:
    """Attribute everything recorded inside to ``actor``, with one new request id for all of it."""
    with entered(ActingContext(via=via, request_id=str(uuid7()), actor=lambda: actor)) as context:
        yield context


@contextmanager
def attributed_to(actor: AbstractBaseUser) -> Iterator[None]:
    """Name ``actor`` in what is recorded inside, and leave the rest of the context as it is."""
    with entered(replace(current(), actor=lambda: actor)):
        yield


def context_of(request: HttpRequest) -> ActingContext:
    return ActingContext(
        via=_via(request.path),
        request_id=request_id_of(request),
        client_ip=client_ip_of(request),
        user_agent=request.headers.get("User-Agent", "").replace("\0", ""),
        actor=lambda: _user_of(request),
        impersonator=lambda: getattr(request, "impersonator", None),
        session_id=lambda: getattr(getattr(request, "session", None), "row_id", None),
    )


def request_id_of(request: HttpRequest) -> str:
    """Answer the caller's ``X-Request-ID`` when it is harmless to log, else a new one."""
    offered = request.headers.get("X-Request-ID", "")
    return offered if REQUEST_ID.fullmatch(offered) else str(uuid7())


def client_ip_of(request: HttpRequest) -> str | None:
    """Answer the caller's address, as the outermost proxy of ours saw it.

    Each of ``TRUSTED_PROXY_COUNT`` proxies appends one address to ``X-Forwarded-For``; what
    stands left of those was written by the caller and is not believed.
    """
    address = request.META.get("REMOTE_ADDR", "")
    hops = settings.TRUSTED_PROXY_COUNT
    if hops:
        forwarded = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",")]
        if len(forwarded) >= hops and forwarded[-hops]:
            address = forwarded[-hops]
    try:
        # Without the zone of a link-local address, which databases do not store.
        return str(ip_address(address.partition("%")[0]))
    except ValueError:
        return None


def _via(path: str) -> Via:
    if path.startswith("/api/"):
        return Via.API
    if path.startswith("/admin/"):
        return Via.ADMIN
    return Via.WEB


def _user_of(request: HttpRequest) -> AbstractBaseUser | None:
    user = getattr(request, "user", None)
    return user if isinstance(user, AbstractBaseUser) else None
