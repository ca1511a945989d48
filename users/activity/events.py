"""Notes sign-ins, failed ones and sign-outs."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from core.context import current
from users.activity import buffer
from users.activity.rows import Row, details_of
from users.models import ActivityType

NOTHING: Mapping[str, object] = MappingProxyType({})


def record_event(
    activity_type: ActivityType,
    *,
    user_id: UUID | None,
    session_id: UUID | None,
    status: int | None = None,
    extra: Mapping[str, object] = NOTHING,
) -> None:
    """Note a sign-in event of the current request: never raises, never waits for the database.

    Of ``extra`` what ``users.activity.rows.DETAILS`` names is kept. With ``ACTIVITY_SYNC`` it is
    written when the request ends, with the request itself.
    """
    if not settings.ACTIVITY_ON:
        return
    context = current()
    buffer.add(
        Row(
            session_id=session_id,
            user_id=user_id,
            activity_type=activity_type.value,
            route="",
            method="",
            status=status,
            duration_ms=None,
            client_ip=context.client_ip,
            request_id=context.request_id,
            extra=details_of(extra),
            occurred_at=timezone.now(),
        )
    )
