"""What is taken from each provider: who somebody is, and an e-mail address. Nothing more."""

from __future__ import annotations

import unicodedata
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from allauth.account.models import EmailAddress
from allauth.core.exceptions import ReauthenticationRequired
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.helpers import render_authentication_error
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.apple.provider import AppleProvider as AllauthApple
from allauth.socialaccount.providers.base import AuthProcess, Provider, ProviderAccount
from allauth.socialaccount.providers.github.provider import GitHubProvider as AllauthGitHub
from allauth.socialaccount.providers.google.provider import GoogleProvider as AllauthGoogle
from allauth.socialaccount.providers.microsoft.provider import MicrosoftGraphProvider
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.provider import OAuth2Provider
from allauth.socialaccount.providers.oauth2.utils import generate_code_challenge
from allauth.socialaccount.providers.openid_connect.provider import (
    OpenIDConnectProvider as AllauthOpenIDConnect,
)
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from requests import RequestException

from authentication import step_up
from authentication.oauth.adapters import (
    AppleAdapter,
    GitHubAdapter,
    GoogleAdapter,
    IDTokenAdapter,
    MicrosoftAdapter,
    OpenIDConnectAdapter,
    malformed_answers_refused,
)
from authentication.oauth.id_tokens import ClosedAccountError, ProviderRefusedError, nonce_of
from authentication.oauth.limits import count_start
from authentication.services.linked_accounts import free_identity
from core.json_values import flaw_of_text
from users.models import User

LONGEST_UID = 191  # SocialAccount.uid
LONGEST_SHOWN = 150


def plain(value: Any) -> str:
    """One line of text from what may be anything; empty when it is no text."""
    if not isinstance(value, str) or flaw_of_text(value):
        return ""
    kept = "".join(c for c in value if unicodedata.category(c) not in {"Cc", "Cf", "Zl", "Zp"})
    return kept.strip()[:LONGEST_SHOWN]


def is_true(value: Any) -> bool:
    """Apple and some issuers write booleans as text; any other value is no yes."""
    return value is True or value == "true"


class Identity(ProviderAccount):  # type: ignore[misc]
    """How an identity is shown: by what its owner recognises first."""

    def to_str(self) -> str:
        kept = self.account.extra_data if isinstance(self.account.extra_data, dict) else {}
        known = [kept.get(name) for name in ("username", "email", "name")]
        return next((str(text) for text in known if text), self.account.uid)


class CheckedProvider(OAuth2Provider):  # type: ignore[misc]
    """What all have in common: PKCE always, nothing from the query string, no token kept."""

    account_class = Identity
    subject_field = "sub"

    def serialize(self) -> dict[str, Any]:
        """Two issuers may know this application by the same client id; their names differ."""
        return {"id": self.sub_id, "app.client_id": self.app.client_id}

    # --- Going to the provider ------------------------------------------------------------

    def get_pkce_params(self) -> dict[str, Any]:
        challenge: dict[str, Any] = generate_code_challenge()
        return challenge

    def get_redirect_from_request_kwargs(self, request: HttpRequest) -> dict[str, Any]:
        """Without allauth's ``scope`` and ``auth_params``, with which a link could ask for more
        than this application needs, or change any parameter of the request.
        """
        kwargs: dict[str, Any] = Provider.get_redirect_from_request_kwargs(self, request)
        if kwargs["process"] != AuthProcess.CONNECT:
            kwargs["process"] = AuthProcess.LOGIN
        return kwargs

    def redirect(
        self,
        request: HttpRequest,
        process: str,
        next_url: str | None = None,
        data: Any = None,
        **kwargs: Any,
    ) -> HttpResponse:
        """Send the browser to the provider; to link one, after a recent step-up only."""
        count_start(request)
        if process == AuthProcess.CONNECT:
            refusal = self._refuse_to_link(request, next_url, headless=kwargs.get("headless"))
            if refusal is not None:
                return refusal
        try:
            response: HttpResponse = super().redirect(request, process, next_url, data, **kwargs)
        except (RequestException, OAuth2Error) as error:
            state = {"process": process, "next": next_url, "headless": kwargs.get("headless")}
            response = render_authentication_error(
                request, self, exception=error, extra_context={"state": state}
            )
        return response

    def _refuse_to_link(
        self, request: HttpRequest, next_url: str | None, *, headless: Any
    ) -> HttpResponse | None:
        if headless:
            if step_up.is_recent(request):
                return None
            refusal = {"error": "reauthentication_required", "error_process": AuthProcess.CONNECT}
            joint = "&" if "?" in (next_url or "") else "?"
            return HttpResponseRedirect(f"{next_url}{joint}{urlencode(refusal)}")
        if not request.user.is_authenticated:
            return redirect("account_login")
        if not step_up.is_recent(request):
            raise ReauthenticationRequired
        return None

    # --- Reading its answer ---------------------------------------------------------------

    def sociallogin_from_response(self, request: HttpRequest, response: Any) -> SocialLogin:
        """Who this is; an identity whose owner cannot sign in is refused like a bad answer."""
        with malformed_answers_refused():
            try:
                login: SocialLogin = super().sociallogin_from_response(request, response)
            except ImproperlyConfigured as error:
                raise ProviderRefusedError("the subject is too long") from error
        login.account.extra_data = {
            name: text for name, text in self.shown(response).items() if text
        }
        owner = User.objects.filter(
            socialaccount__provider=login.account.provider, socialaccount__uid=login.account.uid
        ).first()
        if owner is None:
            return login
        if owner.is_deleted and owner.last_login is None:
            free_identity(owner=owner, provider=login.account.provider, uid=login.account.uid)
        elif owner.is_deleted or not owner.is_active:
            raise ClosedAccountError(owner)
        return login

    def shown(self, data: dict[str, Any]) -> dict[str, str]:
        """What is kept of the answer: how people recognise the identity in a list."""
        fields = super().extract_common_fields(data)
        name = " ".join(
            filter(None, (plain(fields.get("first_name")), plain(fields.get("last_name"))))
        )
        return {
            "username": plain(fields.get("username")),
            "email": plain(fields.get("email")),
            "name": plain(fields.get("name")) or name,
        }

    def extract_uid(self, data: dict[str, Any]) -> str:
        """Who it is, as the provider never gives it to anybody else."""
        subject = data[self.subject_field]
        is_number = isinstance(subject, int) and not isinstance(subject, bool)
        uid = str(subject) if is_number or isinstance(subject, str) else ""
        if not uid or flaw_of_text(uid):
            raise ProviderRefusedError("there is no subject that can be stored")
        return uid if len(uid) <= LONGEST_UID else sha256(uid.encode()).hexdigest()

    def extract_extra_data(self, data: dict[str, Any]) -> dict[str, Any]:
        """allauth keeps the whole answer, Apple's tokens included."""
        return {}

    def extract_common_fields(self, data: dict[str, Any]) -> dict[str, Any]:
        """For a new user: their names as plain text, and the address of which it is known whether
        it is verified.
        """
        fields = {
            name: plain(value)
            for name, value in super().extract_common_fields(data).items()
            if name in {"username", "name", "first_name", "last_name"}
        }
        addresses = self.addresses(data)
        return {**fields, "email": addresses[0].email if addresses else None}

    def extract_email_addresses(self, data: dict[str, Any]) -> list[EmailAddress]:
        return self.addresses(data)

    def addresses(self, data: dict[str, Any]) -> list[EmailAddress]:
        """At most one address; verified only if this provider's word counts for it."""
        email, verified = self.email_of(data)
        if not isinstance(email, str) or flaw_of_text(email):
            return []
        trusted = is_true(verified) and self.is_trusted_with(data)
        return [EmailAddress(email=email.lower(), verified=trusted, primary=True)]

    def email_of(self, data: dict[str, Any]) -> tuple[Any, Any]:
        """The address, and whether the provider says that it is verified."""
        return data.get("email"), data.get("email_verified")

    def is_trusted_with(self, data: dict[str, Any]) -> bool:
        """Whether a verified address of this answer counts as verified here."""
        return bool(self.app.settings.get("trust_email"))


class IDTokenProvider(CheckedProvider):
    """Signs an ID token, which apps may also send by themselves."""

    oauth2_adapter_class: type[IDTokenAdapter]
    supports_token_authentication = True

    def get_pkce_params(self) -> dict[str, Any]:
        challenge = super().get_pkce_params()
        return {**challenge, "nonce": nonce_of(challenge["code_verifier"])}

    def verify_token(self, request: HttpRequest, token: dict[str, Any]) -> SocialLogin:
        """Sign in by the ID token that an app got; raise ``ValidationError`` for a bad one.

        ``token["nonce"]`` must be there when the ID token carries one. An access token alone
        proves nothing: any other application's would do.
        """
        count_start(request)
        nonce = token.get("nonce")
        try:
            claims = self.get_oauth2_adapter(request).claims_of(
                token.get("id_token"), client_id=self.app.client_id, nonce=nonce
            )
            return self.sociallogin_from_response(request, claims)
        except (OAuth2Error, RequestException) as error:
            get_adapter().on_authentication_error(request, self, exception=error)
            raise get_adapter().validation_error("invalid_token") from error


class GoogleProvider(IDTokenProvider, AllauthGoogle):  # type: ignore[misc]
    oauth2_adapter_class = GoogleAdapter

    def is_trusted_with(self, data: dict[str, Any]) -> bool:
        """Google answers for Gmail and for the domains that it hosts (claim ``hd``).

        Other addresses belonged to the person once; they may have changed hands since.
        """
        email = str(data.get("email", "")).lower()
        hosted = email.endswith("@gmail.com") or bool(data.get("hd"))
        return hosted and super().is_trusted_with(data)


class GitHubProvider(CheckedProvider, AllauthGitHub):  # type: ignore[misc]
    oauth2_adapter_class = GitHubAdapter
    subject_field = "id"

    def email_of(self, data: dict[str, Any]) -> tuple[Any, Any]:
        """The primary address; the public one of the profile may be anything."""
        for entry in data.get("emails", []):
            if entry["primary"] is True:
                return entry["email"], entry["verified"]
        return None, None


class MicrosoftProvider(CheckedProvider, MicrosoftGraphProvider):  # type: ignore[misc]
    oauth2_adapter_class = MicrosoftAdapter
    subject_field = "id"

    def email_of(self, data: dict[str, Any]) -> tuple[Any, Any]:
        return data.get("mail") or data.get("userPrincipalName"), False


class AppleProvider(IDTokenProvider, AllauthApple):  # type: ignore[misc]
    oauth2_adapter_class = AppleAdapter


class OpenIDConnectProvider(IDTokenProvider, AllauthOpenIDConnect):  # type: ignore[misc]
    oauth2_adapter_class = OpenIDConnectAdapter

    @property
    def issuer(self) -> str:
        issuer: str = self.app.settings["server_url"]
        return issuer

    @property
    def server_url(self) -> str:
        """Where the issuer publishes its configuration (OpenID Connect Discovery 1.0, 4.1)."""
        return f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
