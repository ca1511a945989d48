"""The page that sets up an authenticator app, in a pending sign-in or in a session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account.stages import LoginStageController
from allauth.account.utils import get_next_redirect_url
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import FormView

from authentication import step_up
from authentication.forms.second_factors import EnrolForm
from authentication.models import TOTPDevice
from authentication.qr import qr_code
from authentication.requirement import lacks_second_factor
from authentication.services.second_factors import (
    WrongCodeError,
    confirm_totp,
    oldest_enrolment,
    start_totp,
)
from authentication.stages import EnrolmentStage
from core.errors import DomainError

ENROLLING = "enrolling_totp"  # in the session: the app that this page shows the secret of

if TYPE_CHECKING:
    EnrolFormView = FormView[EnrolForm]
else:
    EnrolFormView = FormView


@method_decorator([never_cache, sensitive_post_parameters("code")], name="dispatch")
class EnrolView(EnrolFormView):
    """Shows a new secret; its first code takes the app into use and goes on."""

    template_name = "account/enrol.html"
    form_class = EnrolForm

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.stage = LoginStageController.enter(request, EnrolmentStage.key)
        if self.stage is None:
            if not request.user.is_authenticated:
                return redirect("account_login")
            step_up.require(request)
            try:
                self.device = self._device_of_session()
            except DomainError as error:
                return self._back_with(error)
        else:
            device = self.stage.device
            user = self.stage.login.user
            if device is None or not user.can_sign_in or "cancel" in request.POST:
                response: HttpResponse = self.stage.abort()
                return response
            self.device = device
        return super().dispatch(request, *args, **kwargs)

    def _device_of_session(self) -> TOTPDevice:
        """The one that this session started, for as long as it can be confirmed; else a new one."""
        user: Any = self.request.user
        pending = TOTPDevice.objects.filter(
            pk=self.request.session.get(ENROLLING, 0),
            user=user,
            confirmed=False,
            created_at__gt=oldest_enrolment(),
        )
        device = pending.select_related("user").first()
        if device is None:
            device = start_totp(actor=user, user=user)
            self.request.session[ENROLLING] = device.pk
        return device

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            device=self.device,
            qr_code=qr_code(self.device.config_url),
            is_pending=self.stage is not None,
            can_add_passkey=self.stage is not None or lacks_second_factor(self.request.user),
            next=self._next(),
            **kwargs,
        )

    def _next(self) -> str:
        return get_next_redirect_url(self.request) or ""

    def form_valid(self, form: EnrolForm) -> HttpResponse:
        try:
            codes = confirm_totp(
                actor=self.device.user,
                device=self.device,
                code=form.cleaned_data["code"],
                name=form.cleaned_data["name"],
                must_be_first=self.stage is not None,
            )
            if self.stage is None:
                self.request.session.pop(ENROLLING, None)
                step_up.bind(self.request, self.device)
        except WrongCodeError as error:
            form.add_error("code", error.message)
            return self.form_invalid(form)
        except DomainError as error:
            return self._back_with(error)
        if self.stage is None:
            messages.success(self.request, _("The authenticator app is in use."))
            response = redirect(self._next() or "account_second_factors")
        else:
            self.stage.login.user.otp_device = self.device
            response = self.stage.exit()
        return codes_page(self.request, codes, response["Location"]) if codes else response

    def _back_with(self, error: DomainError) -> HttpResponse:
        messages.error(self.request, error.message)
        if self.stage is not None:
            response: HttpResponse = self.stage.abort()
            return response
        self.request.session.pop(ENROLLING, None)
        return redirect("account_second_factors")


def codes_page(request: HttpRequest, codes: list[str], url: str = "") -> HttpResponse:
    """Show new backup codes, this once; then it goes on to ``url``."""
    url = url or reverse("account_second_factors")
    return render(request, "account/backup_codes.html", {"codes": codes, "continue_url": url})
