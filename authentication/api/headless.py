"""allauth's headless views, held back like everything else, and ours beside them."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from allauth.headless import urls as allauth_urls
from allauth.headless.constants import Client
from allauth.headless.tokens.strategies.sessions import SessionTokenStrategy
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, HttpResponseBase
from django.urls import URLPattern, URLResolver, path

from authentication import limits
from authentication.api.accounts import ResetRequestView, SignUpView
from authentication.api.answers import refusal
from authentication.api.passkeys import PASSKEY_VIEWS
from authentication.api.reading import Strict
from authentication.api.second_factors import SECOND_FACTOR_VIEWS
from authentication.api.sign_ins import ConfigView, LoginView
from authentication.api.step_up import StepUpView
from authentication.oauth.managing import LinkedAccountsView, SocialSignUpView
from authentication.requirement import IMPERSONATION, refusal_of
from authentication.session_watch import watch
from users.sessions import SessionStore

# Who am I, and sign me out: open while a second factor is still to be set up.
ALWAYS_OPEN = frozenset({"config", "current_session"})

# Our own flows, for both clients: route, view, name.
OWN_VIEWS: tuple[tuple[str, Any, str], ...] = (
    ("auth/reauthenticate", StepUpView, "reauthenticate"),
    *SECOND_FACTOR_VIEWS,
    *PASSKEY_VIEWS,
)


# Ours instead of allauth's, under the name and route of those.
REPLACED: dict[str, Any] = {
    "config": ConfigView,
    "login": LoginView,
    "signup": SignUpView,
    "request_password_reset": ResetRequestView,
    "manage_providers": LinkedAccountsView,
    "provider_signup": SocialSignUpView,
}


class TokenStrategy(SessionTokenStrategy):  # type: ignore[misc]
    """A session token is a session key; looking it up is one query.

    That of a session in which staff act as somebody else is none: it is for their browser.
    Raise ``FloodError`` after too many bad ones from the caller's address.
    """

    def lookup_session(self, session_token: str) -> SessionBase | None:
        session = SessionStore(session_token)
        is_right = session.row_id is not None and IMPERSONATION not in session
        limits.check_token(is_right=is_right, seen_from=session.client_ip)
        return session if is_right and not watch(session) else None


class Held:
    """Answers 403 to a session that lacks what its user must prove first."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        held = refusal_of(request.user)
        if held is not None:
            code, words = held
            return refusal(words, code=code, status=HTTPStatus.FORBIDDEN)
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
        return response


# allauth's flows that are not used here: phone numbers, sign-in by mailed code, JWT.
UNUSED = frozenset(
    {
        "manage_phone", "verify_phone", "resend_phone_verification_code", "confirm_login_code",
        "refresh",
    }
)  # fmt: skip


def held(
    patterns: Iterable[URLPattern | URLResolver], client: Client
) -> list[URLPattern | URLResolver]:
    """The patterns in use, each view made ``Strict``, and ``Held`` but for ``ALWAYS_OPEN``."""
    kept: list[URLPattern | URLResolver] = []
    for entry in patterns:
        if isinstance(entry, URLResolver):
            entry.url_patterns[:] = held(entry.url_patterns, client)
            if not entry.url_patterns:
                continue
        elif entry.name in UNUSED:
            continue
        else:
            own: Any = entry.callback
            view = REPLACED.get(entry.name or "", own.view_class)
            kinds = (Strict, view) if entry.name in ALWAYS_OPEN else (Strict, Held, view)
            entry.callback = api_view(kinds, client)
        kept.append(entry)
    return kept


def api_view(kinds: tuple[Any, ...], client: Client) -> Any:
    """One view of several classes, the last of which is allauth's or one of ours."""
    kind: Any = type(kinds[-1].__name__, kinds, {"__doc__": kinds[-1].__doc__})
    return kind.as_api_view(client=client)


def build_urlpatterns(client: Client) -> list[URLPattern | URLResolver]:
    """Our own flows come first: allauth has one of the same name for stepping up."""
    own = [
        path(f"v1/{route}", api_view((Strict, view), client), name=name)
        for route, view, name in OWN_VIEWS
    ]
    return [*own, *held(allauth_urls.build_urlpatterns(client), client)]
