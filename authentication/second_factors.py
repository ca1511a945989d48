"""Which second factors somebody has, and checking a code against the right one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import django_otp
from django.utils import timezone

from authentication.models import TOTP_DIGITS, BackupCodeDevice, TOTPDevice
from users.models import User

SecondFactor = TOTPDevice | BackupCodeDevice


@dataclass(frozen=True, slots=True)
class SecondFactors:
    """The confirmed devices of one user; true when there are any."""

    apps: tuple[TOTPDevice, ...]
    backup: BackupCodeDevice | None

    def __bool__(self) -> bool:
        return bool(self.apps or self.backup)

    def meant_by(self, code: str, *, app_id: str = "") -> SecondFactor | None:
        """The device a code is for: six digits for an app, anything else for the backup codes.

        Exactly one device is asked, so that a wrong code slows down no other. ``app_id`` is the
        ``persistent_id`` of the app that was chosen, where there are several.
        """
        if not (len(code) == TOTP_DIGITS and code.isascii() and code.isdigit()):
            return self.backup
        chosen = [app for app in self.apps if app.persistent_id == app_id]
        return next(iter(chosen or self.apps), None)


def second_factors_of(user: User) -> SecondFactors:
    return SecondFactors(
        apps=tuple(TOTPDevice.objects.filter(user=user, confirmed=True).order_by("id")),
        backup=BackupCodeDevice.objects.filter(user=user, confirmed=True).first(),
    )


def verify_code(user: User, device: SecondFactor, code: str) -> bool:
    """Accept a code once; count a failure otherwise, which makes the next try wait longer."""
    return django_otp.verify_token(user, device.persistent_id, code) is not None


def seconds_to_wait(device: SecondFactor) -> int:
    """How long ``device`` refuses every code because of wrong ones, right ones included."""
    device.refresh_from_db()
    allowed, reason = device.verify_is_allowed()
    if allowed:
        return 0
    remaining: float = (reason["locked_until"] - timezone.now()).total_seconds()
    return max(1, math.ceil(remaining))
