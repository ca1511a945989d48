"""Puts the acting context around each request and its id on each response."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse

from core.context import context_of, entered

Handler = Callable[[HttpRequest], HttpResponse] | Callable[[HttpRequest], Awaitable[HttpResponse]]


class RequestContextMiddleware:
    """``request.request_id`` and ``X-Request-ID`` name the request; see ``core.context``."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        if iscoroutinefunction(self.get_response):
            return self._async_call(request)
        with entered(context_of(request)) as context:
            request.request_id = context.request_id  # type: ignore[attr-defined]
            response = self.get_response(request)
            response.headers["X-Request-ID"] = context.request_id  # type: ignore[union-attr]
            return response

    async def _async_call(self, request: HttpRequest) -> HttpResponse:
        with entered(context_of(request)) as context:
            request.request_id = context.request_id  # type: ignore[attr-defined]
            response: HttpResponse = await self.get_response(request)  # type: ignore[misc]
            response.headers["X-Request-ID"] = context.request_id
            return response
