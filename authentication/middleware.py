"""Holds back sessions that lack the second factor that their user must use."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.middleware import auser, get_user
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from authentication.api.answers import is_headless
from authentication.requirement import CODE, REFUSAL, lacks_second_factor, with_verification
from core.api.errors import problem_page
from core.middleware import BothWays

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


class SecondFactorMiddleware(BothWays):
    """``request.user.is_verified()`` as django-otp's middleware has it, and the requirement.

    django-otp's own reads the factor's row for every request, and keeps the user that it saw
    first; allauth's app client changes the session of a request half way.
    """

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        async def verified_auser() -> Any:
            return with_verification(await auser(request), request.session)

        request.user = SimpleLazyObject(  # type: ignore[assignment]
            lambda: with_verification(get_user(request), request.session)
        )
        request.auser = verified_auser
        response: HttpResponseBase | Awaitable[HttpResponseBase] = self.get_response(request)
        return response

    def process_view(self, request: HttpRequest, *view: Any) -> HttpResponse | None:
        """Refuse under /api/, lead to the enrolment page elsewhere.

        The headless flows hold back by themselves: their session is not always the cookie's.
        """
        if settings.SESSION_COOKIE_NAME not in request.COOKIES:
            return None
        match = request.resolver_match
        if match is None or match.url_name in ALWAYS_OPEN or is_headless(request):
            return None
        if not lacks_second_factor(request.user):
            return None
        if request.path.startswith("/api/"):
            return problem_page(403, code=CODE, detail=REFUSAL)
        target = (
            f"?{urlencode({'next': request.get_full_path()})}" if request.method == "GET" else ""
        )
        return redirect(reverse("account_second_factors") + target)
