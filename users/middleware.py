"""Leaves a browser the id that it is known by."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponseBase

from users.devices import leave_cookie


class DeviceMiddleware:
    """Sets the device cookie on the answer to a finished sign-in."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if iscoroutinefunction(self.get_response):
            return self._async_call(request)
        response: HttpResponseBase = self.get_response(request)
        leave_cookie(request, response)
        return response

    async def _async_call(self, request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase = await self.get_response(request)
        leave_cookie(request, response)
        return response
