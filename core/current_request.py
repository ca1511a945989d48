"""The request that is being answered, for what has no request at hand: log lines, events."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.http import HttpRequest

UNKNOWN = "unknown"  # the route of a path that leads nowhere, or was not looked up yet
_current: ContextVar[HttpRequest | None] = ContextVar("request", default=None)


def current_request() -> HttpRequest | None:
    return _current.get()


@contextmanager
def answering(request: HttpRequest) -> Iterator[None]:
    token = _current.set(request)
    try:
        yield
    finally:
        _current.reset(token)


def route_of(request: HttpRequest | None) -> str:
    """The name of the route, which unlike the path holds no key, token or name."""
    match = request.resolver_match if request is not None else None
    return match.view_name if match else UNKNOWN
