"""The pages on which people look after their second factors."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from allauth.account.utils import get_next_redirect_url
from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.generic import TemplateView

from authentication import step_up
from authentication.forms.second_factors import NameForm
from authentication.models import TOTPDevice
from authentication.requirement import lacks_second_factor
from authentication.second_factors import public_id_of, second_factors_of
from authentication.services.passkeys import rename_passkey
from authentication.services.second_factors import (
    end_other_sessions,
    remove_factor,
    rename_app,
    replace_backup_codes,
)
from authentication.views.changes import ChangeView
from authentication.views.enrolment import codes_page
from core.errors import DomainError


@method_decorator(never_cache, name="dispatch")
class SecondFactorsView(LoginRequiredMixin, TemplateView):
    """Lists what there is. Who must use a factor and has not yet is led on to do so."""

    template_name = "account/second_factors.html"
    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        user: Any = request.user
        self.factors = second_factors_of(user)
        if lacks_second_factor(user):
            page = "account_step_up" if self.factors else "account_enrol_totp"
            target = get_next_redirect_url(request) or reverse("home")
            return redirect(f"{reverse(page)}?{urlencode({'next': target})}")
        return super().get(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user: Any = self.request.user
        rows = [(public_id_of(device), device) for device in self.factors.lasting]
        return super().get_context_data(
            apps=[(key, device) for key, device in rows if isinstance(device, TOTPDevice)],
            passkeys=[(key, device) for key, device in rows if not isinstance(device, TOTPDevice)],
            backup=self.factors.backup,
            is_required=user.must_use_second_factor,
            can_change=step_up.is_recent(self.request),
            **kwargs,
        )


class FactorChangeView(ChangeView):
    """A change to the caller's own factors."""

    page = "account_second_factors"

    def device(self, public_id: str) -> Any:
        user: Any = self.request.user
        device = second_factors_of(user).named(public_id)
        if device is None:
            raise Http404
        return device


def end_others_if_asked(request: HttpRequest) -> None:
    user: Any = request.user
    session: Any = request.session
    if "end_other_sessions" in request.POST:
        end_other_sessions(user=user, keep=session.row_id)


class RenameFactorView(FactorChangeView):
    def change(self, request: HttpRequest, **kwargs: Any) -> None:
        device = self.device(kwargs["id"])
        form = NameForm(request.POST)
        if not form.is_valid():
            raise DomainError(_("A name has one to 64 characters."), field="name")
        actor: Any = request.user
        name = form.cleaned_data["name"]
        if isinstance(device, TOTPDevice):
            rename_app(actor=actor, device=device, name=name)
        else:
            rename_passkey(actor=actor, passkey=device, name=name)
        messages.success(request, _("The name is changed."))


class RemoveFactorView(FactorChangeView):
    def change(self, request: HttpRequest, **kwargs: Any) -> None:
        device = self.device(kwargs["id"])
        actor: Any = request.user
        remove_factor(actor=actor, device=device)
        step_up.forget(request)
        end_others_if_asked(request)
        messages.success(request, _("%s is removed.") % device.name)


class BackupCodesView(FactorChangeView):
    def change(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        actor: Any = request.user
        return codes_page(request, replace_backup_codes(actor=actor, user=actor))
