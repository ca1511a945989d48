"""What "this was not me" always does, whether a notice or a device is reported."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from authentication.device_trust import NO_TRUST
from authentication.mails.allauth_mails import reset_letter
from authentication.mails.delivery import post
from authentication.models import APIToken
from authentication.services.password_resets import make_reset_token, reset_link
from core import audit
from core.errors import DomainError
from core.models import AuditEvent
from users.models import Device, User

ACTION = "reported_not_me"
REASON = "Reported as not asked for by its owner."


def report_devices(devices: QuerySet[Device]) -> int:
    """They count as a stranger's, and skip no second factor any more; answer how many."""
    keys = list(devices.values_list("pk", flat=True))
    rows = Device.objects.filter(pk__in=keys)
    return audit.update(rows, action="report", reported_at=timezone.now(), **NO_TRUST)


def revoke_tokens(user: User, *, made_in: Collection[UUID], since: datetime | None = None) -> int:
    """Revoke the access tokens made in one of the sessions, or ``since`` then; answer how many."""
    usable = APIToken.objects.usable().filter(user=user)
    made = AuditEvent.objects.filter(
        app="authentication",
        model="apitoken",
        action="create",
        object_id__in=[str(key) for key in usable.values_list("pk", flat=True)],
        session_id__in=made_in,
    ).values_list("object_id", flat=True)
    meant = Q(pk__in=list(made))
    if since is not None:
        meant |= Q(created_at__gte=since)
    rows = APIToken.objects.filter(meant, user=user, revoked_at=None)
    return audit.update(rows, action="revoke", revoked_at=timezone.now())


def start_reset(user: User) -> bool:
    """Mail a link to set a new password; answer whether there is an account to set it for."""
    try:
        _row, secret = make_reset_token(actor=None, user=user, action=ACTION)
    except DomainError:
        return False
    url = reset_link(user=user, secret=secret)
    post(lambda: reset_letter(user, url))
    return True
