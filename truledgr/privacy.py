"""Says what is kept about people: monitoring is disclosed (NIST SP 800-63B-4, section 5.3)."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.timesince import timesince
from django.views.decorators.http import require_safe


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    limits = {
        "idle": in_words(settings.SESSION_IDLE_SECONDS),
        "absolute": in_words(settings.SESSION_COOKIE_AGE),
        "remembered": in_words(settings.SESSION_REMEMBERED_SECONDS),
        "kept": settings.RETENTION_DAYS,
        "grace_days": settings.ACCOUNT_DELETION_GRACE_DAYS,
        "has_places": bool(settings.GEOIP_DATABASE),
    }
    return render(request, "privacy.html", limits)


def in_words(seconds: int) -> str:
    now = timezone.now()
    return timesince(now - timedelta(seconds=seconds), now)
