"""allauth's forms and headless views around identities, with our rules."""

from __future__ import annotations

from typing import Any

from allauth.core.exceptions import ReauthenticationRequired
from allauth.headless.base.response import APIResponse
from allauth.headless.constants import Flow
from allauth.headless.socialaccount.inputs import SignupInput
from allauth.headless.socialaccount.views import ManageProvidersView, ProviderSignupView
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.forms import DisconnectForm, SignupForm
from allauth.socialaccount.models import SocialAccount, SocialApp
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from authentication import step_up
from authentication.api.answers import refusal
from authentication.forms.accounts import SignUpRules
from authentication.services.linked_accounts import LastWayInError, unlink_account
from users.models import User


class SocialSignUpForm(SignUpRules, SignupForm):  # type: ignore[misc]
    """Asks for what the provider did not say."""


class SocialSignUpInput(SignUpRules, SignupInput):  # type: ignore[misc]
    """The same, for the headless API."""


class SocialSignUpView(ProviderSignupView):  # type: ignore[misc]
    input_class = SocialSignUpInput


def unlink(request: HttpRequest, account: SocialAccount) -> None:
    """Unlink ``account`` of the user of this session; raise ``LastWayInError`` if it is needed."""
    if not isinstance(request.user, User):
        raise ReauthenticationRequired
    step_up.require(request)
    providers = get_adapter(request).provider_names(request)
    unlink_account(actor=request.user, account=account, providers=providers)


class UnlinkForm(DisconnectForm):  # type: ignore[misc]
    def clean(self) -> dict[str, Any]:
        """Step up before anything is said about the account."""
        step_up.require(self.request)
        cleaned: dict[str, Any] = super().clean()
        return cleaned

    def save(self) -> None:
        try:
            unlink(self.request, self.cleaned_data["account"])
        except LastWayInError as error:  # another request has unlinked the other one meanwhile
            messages.error(self.request, error.message)
        else:
            messages.success(self.request, _("The account is not linked any more."))


class LinkedAccountsView(ManageProvidersView):  # type: ignore[misc]
    """GET lists the identities, DELETE unlinks one; both answer what is left."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.listed(request)

    def delete(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            unlink(request, self.input.cleaned_data["account"])
        except LastWayInError as error:
            return refusal(error.message, code=error.code, param="account")
        return self.listed(request)

    def listed(self, request: HttpRequest) -> HttpResponse:
        accounts = SocialAccount.objects.filter(user=request.user).order_by("pk")
        response: HttpResponse = APIResponse(request, data=[described(row) for row in accounts])
        return response


def described(account: SocialAccount) -> dict[str, Any]:
    """An identity in allauth's shape, its provider being set up still or not."""
    try:
        provider = account.get_provider()
    except SocialApp.DoesNotExist:
        retired = {"id": account.provider, "name": account.provider, "flows": []}
        return {"uid": account.uid, "provider": retired, "display": account.uid}
    flows = [Flow.PROVIDER_REDIRECT]
    if provider.supports_token_authentication:
        flows.append(Flow.PROVIDER_TOKEN)
    known = {
        "id": provider.sub_id,
        "name": provider.name,
        "flows": flows,
        "client_id": provider.app.client_id,
    }
    if provider.id == "openid_connect":
        known["openid_configuration_url"] = provider.server_url
    display = account.get_provider_account().to_str()
    return {"uid": account.uid, "provider": known, "display": display}
