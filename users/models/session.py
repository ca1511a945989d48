"""Sessions: Django's store itself, and their history."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Self

from django.db import models
from django.db.models import Q, Value
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.audit import AuditSpec
from core.models import TimestampedModel, UUIDModel
from core.reasons import LONGEST_REASON
from users.models.device import Device, DeviceType
from users.models.user import User


class EndReason(models.TextChoices):
    SIGNED_OUT = "signed_out", _("Signed out")
    EXPIRED = "expired", _("Expired")
    REVOKED_BY_OWNER = "revoked_by_owner", _("Ended by its owner")
    REVOKED_BY_STAFF = "revoked_by_staff", _("Ended by staff")
    PASSWORD_CHANGED = "password_changed", _("Password changed")
    SUSPICIOUS = "suspicious", _("Suspicious")
    IMPERSONATION_ENDED = "impersonation_ended", _("Impersonation ended")
    ACCOUNT_CLOSED = "account_closed", _("Account closed")


class UserSessionQuerySet(models.QuerySet["UserSession"]):
    def active(self, at: datetime | None = None) -> Self:
        """Neither ended nor past its idle or absolute limit, now or ``at`` a moment."""
        now = at or timezone.now()
        return self.filter(**_active(now))

    def over(self) -> Self:
        """Ended, or past a limit: all that are not ``active()``."""
        return self.exclude(**_active(timezone.now()))


def _active(at: datetime) -> dict[str, Any]:
    return {"ended_at": None, "expires_at__gt": at, "idle_expires_at__gt": at}


class UserSession(UUIDModel, TimestampedModel):
    """A session: Django's session store itself, and its history once it has ended.

    The key rotates, the row stays. Ending a session blanks its data.
    """

    key_hash = models.CharField(
        max_length=64, unique=True, help_text="SHA-256 of the session key; the key is not stored."
    )
    session_data = models.TextField(
        blank=True, help_text="Encrypted; empty once the session has ended."
    )
    expires_at = models.DateTimeField(help_text="Absolute limit: ends then, used or not.")
    idle_expires_at = models.DateTimeField(help_text="Ends then unless it is used before.")
    user = models.ForeignKey(
        User,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="sessions",
        db_index=False,  # session_user_signed_in_idx leads with it
        help_text="Nobody until the sign-in is finished.",
    )
    device = models.ForeignKey(
        Device, on_delete=models.SET_NULL, null=True, blank=True, related_name="sessions"
    )
    signed_in_at = models.DateTimeField(
        null=True, blank=True, help_text="When the sign-in was finished."
    )
    is_remembered = models.BooleanField(
        default=False, db_default=False, help_text='Has the longer limits of "remember me".'
    )
    login_method = models.CharField(
        max_length=64, blank=True, help_text="password, oauth:google, passkey, token…"
    )
    client_ip = models.GenericIPAddressField(
        null=True, blank=True, help_text="Address of its last request."
    )
    user_agent = models.CharField(
        max_length=512, blank=True, help_text="User-Agent header, cut at 512 characters."
    )
    device_type = models.CharField(max_length=16, choices=DeviceType, default=DeviceType.OTHER)
    browser = models.CharField(max_length=64, blank=True, help_text="Family and major version.")
    os = models.CharField(max_length=64, blank=True, help_text="Family and version.")
    country = models.CharField(
        max_length=2, blank=True, help_text="ISO 3166-1 code; empty when unknown."
    )
    city = models.CharField(max_length=100, blank=True, help_text="Empty when unknown.")
    latitude = models.FloatField(null=True, blank=True, help_text="Of the city, in degrees.")
    longitude = models.FloatField(null=True, blank=True, help_text="Of the city, in degrees.")
    last_activity_at = models.DateTimeField(default=timezone.now, help_text="Its last request.")
    request_count = models.PositiveBigIntegerField(default=0, help_text="Requests made in it.")
    risk_score = models.PositiveSmallIntegerField(
        default=0, help_text="0 (none) to 100, the sum of the rules that fired."
    )
    risk_rules = models.JSONField(
        default=list,
        db_default=Value([], models.JSONField()),
        blank=True,
        help_text='The rules that fired: [{"rule": "new_device", "weight": 20}].',
    )
    is_suspicious = models.BooleanField(default=False, help_text="The score passed the threshold.")
    ended_at = models.DateTimeField(null=True, blank=True, help_text="Empty while it lasts.")
    end_reason = models.CharField(max_length=32, choices=EndReason, blank=True)
    verified_factor = models.CharField(
        max_length=255,
        blank=True,
        default="",
        db_default="",
        help_text="The second factor verified in it (model/key); emptied when that is removed.",
    )
    verified_factor_at = models.DateTimeField(
        null=True, blank=True, help_text="When a second factor was last verified in it."
    )
    impersonator = models.ForeignKey(
        User,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="impersonations",
        db_index=False,
        help_text="Who of the staff acts as the user in it.",
    )
    impersonation_reason = models.CharField(
        max_length=LONGEST_REASON,
        blank=True,
        default="",
        db_default="",
        help_text="What the impersonator said it is for.",
    )
    is_read_only = models.BooleanField(
        default=False, db_default=False, help_text="Refuses changes, as impersonations do."
    )

    objects = UserSessionQuerySet.as_manager()

    audit = AuditSpec(fields=("user", "login_method", "ended_at", "end_reason"), label="id")

    class Meta:
        db_table = "user_sessions"
        ordering = ["-last_activity_at", "-id"]
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        permissions = [("view_session_analytics", "Can view the analytics of all sessions")]
        constraints = [
            models.CheckConstraint(
                condition=Q(ended_at=None, end_reason="")
                | (Q(ended_at__isnull=False, session_data="") & ~Q(end_reason="")),
                name="users_usersession_ended_check",
            ),
            models.CheckConstraint(
                condition=Q(risk_score__lte=100), name="users_usersession_risk_check"
            ),
            models.CheckConstraint(
                condition=Q(impersonator=None) | ~Q(impersonation_reason=""),
                name="users_usersession_impersonation_check",
            ),
        ]
        indexes = [
            models.Index(
                fields=["user", "-last_activity_at"],
                condition=Q(ended_at=None),
                name="session_user_open_idx",
            ),
            models.Index(
                fields=["expires_at"], condition=Q(ended_at=None), name="session_expiry_idx"
            ),
            models.Index(
                fields=["idle_expires_at"],
                condition=Q(ended_at=None),
                name="session_idle_expiry_idx",
            ),
            models.Index(fields=["-last_activity_at", "-id"], name="session_activity_idx"),
            models.Index(
                fields=["-last_activity_at"],
                condition=Q(is_suspicious=True),
                name="session_suspicious_idx",
            ),
            # A day of sign-ins, or of endings, for the roll-ups; and one person's.
            models.Index(fields=["signed_in_at"], name="session_signed_in_idx"),
            models.Index(fields=["user", "signed_in_at"], name="session_user_signed_in_idx"),
            models.Index(
                fields=["ended_at"], condition=Q(ended_at__isnull=False), name="session_ended_idx"
            ),
            models.Index(
                fields=["impersonator"],
                condition=Q(impersonator__isnull=False),
                name="session_impersonator_idx",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.browser or 'Unknown'} session {self.pk}"

    @property
    def is_open(self) -> bool:
        """As ``UserSessionQuerySet.active()`` has it, for a row at hand."""
        return self.ended_at is None and min(self.expires_at, self.idle_expires_at) > timezone.now()

    @property
    def place(self) -> str:
        """Such as "Lisbon, PT"; empty when unknown."""
        return ", ".join(filter(None, [self.city, self.country]))

    @property
    def duration(self) -> timedelta | None:
        """From the sign-in to the last use; None of a session that nobody has signed in to."""
        return self.last_activity_at - self.signed_in_at if self.signed_in_at else None
