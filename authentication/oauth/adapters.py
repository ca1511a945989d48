"""Speaking with the providers: what allauth's adapters take on trust is checked here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from allauth.socialaccount.models import SocialLogin, SocialToken
from allauth.socialaccount.providers.apple.apple_session import get_apple_session
from allauth.socialaccount.providers.apple.client import AppleOAuth2Client
from allauth.socialaccount.providers.apple.views import AppleOAuth2Adapter
from allauth.socialaccount.providers.github.views import GitHubOAuth2Adapter
from allauth.socialaccount.providers.google.views import GoogleOAuth2Adapter
from allauth.socialaccount.providers.microsoft.views import MicrosoftGraphOAuth2Adapter
from allauth.socialaccount.providers.oauth2.client import OAuth2Client, OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2Adapter
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from allauth.utils import get_request_param
from django.http import HttpRequest
from requests import RequestException

from authentication.oauth.environment import flaw_of_web_address
from authentication.oauth.id_tokens import (
    ProviderRefusedError,
    fetch_json,
    nonce_of,
    verify_id_token,
)

ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


@contextmanager
def malformed_answers_refused() -> Iterator[None]:
    """An answer of another shape than the protocol's is a refusal, never a crash."""
    try:
        yield
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, RequestException):
            raise
        raise ProviderRefusedError(f"malformed answer: {type(error).__name__}") from error


class UnreachableClient:
    """Stands in for a client when the provider does not even say where its endpoints are."""

    state: str | None = None

    def __init__(self, error: Exception) -> None:
        self._error = error

    def get_access_token(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        raise self._error

    def get_redirect_url(self, *args: Any, **kwargs: Any) -> str:
        raise self._error


class CheckedAdapter(OAuth2Adapter):  # type: ignore[misc]
    """Failures of a provider, of whatever kind, end in allauth's page for them."""

    def get_client(self, request: HttpRequest, app: Any) -> OAuth2Client | UnreachableClient:
        try:
            return super().get_client(request, app)
        except (RequestException, OAuth2Error) as error:
            return UnreachableClient(error)

    def get_access_token_data(
        self, request: HttpRequest, app: Any, client: Any, pkce_code_verifier: str | None = None
    ) -> dict[str, Any]:
        with malformed_answers_refused():
            data = super().get_access_token_data(
                request, app, client, pkce_code_verifier=pkce_code_verifier
            )
            if not isinstance(data, dict) or not isinstance(data.get("access_token"), str):
                raise ProviderRefusedError("the token endpoint gave no access token")
        return data

    def parse_token(self, data: dict[str, Any]) -> SocialToken:
        """Only the access token, which is used at once and kept nowhere."""
        return SocialToken(token=data["access_token"])

    def complete_login(
        self, request: HttpRequest, app: Any, token: Any, **kwargs: Any
    ) -> SocialLogin:
        with malformed_answers_refused():
            return super().complete_login(request, app, token, **kwargs)


class GitHubAdapter(CheckedAdapter, GitHubOAuth2Adapter):  # type: ignore[misc]
    """Plain OAuth 2.0: GitHub says over TLS whose access token it is."""


class MicrosoftAdapter(CheckedAdapter, MicrosoftGraphOAuth2Adapter):  # type: ignore[misc]
    """Plain OAuth 2.0: Microsoft Graph says over TLS whose access token it is."""


class IDTokenAdapter(CheckedAdapter):
    """Takes who somebody is from the ID token only, and verifies it."""

    issuer: str
    keys_url: str
    nonce: str | None = None

    def get_access_token_data(
        self, request: HttpRequest, app: Any, client: Any, pkce_code_verifier: str | None = None
    ) -> dict[str, Any]:
        self.nonce = nonce_of(pkce_code_verifier)
        return super().get_access_token_data(
            request, app, client, pkce_code_verifier=pkce_code_verifier
        )

    def claims_of(self, id_token: Any, *, client_id: str, nonce: str | None) -> dict[str, Any]:
        return verify_id_token(
            id_token,
            keys_url=self.keys_url,
            issuer=self.issuer,
            client_id=client_id,
            nonce=nonce,
        )

    def complete_login(
        self, request: HttpRequest, app: Any, token: Any, **kwargs: Any
    ) -> SocialLogin:
        with malformed_answers_refused():
            claims = self.claims_of(
                kwargs["response"].get("id_token"), client_id=app.client_id, nonce=self.nonce
            )
            claims = self.completed(request, claims, token)
            return self.get_provider().sociallogin_from_response(request, claims)

    def completed(self, request: HttpRequest, claims: dict[str, Any], token: Any) -> dict[str, Any]:
        """The claims, with what the provider says elsewhere."""
        return claims


class GoogleAdapter(IDTokenAdapter, GoogleOAuth2Adapter):  # type: ignore[misc]
    issuer = "https://accounts.google.com"
    keys_url = "https://www.googleapis.com/oauth2/v3/certs"


class AppleClient(AppleOAuth2Client):  # type: ignore[misc]
    def get_redirect_url(self, authorization_url: str, scope: Any, extra_params: Any) -> str:
        """Ask for a code only: an ID token that came through the browser is not wanted."""
        url: str = super().get_redirect_url(
            authorization_url, scope, {**extra_params, "response_type": "code"}
        )
        return url


class AppleAdapter(IDTokenAdapter, AppleOAuth2Adapter):  # type: ignore[misc]
    issuer = "https://appleid.apple.com"
    keys_url = "https://appleid.apple.com/auth/keys"
    client_class = AppleClient
    login_cancelled_error = "user_cancelled_authorize"

    def get_access_token_data(
        self, request: HttpRequest, app: Any, client: Any, pkce_code_verifier: str | None = None
    ) -> dict[str, Any]:
        """The token endpoint's answer alone; allauth mixes in what the browser posted."""
        self.nonce = nonce_of(pkce_code_verifier)
        with malformed_answers_refused():
            data: dict[str, Any] = client.get_access_token(
                get_request_param(request, "code"), pkce_code_verifier=pkce_code_verifier
            )
        return data

    def completed(self, request: HttpRequest, claims: dict[str, Any], token: Any) -> dict[str, Any]:
        """Take the name, and nothing else, from what came through the browser."""
        session = get_apple_session(request)
        posted = self.get_user_scope_data(request)
        session.delete()
        name = posted.get("name") if isinstance(posted, dict) else None
        return {**claims, "name": name if isinstance(name, dict) else None}


class OpenIDConnectAdapter(IDTokenAdapter, OpenIDConnectOAuth2Adapter):  # type: ignore[misc]
    @property
    def openid_config(self) -> dict[str, Any]:
        """What the issuer publishes; it must name itself (OpenID Connect Discovery 1.0, 4.3)."""
        config: dict[str, Any] | None = getattr(self, "_checked_config", None)
        if config is None:
            provider = self.get_provider()
            config = fetch_json(provider.server_url)
            if config.get("issuer") != provider.issuer:
                raise ProviderRefusedError("the configuration is of another issuer")
            for name in ENDPOINTS:
                address = config.get(name)
                if not self._is_usable(address):
                    raise ProviderRefusedError(f"no usable {name}")
            self._checked_config = config
        return config

    @property
    def issuer(self) -> str:  # type: ignore[override]
        issuer: str = self.openid_config["issuer"]
        return issuer

    @property
    def keys_url(self) -> str:  # type: ignore[override]
        address: str = self.openid_config["jwks_uri"]
        return address

    def completed(self, request: HttpRequest, claims: dict[str, Any], token: Any) -> dict[str, Any]:
        """Ask userinfo for the e-mail address where the ID token leaves it out.

        What is signed wins, and an answer about somebody else is refused (OpenID Connect Core
        1.0, section 5.3.2).
        """
        address = self.openid_config.get("userinfo_endpoint")
        if "email" in claims or not isinstance(address, str) or not self._is_usable(address):
            return claims
        info = fetch_json(address, headers={"Authorization": f"Bearer {token.token}"})
        if info.get("sub") != claims["sub"]:
            raise ProviderRefusedError("userinfo is about somebody else")
        return {**info, **claims}

    def _is_usable(self, endpoint: Any) -> bool:
        """Whether it is a web address, over TLS if the issuer's own is."""
        tls = self.get_provider().issuer.startswith("https://")
        return isinstance(endpoint, str) and not flaw_of_web_address(
            endpoint.partition("?")[0], production=tls
        )
