"""How allauth's flows with other providers meet our users."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.core.exceptions import ImmediateHttpResponse, ReauthenticationRequired
from allauth.headless.base.response import ConflictResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.helpers import render_authentication_error
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialLogin
from allauth.socialaccount.providers import registry
from allauth.socialaccount.providers.base import AuthError, AuthProcess
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authentication import step_up
from authentication.api.answers import is_headless
from authentication.invited import refuse_other_address
from authentication.oauth.id_tokens import ClosedAccountError, ProviderRefusedError
from authentication.services.accounts import has_account
from authentication.services.linked_accounts import (
    LastWayInError,
    LinkedElsewhereError,
    link_account,
    refuse_last_way_in,
    sign_up_with,
)
from authentication.sign_ins import NOBODY, record_closed_account
from core import audit
from core.audit import Changes
from core.errors import ConflictError
from core.json_values import printable
from core.security_events import Kind, note
from users.models import User

logger = logging.getLogger(__name__)


class UnknownProviderError(SocialApp.DoesNotExist, ValueError):  # type: ignore[misc]
    """No such provider is set up. Also a ``ValueError``, which drops a sign-up half done."""


class SocialAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Providers come from the environment; identities are linked by their owners only."""

    error_messages = DefaultSocialAccountAdapter.error_messages | {
        "no_password": gettext_lazy("Set a password first: this is your only way to sign in."),
        "no_verified_email": gettext_lazy(
            "Verify an e-mail address first: this is your only way to sign in."
        ),
        "connected_other": gettext_lazy("That account belongs to somebody else here."),
    }

    # --- Which providers there are --------------------------------------------------------

    def list_apps(
        self, request: HttpRequest, provider: str | None = None, client_id: str | None = None
    ) -> list[SocialApp]:
        """Those of the settings, without a query; ``provider`` is the name in addresses."""
        apps = [
            SocialApp(provider=kind, **app)
            for kind, options in settings.SOCIALACCOUNT_PROVIDERS.items()
            for app in options.get("APPS", ())
        ]
        return [
            app
            for app in apps
            if provider in {None, app.provider_id or app.provider}
            and client_id in {None, app.client_id}
        ]

    def get_app(
        self, request: HttpRequest, provider: str, client_id: str | None = None
    ) -> SocialApp:
        apps = self.list_apps(request, provider=provider, client_id=client_id)
        if not apps:
            raise UnknownProviderError(f"No provider {printable(str(provider))} is set up.")
        return min(apps, key=is_hidden)

    def get_provider(
        self, request: HttpRequest, provider: str, client_id: str | None = None
    ) -> Any:
        """The provider of this name; raise ``UnknownProviderError`` when it is not set up."""
        registry.load()  # allauth's own URLs would have done so
        return super().get_provider(request, provider, client_id=client_id)

    def list_providers(self, request: HttpRequest) -> list[Any]:
        """Those with a button."""
        providers = super().list_providers(request)
        return [provider for provider in providers if not is_hidden(provider.app)]

    def provider_names(self, request: HttpRequest) -> dict[str, str]:
        """The names for people of all that one can sign in with."""
        return {provider.sub_id: provider.name for provider in self.list_providers(request)}

    # --- Signing in -----------------------------------------------------------------------

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: Any,
        error: str | None = None,
        exception: Exception | None = None,
        extra_context: dict[str, Any] | None = None,
    ) -> None:
        """Log why, and record that a sign-in failed.

        Only messages of our own are logged: those of others may quote a token.
        """
        name = printable(getattr(provider, "sub_id", None) or str(provider), longest=40)
        if error == AuthError.CANCELLED:
            logger.info("A sign-in through %s was cancelled.", name)
            return
        reason = type(exception).__name__ if exception else "no valid state or no code"
        if isinstance(exception, ProviderRefusedError):
            reason = str(exception)
        logger.warning("A sign-in through %s failed: %s.", name, reason)
        if "state_id" in (extra_context or {}):  # allauth knows no such state in this session
            note(Kind.TAMPERED_STATE, reason="oauth_state")
        state = (extra_context or {}).get("state") or {}
        if isinstance(exception, ClosedAccountError):
            record_closed_account(exception.owner)
        elif state.get("process") != AuthProcess.CONNECT:
            record_failed_sign_in(name)

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Drop the provider's tokens; prepare linking, which needs a recent step-up."""
        sociallogin.token = None
        if sociallogin.state.get("process") != AuthProcess.CONNECT:
            return
        if not isinstance(request.user, User):
            raise PermissionDenied
        if not step_up.is_recent(request):
            if sociallogin.is_headless or is_headless(request):
                raise ReauthenticationRequired
            text = _("That took too long. Link the account again.")
            messages.error(request, text)
            raise ImmediateHttpResponse(redirect("socialaccount_connections"))
        # allauth's own saves without a transaction and without an event.
        sociallogin.connect = partial(self._connect, sociallogin)

    def _connect(self, sociallogin: SocialLogin, request: HttpRequest, user: User) -> None:
        try:
            name = sociallogin.provider.name
            link_account(actor=user, account=sociallogin.account, provider=name)
        except LinkedElsewhereError as error:
            raise self.validation_error("connected_other") from error
        sociallogin.user = user

    # --- Signing up -----------------------------------------------------------------------

    def is_auto_signup_allowed(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """Whether to do without a form, which knows that deleted users have no claim.

        allauth's look-up does not: it would write to the address of one that it has an account.
        """
        emails = [address.email for address in sociallogin.email_addresses]
        known = any(User.objects.named(email).exists() for email in emails)
        return not known or any(has_account(email) for email in emails)

    def save_user(self, request: HttpRequest, sociallogin: SocialLogin, form: Any = None) -> User:
        """Create the user, the identity and the addresses, or none of them."""
        user: User = sociallogin.user
        user.set_unusable_password()
        accounts = get_account_adapter(request)
        if form is not None:
            accounts.save_user(request, user, form, commit=False)
            # An account has one address: the one that was chosen.
            told = sociallogin.email_addresses
            sociallogin.email_addresses = [row for row in told if row.email == user.email]
        else:
            accounts.populate_username(request, user)
        try:
            refuse_other_address(request, user.email)
            sign_up_with(
                user=user,
                account=sociallogin.account,
                save_rest=partial(sociallogin.save, request),
            )
        except (ConflictError, ValidationError) as error:
            if is_headless(request):
                raise ImmediateHttpResponse(ConflictResponse(request)) from error
            answer = render_authentication_error(
                request,
                sociallogin.provider,
                exception=error,
                extra_context={"state": sociallogin.state or None},
            )
            raise ImmediateHttpResponse(answer) from error
        return user

    # --- Unlinking ------------------------------------------------------------------------

    def validate_disconnect(self, account: SocialAccount, accounts: Any) -> None:
        """Beyond allauth's rules, an identity at a provider that is gone is no way in."""
        try:
            refuse_last_way_in(
                owner=account.user, account=account, providers=self.provider_names(self.request)
            )
        except LastWayInError as error:
            raise ValidationError(error.message, code=error.code) from error


def is_hidden(app: SocialApp) -> bool:
    return bool(app.settings.get("hidden"))


@transaction.atomic
def record_failed_sign_in(provider: str) -> None:
    """Nobody knows whose it was: only that it came through ``provider``."""
    changes: Changes = {
        "reason": (None, "provider_refused"),
        "method": (None, f"oauth:{provider}"),
    }
    audit.record(action="sign_in_failed", target=NOBODY, changes=changes)
