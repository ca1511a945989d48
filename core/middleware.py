"""Puts the acting context around each request and its id on each response."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse

from core.context import context_of, entered


class BothWays:
    """A middleware for threads and for event loops alike, which says so of itself as Django asks.

    ``__call__()`` of a subclass answers a coroutine when ``is_async``.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)  # type: ignore[type-var]


class RequestContextMiddleware(BothWays):
    """``request.request_id`` and ``X-Request-ID`` name the request; see ``core.context``."""

    def __call__(self, request: HttpRequest) -> Any:
        if self.is_async:
            return self._async_call(request)
        with entered(context_of(request)) as context:
            request.request_id = context.request_id  # type: ignore[attr-defined]
            response = self.get_response(request)
            response.headers["X-Request-ID"] = context.request_id
            return response

    async def _async_call(self, request: HttpRequest) -> HttpResponse:
        with entered(context_of(request)) as context:
            request.request_id = context.request_id  # type: ignore[attr-defined]
            response: HttpResponse = await self.get_response(request)
            response.headers["X-Request-ID"] = context.request_id
            return response
