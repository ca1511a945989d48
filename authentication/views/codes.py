"""The page that asks for a second factor during a sign-in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account.stages import LoginStageController
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import FormView

from authentication.device_trust import may_trust, trust_of_sign_in
from authentication.forms.second_factors import OTPForm
from authentication.second_factors import second_factors_of
from authentication.services.second_factors import MOST_WRONG_CODES, check_code
from authentication.stages import OTPStage

if TYPE_CHECKING:
    CodeView = FormView[OTPForm]
else:
    CodeView = FormView


def trust_if_asked(request: HttpRequest) -> None:
    """Trust the device of the sign-in that this request has finished, if its form says so."""
    if "trust_device" in request.POST and trust_of_sign_in(request):
        messages.success(request, _("This device is trusted now. See it among your devices."))


@method_decorator([never_cache, sensitive_post_parameters("code")], name="dispatch")
class OTPView(CodeView):
    """Finishes the pending sign-in with a right code; the fifth wrong one ends it."""

    template_name = "account/otp.html"
    form_class = OTPForm

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.stage = LoginStageController.enter(request, OTPStage.key)
        if self.stage is None:
            return redirect("account_login")
        self.user = self.stage.login.user
        # Switched off, deleted or rid of the factor meanwhile: the sign-in starts over.
        if self.user is None or not self.user.can_sign_in:
            return self._ended()
        self.factors = second_factors_of(self.user)
        if not self.factors:
            return self._ended()
        return super().dispatch(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "factors": self.factors}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            factors=self.factors,
            trust_days=settings.DEVICE_TRUST_DAYS if may_trust(self.user) else 0,
            **kwargs,
        )

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if self.stage.sign_in.wrong_codes(self.factors) >= MOST_WRONG_CODES:
            return self._too_many()
        return super().get(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if "cancel" in request.POST:
            return self._ended()
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: OTPForm) -> HttpResponse:
        answer = check_code(
            user=self.user,
            code=form.cleaned_data["code"],
            app_id=form.cleaned_data.get("app", ""),
            sign_in=self.stage.sign_in,
        )
        if answer.device is not None:
            # django-otp marks the session as verified by this device when the user signs in.
            self.user.otp_device = answer.device
            response: HttpResponse = self.stage.exit()
            trust_if_asked(self.request)
            return response
        if answer.is_over:
            return self._too_many()
        form.add_error("code", answer.refusal.message)
        return self.form_invalid(form)

    def _too_many(self) -> HttpResponse:
        messages.error(self.request, _("Too many wrong codes. Sign in again."))
        return self._ended()

    def _ended(self) -> HttpResponse:
        response: HttpResponse = self.stage.abort()
        return response
