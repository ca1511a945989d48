"""What people do with the devices that they have signed in from, beside naming them."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from authentication.models import PasswordResetToken
from authentication.services.password_resets import revoke_reset_tokens
from authentication.services.reporting import (
    REASON,
    report_devices,
    revoke_tokens,
    start_reset,
)
from core import audit
from core.context import attributed_to
from core.errors import ConflictError
from users.models import Device, EndReason, User, UserSession
from users.sessions import revoke_sessions


@dataclass(frozen=True, slots=True)
class DeviceReport:
    """What was done about a device that is a stranger's."""

    sessions: int
    tokens: int
    reset_mailed: bool


@transaction.atomic
def report_device(*, actor: User, device: Device, this: UUID | None) -> DeviceReport:
    """Undo what a stranger could do from ``device`` of ``actor``, who has never signed in there.

    Its sessions end, it is neither known nor trusted any more, access tokens made in its sessions
    are revoked, and a link to set a new password is mailed: whoever signed in knew the old one.
    Raise ``ConflictError`` for the device of ``this`` session, and for one reported before.
    """
    user = User.objects.select_for_update(no_key=True).get(pk=actor.pk)
    sessions = UserSession.objects.filter(user=user, device=device)
    if this is not None and sessions.filter(pk=this).exists():
        raise ConflictError(_("This is the device that you are using."))
    with attributed_to(actor):
        if not report_devices(Device.objects.filter(pk=device.pk, user=user, reported_at=None)):
            raise ConflictError(_("This device was reported before."))
        resets = PasswordResetToken.objects.filter(user=user)
        revoke_reset_tokens(resets, actor=actor, reason=REASON)
        tokens = revoke_tokens(user, made_in=list(sessions.values_list("pk", flat=True)))
        ended = revoke_sessions(sessions, reason=EndReason.SUSPICIOUS)
        report = DeviceReport(sessions=ended, tokens=tokens, reset_mailed=start_reset(user))
    audit.record(
        action="reported_device",
        target=user,
        changes={
            "device": (None, str(device.pk)),
            "sessions_ended": (None, report.sessions),
            "tokens_revoked": (None, report.tokens),
            "reset_mailed": (None, report.reset_mailed),
        },
        actor=actor,
    )
    return report
