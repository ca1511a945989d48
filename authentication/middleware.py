"""Holds back sessions that lack the second factor that their user must use, and stolen ones."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any
from urllib.parse import urlencode

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.middleware import auser, get_user
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from authentication.api.answers import is_headless
from authentication.requirement import must_prove_again, refusal_of, with_verification
from authentication.risk import SignInStoppedError, stopped_answer
from authentication.session_watch import explanation, watch
from core.api.errors import problem_page
from core.middleware import BothWays
from users.session_user import handing_over

# What a session may still open: the way to a second factor, and the way out.
ALWAYS_OPEN = frozenset(
    {
        "account_second_factors",
        "account_enrol_totp",
        "account_step_up",
        # Each asks for a step-up by itself, or is one.
        "account_reauthenticate",
        "account_add_passkey",
        "account_use_passkey",
        "account_not_me",
        "account_logout",
        "logout",
    }
)


HAS_ENDED = "_session_ended"  # on the request: its session was ended for where it is used from


class SecondFactorMiddleware(BothWays):
    """``request.user.is_verified()`` as django-otp's middleware has it, and the requirement.

    django-otp's own reads the factor's row for every request, and keeps the user that it saw
    first; allauth's app client changes the session of a request half way.
    """

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        async def verified_auser() -> Any:
            await sync_to_async(_watched)(request)
            with handing_over(request.session):
                return with_verification(await auser(request), request.session)

        def verified_user() -> Any:
            _watched(request)
            with handing_over(request.session):
                return with_verification(get_user(request), request.session)

        request.user = SimpleLazyObject(verified_user)  # type: ignore[assignment]
        request.auser = verified_auser
        response: HttpResponseBase | Awaitable[HttpResponseBase] = self.get_response(request)
        return response

    def process_view(self, request: HttpRequest, *view: Any) -> HttpResponse | None:
        """Refuse under /api/, lead to the page that helps elsewhere.

        The headless flows hold back by themselves: their session is not always the cookie's.
        """
        if settings.SESSION_COOKIE_NAME not in request.COOKIES:
            return None
        match = request.resolver_match
        if match is None or is_headless(request):
            return None
        is_api = request.path.startswith("/api/")
        held = refusal_of(request.user)
        if hasattr(request, HAS_ENDED) and not is_api:
            messages.error(request, explanation())
        if held is None or match.url_name in ALWAYS_OPEN:
            return None
        code, words = held
        if is_api:
            return problem_page(403, code=code, detail=words)
        page = "account_step_up" if must_prove_again(request.user) else "account_second_factors"
        target = (
            f"?{urlencode({'next': request.get_full_path()})}" if request.method == "GET" else ""
        )
        return redirect(reverse(page) + target)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return stopped_answer() if isinstance(error, SignInStoppedError) else None


def _watched(request: HttpRequest) -> None:
    """Before anybody learns whose session it is: see ``authentication.session_watch``."""
    if watch(request.session):
        setattr(request, HAS_ENDED, True)
