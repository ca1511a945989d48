"""Notes each request to the API, and counts the requests of each session."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.utils.functional import SimpleLazyObject, empty

from core.context import current
from core.middleware import BothWays
from users.activity import buffer
from users.activity.rows import LONGEST_TEXT, Row
from users.models import ActivityType

API = "/api/"
UNKNOWN = "unknown"  # the route of a path that leads nowhere, or only to the page that says so
LONGEST_METHOD = 16
NOBODY = (None, None)


class ActivityMiddleware(BothWays):
    """Outside of everything that may refuse a request, so that refusals are noted as well."""

    def __call__(self, request: HttpRequest) -> Any:
        if self.is_async:
            return self._async_call(request)
        started_at, started = timezone.now(), time.monotonic()
        response: HttpResponseBase = self.get_response(request)
        if settings.ACTIVITY_ON:
            note(request, response.status_code, started_at, started)
            if settings.ACTIVITY_SYNC:
                buffer.flush()
        return response

    async def _async_call(self, request: HttpRequest) -> HttpResponseBase:
        started_at, started = timezone.now(), time.monotonic()
        response: HttpResponseBase = await self.get_response(request)
        if settings.ACTIVITY_ON:
            note(request, response.status_code, started_at, started)
            if settings.ACTIVITY_SYNC:
                await sync_to_async(buffer.flush)()
        return response


def note(request: HttpRequest, status: int, started_at: datetime, started: float) -> None:
    """Put the request into the buffer, by what it has found out about its caller itself."""
    session_id, user_id = caller_of(request)
    if not request.path.startswith(API):
        if session_id is not None:
            buffer.add(None, counted=session_id)
        return
    context, match = current(), request.resolver_match
    row = Row(
        session_id=session_id,
        user_id=user_id,
        activity_type=ActivityType.REQUEST.value,
        route=match.view_name[:LONGEST_TEXT] if match and match.url_name else UNKNOWN,
        method=(request.method or "")[:LONGEST_METHOD],
        status=status,
        duration_ms=round((time.monotonic() - started) * 1000),
        client_ip=context.client_ip,
        request_id=context.request_id,
        extra={},
        occurred_at=started_at,
    )
    buffer.add(row, counted=session_id)


def caller_of(request: HttpRequest) -> tuple[UUID | None, UUID | None]:
    """The session, if it is somebody's, and the user: what has been read of them, not more.

    The session of a request with an access token of somebody else is not theirs.
    """
    session = getattr(request, "acting_session", None) or getattr(request, "session", None)
    session_id, owner = getattr(session, "caller", NOBODY)
    user = request.__dict__.get("user")
    if isinstance(user, SimpleLazyObject):
        user = user.__dict__["_wrapped"]
    if user is None or user is empty:
        user = getattr(request, "_acached_user", None)
    if not isinstance(user, AbstractBaseUser):
        return session_id, owner and UUID(owner)
    return (session_id if owner == str(user.pk) else None), user.pk
