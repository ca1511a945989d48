"""Holds what staff do as somebody else within its limits, and ends it when it has to end."""

from __future__ import annotations

from collections.abc import Awaitable
from http import HTTPStatus

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from authentication.api.answers import is_headless, refusal
from authentication.impersonation.rules import is_allowed, is_sign_out
from authentication.impersonation.sessions import current_impersonation, stop, stop_past_limit
from core.api.errors import problem_page
from core.middleware import BothWays

READ_ONLY = "read_only_session"
ENDED = "impersonation_ended"


class ImpersonationMiddleware(BothWays):
    """``request.impersonation`` and ``request.impersonator``, for whoever acts as somebody else.

    Such a session is a browser's: as ``X-Session-Token`` its key is worth nothing.
    """

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        response: HttpResponseBase | Awaitable[HttpResponseBase] = self.get_response(request)
        return response

    def process_view(self, request: HttpRequest, *view: object) -> HttpResponse | None:
        if settings.SESSION_COOKIE_NAME not in request.COOKIES:
            return None
        found = current_impersonation(request)
        if found is None:
            is_over = request.session.session_key is None and stop_past_limit(request)
            return _ended(request, _("The time is up.")) if is_over else None
        if isinstance(found, str):
            stop(request)
            return _ended(request, found)
        request.impersonation = found  # type: ignore[attr-defined]
        request.impersonator = found.impersonator  # type: ignore[attr-defined]
        if is_sign_out(request):
            stop(request)  # and the view signs out whom it finds then: the impersonator
            return None
        return None if is_allowed(request, may_change=found.may_change) else _refused(request)


def _refused(request: HttpRequest) -> HttpResponse:
    text = _("Not while you act as somebody else.")
    if is_headless(request):
        return refusal(text, code=READ_ONLY, status=HTTPStatus.FORBIDDEN)
    if request.path.startswith("/api/"):
        return problem_page(HTTPStatus.FORBIDDEN, code=READ_ONLY, detail=text)
    return render(request, "account/impersonation_refused.html", status=HTTPStatus.FORBIDDEN)


def _ended(request: HttpRequest, why: str) -> HttpResponse:
    """What was asked for as somebody else is not done as oneself."""
    text = f"{_('You act as yourself again.')} {why}"
    if is_headless(request):
        return refusal(text, code=ENDED, status=HTTPStatus.UNAUTHORIZED)
    if request.path.startswith("/api/"):
        return problem_page(HTTPStatus.UNAUTHORIZED, code=ENDED, detail=text)
    if request.user.is_authenticated:
        messages.warning(request, text)
    return redirect("home")
