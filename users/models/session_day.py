"""Days of sign-ins and sessions, counted once and for all."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from users.models.user import User


class SessionDay(models.Model):
    """What ``users.analytics`` has counted of one day (UTC) that is over.

    A row for everybody, and one for each user of whom there is anything to say. ``counts`` holds
    ``{"dimension": {"value": number}}``.
    """

    id = models.BigAutoField(primary_key=True)
    day = models.DateField(help_text="In UTC.")
    user = models.ForeignKey(
        User,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="session_days",
        db_index=False,
        help_text="None: everybody.",
    )
    counts = models.JSONField(default=dict, help_text='{"dimension": {"value": number}}.')
    counted_at = models.DateTimeField(default=timezone.now, help_text="When it was counted.")

    class Meta:
        db_table = "session_days"
        ordering = ["-day", "-id"]
        verbose_name = _("day of sessions")
        verbose_name_plural = _("days of sessions")
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                fields=["user", "day"],
                condition=Q(user__isnull=False),
                name="users_sessionday_user_day_uniq",
            ),
            models.UniqueConstraint(
                fields=["day"], condition=Q(user=None), name="users_sessionday_day_uniq"
            ),
        ]
        # To count a day again, and to purge.
        indexes = [models.Index(fields=["day"], name="session_day_idx")]

    def __str__(self) -> str:
        return f"{self.day}"
