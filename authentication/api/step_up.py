"""Stepping up in the headless API."""

from __future__ import annotations

from typing import Any

from allauth.core import ratelimit
from allauth.headless.base.response import RateLimitResponse
from allauth.headless.base.views import AuthenticatedAPIView
from django import forms
from django.http import HttpRequest, HttpResponse

from authentication import step_up
from authentication.api.factor_answers import (
    CHOICES,
    FLAG,
    REFUSED,
    answer,
    choices,
    described,
    refused,
    signed_in,
)
from authentication.forms.second_factors import CodeField
from authentication.second_factors import second_factors_of
from core.errors import DomainError


class StepUpInput(forms.Form):
    password = forms.CharField(required=False, strip=False, max_length=4096)
    code = CodeField(required=False)
    device = forms.CharField(
        required=False, max_length=64, help_text="The id of the app, where there are several."
    )


class StepUpView(AuthenticatedAPIView):  # type: ignore[misc]
    """Proving again, in a session, what a sign-in asks for."""

    input_class = {"POST": StepUpInput}
    documented_answers = {
        "get": {"200": described({"is_recent": FLAG, "password": FLAG, **CHOICES})},
        "post": {"409": REFUSED},
    }

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """What stepping up asks for, and whether it is recent enough already.

        The password if there is one, and a code or a passkey if there are second factors. For who
        has neither, the sign-in itself counts for ten minutes.
        """
        user: Any = request.user
        data = {
            "is_recent": step_up.is_recent(request),
            "password": user.has_usable_password(),
            **choices(second_factors_of(user)),
        }
        return answer(request, data)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Step up by password and code.

        It opens sensitive changes for ten minutes. The session gets a new token
        (`meta.session_token`), and the old one is dead. Codes of a refusal: `required`,
        `incorrect_password`, `incorrect_code`, `too_soon`, `factor_locked`, `sign_in_again` (409).
        """
        if not ratelimit.consume(request, action="reauthenticate", user=request.user):
            too_many: HttpResponse = RateLimitResponse(request)
            return too_many
        given = self.input.cleaned_data
        try:
            step_up.prove(
                request, password=given["password"], code=given["code"], app_id=given["device"]
            )
        except DomainError as error:
            return refused(request, error)
        return signed_in(request)
