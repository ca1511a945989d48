"""What is noted of each request: a line of the log, its metrics, a security event if it is one."""

from __future__ import annotations

import logging
import time
from http import HTTPStatus
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from core.context import current
from core.current_request import answering, route_of
from core.middleware import BothWays
from core.security_events import Kind, is_settled, note
from truledgr.log_context import ACTING
from truledgr.metrics import served
from users.activity.middleware import caller_of

logger = logging.getLogger("request")

LONGEST_AGENT = 200
LONGEST_METHOD = 16
MACHINES = {"health-live", "health-ready", "metrics"}


class RequestLogMiddleware(BothWays):
    """Right inside of the acting context, so that what any other middleware refuses is logged."""

    def __call__(self, request: HttpRequest) -> Any:
        if self.is_async:
            return self._async_call(request)
        started = time.monotonic()
        with answering(request):
            setattr(request, ACTING, current())
            response: HttpResponseBase = self.get_response(request)
            kind = kind_of(request, response)
            if kind is not None:
                note(kind, reason=code_of(response), status=response.status_code)
            log(request, response, started)
        return response

    async def _async_call(self, request: HttpRequest) -> HttpResponseBase:
        started = time.monotonic()
        with answering(request):
            setattr(request, ACTING, current())
            response: HttpResponseBase = await self.get_response(request)
            kind = kind_of(request, response)
            if kind is not None:
                reason, status = code_of(response), response.status_code
                await sync_to_async(note)(kind, reason=reason, status=status)
            log(request, response, started)
        return response


def log(request: HttpRequest, response: HttpResponseBase, started: float) -> None:
    route, seconds = route_of(request), time.monotonic() - started
    method = (request.method or "")[:LONGEST_METHOD]
    is_dull = _is_dull(request, route)
    if not is_dull:
        served.observe(method=method, route=route, status=response.status_code, seconds=seconds)
    logger.log(
        logging.DEBUG if is_dull else logging.INFO,
        "%s %s %d",
        method,
        route,
        response.status_code,
        extra={
            "method": method,
            "status": response.status_code,
            "duration_ms": round(seconds * 1000),
            "user_agent": current().user_agent[:LONGEST_AGENT],
        },
    )


def _is_dull(request: HttpRequest, route: str) -> bool:
    """What is asked every few seconds by machines, and files that are the same for everybody."""
    return route in MACHINES or request.path.startswith(settings.STATIC_URL)


def kind_of(request: HttpRequest, response: HttpResponseBase) -> Kind | None:
    """What an answer is a sign of; ``None`` for most, and where the event has been noted."""
    status = response.status_code
    if status < HTTPStatus.BAD_REQUEST or is_settled():
        return None
    kinds: dict[int, Kind] = {
        HTTPStatus.FORBIDDEN: Kind.ACCESS_DENIED,
        HTTPStatus.TOO_MANY_REQUESTS: Kind.RATE_LIMITED,
        HTTPStatus.INTERNAL_SERVER_ERROR: Kind.UNEXPECTED_ERROR,
    }
    if status == HTTPStatus.NOT_FOUND and _names_an_object(request):
        return Kind.NOT_FOUND_OR_HIDDEN
    if _is_bad_token(request, response):
        return Kind.BAD_TOKEN
    return kinds.get(status)


def code_of(response: HttpResponseBase) -> str:
    """The ``code`` of a problem; empty for a page."""
    return str(getattr(response, "problem_code", ""))


def _names_an_object(request: HttpRequest) -> bool:
    """A path with a key in it, asked for by somebody who is signed in."""
    match = request.resolver_match
    return bool(match and match.kwargs) and caller_of(request)[1] is not None


def _is_bad_token(request: HttpRequest, response: HttpResponseBase) -> bool:
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        return code_of(response) == "authentication_failed"
    # The headless flows: a session that is gone.
    return response.status_code == HTTPStatus.GONE and "X-Session-Token" in request.headers
