"""The browsers and apps that people sign in from."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.audit import AuditSpec
from core.models import TimestampedModel, UUIDModel
from users.models.user import User


class DeviceType(models.TextChoices):
    DESKTOP = "desktop", _("Desktop")
    MOBILE = "mobile", _("Mobile")
    TABLET = "tablet", _("Tablet")
    BOT = "bot", _("Bot")
    OTHER = "other", _("Other")


class Device(UUIDModel, TimestampedModel):
    """A browser or app from which a user has signed in."""

    user = models.ForeignKey(User, models.CASCADE, related_name="devices", db_index=False)
    fingerprint = models.CharField(
        max_length=64,
        help_text="Keyed hash (HMAC-SHA-256) of the id in its cookie or header, or of its traits.",
    )
    name = models.CharField(max_length=100, blank=True, help_text="What the owner calls it.")
    device_type = models.CharField(
        max_length=16,
        choices=DeviceType,
        default=DeviceType.OTHER,
        help_text="From its user agent.",
    )
    browser = models.CharField(max_length=64, blank=True, help_text="Family and major version.")
    os = models.CharField(max_length=64, blank=True, help_text="Family and version.")
    first_seen_at = models.DateTimeField(default=timezone.now, help_text="Its first request.")
    last_seen_at = models.DateTimeField(default=timezone.now, help_text="Its last request.")
    last_ip = models.GenericIPAddressField(
        null=True, blank=True, help_text="Address of its last request."
    )
    trusted_until = models.DateTimeField(
        null=True, blank=True, help_text="Until then it skips the second factor."
    )
    trust_secret_hash = models.CharField(
        max_length=64, blank=True, help_text="SHA-256 of the secret in its trust cookie."
    )
    reported_at = models.DateTimeField(
        null=True, blank=True, help_text='When the owner said "not me".'
    )

    audit = AuditSpec(fields=("user", "name", "trusted_until", "reported_at"), label="name")

    class Meta:
        db_table = "devices"
        ordering = ["-last_seen_at", "-id"]
        verbose_name = _("device")
        verbose_name_plural = _("devices")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "fingerprint"], name="users_device_user_fingerprint_uniq"
            ),
            models.CheckConstraint(
                condition=Q(trusted_until=None) | ~Q(trust_secret_hash=""),
                name="users_device_trust_check",
            ),
        ]
        indexes = [
            models.Index(fields=["user", "-last_seen_at"], name="device_user_seen_idx"),
            models.Index(fields=["-last_seen_at", "-id"], name="device_seen_idx"),
            models.Index(fields=["fingerprint"], name="device_fingerprint_idx"),
            models.Index(fields=["first_seen_at"], name="device_first_seen_idx"),
        ]

    def __str__(self) -> str:
        return self.name or " on ".join(filter(None, [self.browser, self.os])) or "Unknown device"
