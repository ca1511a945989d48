"""Second factors, password resets and personal access tokens."""

from __future__ import annotations

import hmac
import math
import time
from datetime import datetime, timedelta
from typing import Self
from urllib.parse import quote, urlencode

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_otp.models import Device as OTPDevice
from django_otp.models import ThrottlingMixin
from django_otp.oath import TOTP

from authentication import secrets
from core.audit import AuditSpec
from core.encryption import EncryptedTextField
from core.models import TimestampedModel, UUIDModel
from users.models import User

TOTP_SECONDS = 30
TOTP_DIGITS = 6
# NIST SP 800-63B-4, 3.2.2: no more than one hundred consecutive failures of one authenticator.
MOST_WRONG_IN_A_ROW = 100
LONGEST_WAIT = 300  # seconds after a wrong code; without a limit the owner would be locked out


class GuardedDevice(TimestampedModel, ThrottlingMixin, OTPDevice):  # type: ignore[misc,django-manager-missing]
    """A device whose codes can be guessed at: counts every wrong one, waits, and locks itself."""

    throttling_failure_count: int
    throttling_failure_timestamp: datetime | None

    wrong_codes = models.PositiveBigIntegerField(
        default=0,
        db_default=0,
        editable=False,
        help_text="Wrong codes ever; only grows, so that one sign-in can count its own.",
    )
    warned_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="When its owner was last told of wrong codes after a right password.",
    )

    # Whether what accepts() has just refused was right once, and is used up.
    is_replay = False

    class Meta:
        abstract = True

    def get_throttle_factor(self) -> int:
        """Seconds to wait after the first wrong code; doubled by each further one."""
        return 1

    @property
    def is_locked(self) -> bool:
        """Whether it refuses every code until its owner proves another factor, or staff help."""
        return self.throttling_failure_count >= MOST_WRONG_IN_A_ROW

    @property
    def seconds_to_wait(self) -> int:
        """How long it refuses every code because of wrong ones, right ones included."""
        failures, last = self.throttling_failure_count, self.throttling_failure_timestamp
        if not failures or last is None:
            return 0
        # The exponent is cut first: the power would have a hundred digits.
        delay = min(self.get_throttle_factor() << min(failures - 1, 20), LONGEST_WAIT)
        over = last + timedelta(seconds=delay)
        return max(0, math.ceil((over - timezone.now()).total_seconds()))

    def verify_is_allowed(self) -> tuple[bool, None]:
        return not self.is_locked and not self.seconds_to_wait, None

    def throttle_increment(self, commit: bool = True) -> None:  # noqa: FBT001, FBT002
        """Count a wrong code. One that came too early does not move the time to wait for."""
        if self.verify_is_allowed()[0] or self.throttling_failure_timestamp is None:
            self.throttling_failure_timestamp = timezone.now()
        self.throttling_failure_count += 1
        self.wrong_codes += 1
        if commit:
            self.save()

    def verify_token(self, token: str) -> bool:
        """Accept a right code once; count anything else, and any code that comes too early.

        Call it with the row locked, as ``authentication.services.second_factors`` does.
        """
        if self.verify_is_allowed()[0] and self.accepts(str(token)):
            self.throttle_reset(commit=False)
            self.save()
            return True
        self.throttle_increment()
        return False

    def accepts(self, code: str) -> bool:
        """Whether ``code`` is right and unused; if so it is used up, without saving."""
        raise NotImplementedError


class TOTPDevice(GuardedDevice):
    """An authenticator app: time-based one-time passwords (RFC 6238).

    Six digits, steps of 30 seconds, only the current step, each step once. It does not learn a
    drift: a clock that is off is refused.
    """

    secret = EncryptedTextField(
        default=secrets.new_totp_secret, editable=False, help_text="Base32, 160 bits; encrypted."
    )
    last_step = models.BigIntegerField(
        default=-1, editable=False, help_text="Time step of the last accepted code."
    )

    audit = AuditSpec(fields=("user", "name", "confirmed"), label="name")

    class Meta:
        db_table = "totp_devices"
        ordering = ["id"]
        verbose_name = _("authenticator app")
        verbose_name_plural = _("authenticator apps")

    def accepts(self, code: str) -> bool:
        if not (len(code) == TOTP_DIGITS and code.isascii() and code.isdigit()):
            return False
        totp = TOTP(secrets.totp_key(self.secret), TOTP_SECONDS, digits=TOTP_DIGITS)
        totp.time = time.time()
        if not totp.verify(int(code), tolerance=0, min_t=self.last_step + 1):
            self.is_replay = totp.verify(int(code), tolerance=0)
            return False
        self.last_step = totp.t()
        return True

    @property
    def config_url(self) -> str:
        """The ``otpauth://`` URL that authenticator apps read from a QR code."""
        issuer = settings.OTP_TOTP_ISSUER
        label = quote(f"{issuer}:{self.user.get_username()}", safe="")
        query = urlencode({"secret": self.secret, "issuer": issuer}, quote_via=quote)
        return f"otpauth://totp/{label}?{query}"


class BackupCodeDevice(GuardedDevice):
    """The backup codes of a user: ten, each good for one sign-in.

    Only salted PBKDF2 hashes are kept, under one salt for the set, so that a check costs one
    derivation.
    """

    salt = models.CharField(max_length=32, blank=True, editable=False, help_text="Hexadecimal.")
    codes = models.JSONField(
        default=list,
        blank=True,
        editable=False,
        help_text='[{"hash": hexadecimal, "used_at": moment or null}, …]',
    )

    audit = AuditSpec(fields=("user", "confirmed"), label="name")

    class Meta:
        db_table = "backup_code_devices"
        ordering = ["id"]
        verbose_name = _("backup code set")
        verbose_name_plural = _("backup code sets")
        constraints = [
            models.UniqueConstraint(
                fields=["user"], name="authentication_backupcodedevice_user_uniq"
            ),
        ]

    @property
    def unused(self) -> int:
        """How many codes are left."""
        return sum(entry["used_at"] is None for entry in self.codes)

    def renew_codes(self) -> list[str]:
        """Make ten new codes and forget the old ones, without saving; answer the new ones."""
        self.salt = secrets.new_salt()
        codes = [secrets.new_backup_code() for _ in range(secrets.BACKUP_CODES)]
        self.codes = [
            {"hash": secrets.hash_backup_code(code, salt=self.salt), "used_at": None}
            for code in codes
        ]
        self.throttle_reset(commit=False)
        return codes

    def replace_codes(self) -> list[str]:
        """``renew_codes()``, saved; the codes are shown only now."""
        codes = self.renew_codes()
        self.save()
        return codes

    def accepts(self, code: str) -> bool:
        offered = secrets.hash_backup_code(code, salt=self.salt)
        for entry in self.codes:
            if not hmac.compare_digest(entry["hash"], offered):
                continue
            if entry["used_at"] is None:
                entry["used_at"] = timezone.now().isoformat()
                return True
            self.is_replay = True
        return False


class PasswordResetTokenQuerySet(models.QuerySet["PasswordResetToken"]):
    def usable(self) -> Self:
        """Neither used, revoked nor expired."""
        return self.filter(used_at=None, revoked_at=None, expires_at__gt=timezone.now())


class PasswordResetToken(UUIDModel, TimestampedModel):
    """Leave to set a new password, mailed to its owner: single use, an hour's life."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="password_reset_tokens")
    token_hash = models.CharField(
        max_length=64, unique=True, help_text="SHA-256 of the token; the token is not stored."
    )
    email = models.EmailField(max_length=254, help_text="Where it was sent.")
    expires_at = models.DateTimeField(help_text="From when on it opens nothing.")
    used_at = models.DateTimeField(null=True, blank=True, help_text="When the password was set.")
    revoked_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was withdrawn before it was used."
    )
    revocation_reason = models.CharField(
        max_length=200, blank=True, help_text="Why it was withdrawn."
    )
    client_ip = models.GenericIPAddressField(null=True, blank=True, help_text="Who asked for it.")
    user_agent = models.CharField(max_length=512, blank=True, help_text="Who asked for it.")

    objects = PasswordResetTokenQuerySet.as_manager()

    audit = AuditSpec(
        fields=("user", "email", "expires_at", "used_at", "revoked_at", "revocation_reason"),
        label="email",
    )

    class Meta:
        db_table = "password_reset_tokens"
        ordering = ["-id"]
        verbose_name = _("password reset token")
        verbose_name_plural = _("password reset tokens")
        constraints = [
            models.CheckConstraint(
                condition=Q(used_at=None) | Q(revoked_at=None),
                name="authentication_passwordresettoken_end_check",
            ),
        ]
        indexes = [
            models.Index(
                fields=["user"],
                condition=Q(used_at=None, revoked_at=None),
                name="reset_token_open_idx",
            ),
            models.Index(fields=["expires_at"], name="reset_token_expiry_idx"),
        ]

    def __str__(self) -> str:
        return f"Password reset for {self.email}"


class APITokenQuerySet(models.QuerySet["APIToken"]):
    def usable(self) -> Self:
        """Neither revoked nor expired, of a user who may sign in."""
        return self.filter(
            Q(expires_at=None) | Q(expires_at__gt=timezone.now()),
            revoked_at=None,
            user__is_active=True,
            user__is_deleted=False,
        )


class APIToken(UUIDModel, TimestampedModel):
    """A personal access token: acts as its owner, within its scopes."""

    user = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="api_tokens", db_index=False
    )
    name = models.CharField(max_length=100, help_text="What it is for.")
    prefix = models.CharField(
        max_length=16, help_text="Its first characters, to recognise it by; not secret."
    )
    token_hash = models.CharField(
        max_length=64, unique=True, help_text="SHA-256 of the token; the token is not stored."
    )
    scopes = models.JSONField(
        default=list,
        blank=True,
        help_text="Permissions (app.codename) it is limited to; an empty list limits nothing.",
    )
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Never, when empty.")
    last_used_at = models.DateTimeField(
        null=True, blank=True, help_text="Kept to the minute, not to the request."
    )
    last_used_ip = models.GenericIPAddressField(
        null=True, blank=True, help_text="Address of its last request."
    )
    revoked_at = models.DateTimeField(null=True, blank=True, help_text="When it was withdrawn.")

    objects = APITokenQuerySet.as_manager()

    audit = AuditSpec(
        fields=("user", "name", "prefix", "scopes", "expires_at", "revoked_at"), label="name"
    )

    class Meta:
        db_table = "api_tokens"
        ordering = ["-id"]
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        indexes = [models.Index(fields=["user", "-id"], name="api_token_user_idx")]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def is_usable(self) -> bool:
        """Neither revoked nor expired; whether its owner may sign in is another question."""
        expired = self.expires_at is not None and self.expires_at <= timezone.now()
        return self.revoked_at is None and not expired

    def allows(self, permission: str) -> bool:
        return not self.scopes or permission in self.scopes
