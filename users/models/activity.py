"""What is done in sessions."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from users.models.session import UserSession


class ActivityType(models.TextChoices):
    REQUEST = "request", _("Request")
    SIGN_IN = "sign_in", _("Sign-in")
    SIGN_IN_FAILED = "sign_in_failed", _("Failed sign-in")
    SIGN_OUT = "sign_out", _("Sign-out")


class SessionActivity(models.Model):
    """One request or sign-in event; append-only, kept for a limited time.

    On PostgreSQL a table of monthly partitions. Rows are written in batches after their requests:
    without foreign keys in the database, one whose user has gone meanwhile stops no batch.
    """

    id = models.BigAutoField(primary_key=True)
    session = models.ForeignKey(
        UserSession,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="activities",
        db_index=False,
        db_constraint=False,
        help_text="None for requests with an access token.",
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="activities",
        db_index=False,
        db_constraint=False,
    )
    activity_type = models.CharField(max_length=32, choices=ActivityType)
    route = models.CharField(
        max_length=200, blank=True, help_text="The route's name, never the path with its values."
    )
    method = models.CharField(max_length=16, blank=True, help_text="HTTP method.")
    status = models.PositiveSmallIntegerField(null=True, blank=True, help_text="HTTP status.")
    duration_ms = models.PositiveIntegerField(null=True, blank=True, help_text="Milliseconds.")
    client_ip = models.GenericIPAddressField(null=True, blank=True, help_text="Where from.")
    request_id = models.CharField(max_length=64, blank=True, help_text="The X-Request-ID.")
    extra = models.JSONField(default=dict, blank=True, help_text="Details of sign-in events.")
    occurred_at = models.DateTimeField(default=timezone.now, help_text="When it was done.")

    class Meta:
        db_table = "session_activities"
        ordering = ["-id"]
        verbose_name = _("session activity")
        verbose_name_plural = _("session activities")
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["user", "-occurred_at"], name="activity_user_idx"),
            models.Index(fields=["session", "-occurred_at"], name="activity_session_idx"),
            models.Index(fields=["-occurred_at"], name="activity_time_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.get_activity_type_display()} {self.method} {self.route}".strip()
