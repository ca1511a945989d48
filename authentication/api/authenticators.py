"""How an API request says who it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from allauth.headless import app_settings
from allauth.headless.contrib.rest_framework.authentication import XSessionTokenAuthentication
from django.contrib.sessions.backends.base import SessionBase
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied, Throttled
from rest_framework.request import Request

from authentication import limits
from authentication.models import APIToken
from authentication.requirement import (
    CODE,
    REFUSAL,
    owner_lacks_second_factor,
    refusal_of,
    token_with_requirement,
    with_verification,
)
from authentication.secrets import hash_api_token, is_well_formed
from authentication.services import api_tokens
from core.context import client_ip_of
from users.models import User
from users.session_user import user_of


@contextmanager
def throttling() -> Iterator[None]:
    """Too many bad tokens are DRF's 429, with the seconds to wait."""
    try:
        yield
    except limits.LimitReachedError as error:
        raise Throttled(wait=error.wait) from None


class APITokenAuthentication(BaseAuthentication):
    """``Authorization: Bearer tl_pat_…`` (RFC 6750): one query, no password hash.

    A token that is malformed, unknown, expired, revoked or of somebody who may not sign in is
    401 with one and the same answer, and 429 after too many of them from one address. One of
    somebody who must use a second factor and has none is 403 ``second_factor_required``.
    """

    keyword = "Bearer"

    def authenticate(self, request: Request) -> tuple[User, APIToken] | None:
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != self.keyword.lower().encode():
            return None
        secret = b" ".join(words[1:]).decode("latin-1")
        token = None
        if is_well_formed(secret):
            tokens = APIToken.objects.usable().filter(token_hash=hash_api_token(secret))
            token = token_with_requirement(tokens)
        with throttling():
            seen_from = token.last_used_ip if token else None
            limits.check_token(is_right=token is not None, seen_from=seen_from)
        if token is None:
            raise AuthenticationFailed("The access token is not valid.")
        if owner_lacks_second_factor(token):
            raise PermissionDenied(REFUSAL, code=CODE)
        api_tokens.note_use(token, client_ip=client_ip_of(request._request))
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return f'{self.keyword} realm="TruLedgr"'


class SessionTokenAuthentication(XSessionTokenAuthentication):  # type: ignore[misc]
    """``X-Session-Token``: the session of an app client, signed in through ``/api/auth/app/``.

    A token that is unknown or ended is 401, and 429 after too many of them. A session that lacks
    the second factor that its user must use is 403 with the code ``second_factor_required``, one
    that is used from elsewhere than before 403 ``step_up_required``.
    """

    def authenticate(self, request: Request) -> tuple[User, SessionBase] | None:
        token = self.get_session_token(request)
        if not token:
            return None
        with throttling():
            session: SessionBase | None = app_settings.TOKEN_STRATEGY.lookup_session(token)
        user = user_of(session) if session is not None else None
        if session is None or user is None:
            raise AuthenticationFailed("The session token is not valid.")
        with_verification(user, session)
        held = refusal_of(user)
        if held is not None:
            code, words = held
            raise PermissionDenied(words, code=code)
        # The audit trail names the session that the change came through.
        request._request.session = session
        return user, session

    def authenticate_header(self, request: Request) -> str:
        return 'X-Session-Token realm="TruLedgr"'


class SessionTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the OpenAPI document describes it."""

    target_class = SessionTokenAuthentication
    name = "sessionToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "apiKey",
            "in": "header",
            "name": "X-Session-Token",
            "description": "The session of an app client, from `/api/auth/app/v1/`.",
        }


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
