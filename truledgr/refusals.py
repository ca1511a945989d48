"""Answers where limits stop a request: 429 when one is reached, 503 when nothing can be counted."""

from __future__ import annotations

import logging
import math
from http import HTTPStatus
from typing import Any

from allauth.core.ratelimit import respond_429
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from redis.exceptions import RedisError

from authentication.api.answers import is_headless, refusal
from authentication.limits import LimitReachedError
from core.api.errors import RETRY_SECONDS, problem_page
from core.middleware import BothWays
from core.rates import CountingError
from core.security_events import settle

logger = logging.getLogger(__name__)

OUTAGE = "Tries cannot be counted at the moment, so nobody can sign in. Try again in a moment."
LONGEST_WAIT = 60  # seconds: allauth does not say, and all its rates are for a minute at most


class RefusalMiddleware(BothWays):
    """Nobody signs in, signs up or resets a password uncounted: without the cache it is 503."""

    def __call__(self, request: HttpRequest) -> Any:
        if self.is_async:
            return self._async_call(request)
        return _with_wait(self.get_response(request))

    async def _async_call(self, request: HttpRequest) -> HttpResponseBase:
        return _with_wait(await self.get_response(request))

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, LimitReachedError):
            settle()  # who counts tries at passwords and providers records the first refusal
            response = _too_many(request)
            response.headers["Retry-After"] = str(math.ceil(error.wait))
            return response
        if isinstance(error, CountingError | RedisError):
            logger.error("The cache is away: a request was refused.", exc_info=error)
            response = _unavailable(request)
            response.headers["Retry-After"] = str(RETRY_SECONDS)
            return response
        return None


def _with_wait(response: HttpResponseBase) -> HttpResponseBase:
    if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
        response.headers.setdefault("Retry-After", str(LONGEST_WAIT))
    return response


def _too_many(request: HttpRequest) -> HttpResponse:
    if request.path.startswith("/api/") and not is_headless(request):
        detail = "Too many requests. Wait as long as Retry-After says."
        return problem_page(HTTPStatus.TOO_MANY_REQUESTS, code="throttled", detail=detail)
    response: HttpResponse = respond_429(request)
    return response


def _unavailable(request: HttpRequest) -> HttpResponse:
    status = HTTPStatus.SERVICE_UNAVAILABLE
    if is_headless(request):
        return refusal(OUTAGE, code="unavailable", status=status)
    if request.path.startswith("/api/"):
        return problem_page(status, code="unavailable", detail=OUTAGE)
    return render(request, "503.html", status=status)
