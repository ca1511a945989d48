"""Which second factors somebody has, and which of them a code is meant for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists
from django.db.models.expressions import Combinable
from django_otp_webauthn.models import WebAuthnCredential
from django_otp_webauthn.utils import get_credential_model

from authentication.models import TOTP_DIGITS, BackupCodeDevice, TOTPDevice
from users.models import User

SecondFactor = TOTPDevice | BackupCodeDevice
Device = Any  # an app or a passkey; the passkeys' library has no types


@dataclass(frozen=True, slots=True)
class SecondFactors:
    """The confirmed devices of one user; true when there are any."""

    apps: tuple[TOTPDevice, ...]
    backup: BackupCodeDevice | None
    passkeys: tuple[WebAuthnCredential, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.apps or self.passkeys or self.backup)

    @property
    def lasting(self) -> tuple[Device, ...]:
        """Those that are not used up; backup codes only stand in for them."""
        return (*self.apps, *self.passkeys)

    @property
    def all(self) -> tuple[Device, ...]:
        return (*self.lasting, self.backup) if self.backup else self.lasting

    @property
    def guarded(self) -> Iterator[SecondFactor]:
        """Those whose codes can be guessed at."""
        yield from self.apps
        if self.backup is not None:
            yield self.backup

    def named(self, public_id: str) -> Device:
        """The app or passkey of this ``public_id``; ``None`` when there is none."""
        return next((one for one in self.lasting if public_id_of(one) == public_id), None)

    def meant_by(self, code: str, *, app_id: str = "") -> SecondFactor | None:
        """The device a code is for: six digits for an app, anything else for the backup codes.

        Exactly one device is asked, so that a wrong code slows down no other. ``app_id`` is the
        ``public_id_of()`` or ``persistent_id`` of the app that was chosen, where there are
        several. Where there are only apps or only backup codes, they get whatever is typed, so
        that it is counted.
        """
        is_for_app = len(code) == TOTP_DIGITS and code.isascii() and code.isdigit()
        chosen = [app for app in self.apps if app_id in (public_id_of(app), app.persistent_id)]
        app = next(iter(chosen or self.apps), None)
        return (app or self.backup) if is_for_app else (self.backup or app)


def public_id_of(device: Device) -> str:
    """What clients call an app or a passkey: ``app-3``, ``passkey-7``."""
    kind = "app" if isinstance(device, TOTPDevice) else "passkey"
    return f"{kind}-{device.pk}"


def has_lasting_factor(user: Any) -> Combinable:
    """Whether the user has an app or a passkey in use, for a query over rows of theirs."""
    apps = TOTPDevice.objects.filter(user=user, confirmed=True)
    passkeys = get_credential_model().objects.filter(user=user, confirmed=True)
    either: Combinable = Exists(apps) | Exists(passkeys)  # type: ignore[assignment]
    return either


def has_second_factor(user: User) -> bool:
    """Whether ``second_factors_of()`` would find any, in one query instead of three."""
    backup = BackupCodeDevice.objects.filter(user=user, confirmed=True)
    rows = User.objects.filter(has_lasting_factor(user.pk) | Exists(backup), pk=user.pk)
    found: bool = rows.exists()
    return found


def second_factors_of(user: User) -> SecondFactors:
    return SecondFactors(
        apps=tuple(TOTPDevice.objects.filter(user=user, confirmed=True).order_by("id")),
        backup=BackupCodeDevice.objects.filter(user=user, confirmed=True).first(),
        passkeys=tuple(
            get_credential_model().objects.filter(user=user, confirmed=True).order_by("id")
        ),
    )
