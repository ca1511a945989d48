"""Leaves a browser the id that it is known by."""

from __future__ import annotations

from collections.abc import Awaitable

from django.http import HttpRequest, HttpResponseBase

from core.middleware import BothWays
from users.devices import leave_cookies


class DeviceMiddleware(BothWays):
    """Sets the device cookie on the answer to a finished sign-in."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self.is_async:
            return self._async_call(request)
        response: HttpResponseBase = self.get_response(request)
        leave_cookies(request, response)
        return response

    async def _async_call(self, request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase = await self.get_response(request)
        leave_cookies(request, response)
        return response
