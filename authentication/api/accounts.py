"""allauth's headless sign-up and reset request, with our forms."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.headless.account.views import RequestPasswordResetView, SignupView
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _

from authentication.api.answers import refusal
from authentication.forms.accounts import ResetInput, SignUpInput

SIGN_UP_CLOSED = "sign_up_closed"


class SignUpView(SignupView):  # type: ignore[misc]
    """403 ``sign_up_closed`` before anything is looked at: no name is given away then."""

    input_class = {"POST": SignUpInput}

    def handle(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "POST" and not get_adapter().is_open_for_signup(request):
            message = _("Sign-up is closed. Ask an administrator for an account.")
            return refusal(message, code=SIGN_UP_CLOSED, status=HTTPStatus.FORBIDDEN)
        response: HttpResponseBase = super().handle(request, *args, **kwargs)
        return response


class ResetRequestView(RequestPasswordResetView):  # type: ignore[misc]
    input_class = ResetInput
