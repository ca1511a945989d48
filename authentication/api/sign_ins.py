"""allauth's headless sign-in by password and its configuration, with what is ours of both."""

from __future__ import annotations

import json
from typing import Any

from allauth.headless.account.views import LoginView as AllauthLoginView
from allauth.headless.base.views import ConfigView as AllauthConfigView
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from authentication.forms.sign_ins import LoginInput
from authentication.remembering import ask_to_remember


class LoginView(AllauthLoginView):  # type: ignore[misc]
    """With ``remember``, for the longer limits of a session."""

    input_class = LoginInput

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            ask_to_remember(request, wanted=self.input.cleaned_data["remember"])
        response: HttpResponse = super().post(request, *args, **kwargs)
        return response


class ConfigView(AllauthConfigView):  # type: ignore[misc]
    """With ``session``: how long one lasts, and for how long a device may be trusted."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().get(request, *args, **kwargs)
        body = json.loads(response.content)
        body["data"]["session"] = session_limits()
        response.content = json.dumps(body).encode()
        return response


def session_limits() -> dict[str, int]:
    return {
        "idle_seconds": settings.SESSION_IDLE_SECONDS,
        "absolute_seconds": settings.SESSION_COOKIE_AGE,
        "remembered_idle_seconds": settings.SESSION_REMEMBERED_IDLE_SECONDS,
        "remembered_absolute_seconds": settings.SESSION_REMEMBERED_SECONDS,
        "device_trust_days": settings.DEVICE_TRUST_DAYS,
    }
