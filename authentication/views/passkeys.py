"""Where the pages' forms bring what the browser's passkey answered."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from allauth.account.utils import get_next_redirect_url
from allauth.core import ratelimit
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import View

from authentication import step_up
from authentication.passkeys.credentials import Purpose, read_answer
from authentication.passkeys.registration import PasskeyRegistration
from authentication.passkeys.use import PasskeyUse, SignInOverError
from authentication.views.codes import trust_if_asked
from authentication.views.enrolment import codes_page
from core.errors import DomainError


@method_decorator([never_cache, sensitive_post_parameters("password")], name="dispatch")
class UsePasskeyView(View):
    """Finishes the pending sign-in or the step-up; else back to its page with a message."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        use = PasskeyUse.of(request)
        if use is None:
            return redirect("account_login")
        if use.purpose == Purpose.STEP_UP and not ratelimit.consume(
            request, action="reauthenticate", user=request.user
        ):
            refusal: HttpResponse = ratelimit.respond_429(request)
            return refusal
        try:
            answer = read_answer(request.POST.get("passkey", ""))
            response = use.finish(answer, password=request.POST.get("password", ""))
        except SignInOverError:
            messages.error(request, _("Too many passkeys that were not accepted. Sign in again."))
            return redirect("account_login")
        except DomainError as error:
            messages.error(request, error.message)
            return self._back(request, use)
        if use.purpose == Purpose.SIGN_IN:
            trust_if_asked(request)
        return response or redirect(get_next_redirect_url(request) or "account_second_factors")

    def _back(self, request: HttpRequest, use: PasskeyUse) -> HttpResponse:
        if use.purpose == Purpose.SIGN_IN:
            return redirect("account_otp")
        going = urlencode({"next": get_next_redirect_url(request) or ""})
        return redirect(f"{reverse('account_step_up')}?{going}")


@method_decorator(never_cache, name="dispatch")
class AddPasskeyView(View):
    """Adds the passkey; the first factor brings ten backup codes, shown only now."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        registration = PasskeyRegistration.of(request)
        if registration is None:
            return redirect("account_login")
        if registration.stage is None:
            step_up.require(request)
        response: Any = redirect(get_next_redirect_url(request) or "account_second_factors")
        try:
            answer = read_answer(request.POST.get("passkey", ""))
            done = registration.finish(answer, name=request.POST.get("name", ""))
        except DomainError as error:
            messages.error(request, error.message)
            return redirect("account_enrol_totp") if registration.stage else response
        messages.success(request, _("The passkey is in use."))
        response = done.response or response
        return codes_page(request, done.codes, response["Location"]) if done.codes else response
