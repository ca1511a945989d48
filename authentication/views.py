"""The page that asks for a second factor during a sign-in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account.stages import LoginStageController
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import FormView

from authentication.forms import OTPForm
from authentication.second_factors import second_factors_of, seconds_to_wait, verify_code
from authentication.stages import WRONG_CODES, OTPStage

MOST_WRONG_CODES = 5

if TYPE_CHECKING:
    CodeView = FormView[OTPForm]
else:
    CodeView = FormView


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
        self.factors = second_factors_of(self.user)
        # Switched off, deleted or rid of the factor meanwhile: the sign-in starts over.
        if not self.factors or not self.user.is_active or self.user.is_deleted:
            return self._ended()
        return super().dispatch(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "apps": self.factors.apps}

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if "cancel" in request.POST:
            return self._ended()
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: OTPForm) -> HttpResponse:
        code = form.cleaned_data["code"]
        device = self.factors.meant_by(code, app_id=form.cleaned_data.get("app", ""))
        wait = seconds_to_wait(device) if device else 0
        if device is not None and verify_code(self.user, device, code):
            self.request.session.pop(WRONG_CODES, None)
            # django-otp marks the session as verified by this device when the user signs in.
            self.user.otp_device = device
            response: HttpResponse = self.stage.exit()
            return response
        wrong = self.request.session.get(WRONG_CODES, 0) + 1
        self.request.session[WRONG_CODES] = wrong
        if wrong >= MOST_WRONG_CODES:
            messages.error(self.request, _("Too many wrong codes. Sign in again."))
            return self._ended()
        refusal = _("This code is not right, or it has been used already.")
        if wait:
            refusal = _("Too soon after a wrong code. Wait %d s, then try again.") % wait
        form.add_error("code", refusal)
        return self.form_invalid(form)

    def _ended(self) -> HttpResponse:
        self.request.session.pop(WRONG_CODES, None)
        response: HttpResponse = self.stage.abort()
        return response
