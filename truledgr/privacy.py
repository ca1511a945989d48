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
    }
    return render(request, "privacy.html", limits)


def in_words(seconds: int) -> str:
    now = timezone.now()
    return timesince(now - timedelta(seconds=seconds), now)
