"""How an API request says who it comes from."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from authentication import services
from authentication.models import APIToken
from authentication.secrets import hash_api_token, is_well_formed
from core.context import client_ip_of
from users.models import User


class APITokenAuthentication(BaseAuthentication):
    """``Authorization: Bearer tl_pat_…`` (RFC 6750): one query, no password hash.

    A token that is malformed, unknown, expired, revoked or of somebody who may not sign in is
    401 with one and the same answer.
    """

    keyword = "Bearer"

    def authenticate(self, request: Request) -> tuple[User, APIToken] | None:
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != self.keyword.lower().encode():
            return None
        secret = b" ".join(words[1:]).decode("latin-1")
        token = None
        if is_well_formed(secret):
            tokens = APIToken.objects.usable().select_related("user")
            token = tokens.filter(token_hash=hash_api_token(secret)).first()
        if token is None:
            raise AuthenticationFailed("The access token is not valid.")
        services.note_use(token, client_ip=client_ip_of(request._request))
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return f'{self.keyword} realm="TruLedgr"'


class APITokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the OpenAPI document describes it."""

    target_class = APITokenAuthentication
    name = "bearerAuth"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "tl_pat_…",
            "description": "A personal access token.",
        }
