"""The page behind "this was not me" in a notice. It works signed out."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.generic import View

from authentication.mails.reports import Claim, read
from authentication.mails.wording import ACCOUNT_MAILS, NOTICES, RESET_ASKED_FOR
from authentication.services.not_me import (
    ONE_SESSION,
    WITHDRAWN_ONLY,
    report_not_me,
    was_reported,
)
from core.context import client_ip_of
from core.rates import CountingError, Rate, network_of, take
from core.security_events import settle

# For guessing, the tokens are too long: this bounds what a script can make the server do.
RATE = Rate(amount=30, seconds=600)


@method_decorator(never_cache, name="dispatch")
class NotMeView(View):
    """GET explains and changes nothing, as mail scanners open every link; POST reports."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        if is_too_often(request):
            return render(request, "429.html", status=HTTPStatus.TOO_MANY_REQUESTS)
        claim = read(token)
        if claim is None:
            return refused_link(request)
        if was_reported(claim):
            return render(request, "account/not_me_done.html", {"repeated": True})
        return render(request, "account/not_me.html", shown(claim))

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        if is_too_often(request):
            return render(request, "429.html", status=HTTPStatus.TOO_MANY_REQUESTS)
        claim = read(token)
        report = report_not_me(claim=claim) if claim else None
        if claim is None or report is None:
            return refused_link(request)
        return render(
            request,
            "account/not_me_done.html",
            {**shown(claim), "report": report, "repeated": report.repeated},
        )


def refused_link(request: HttpRequest) -> HttpResponse:
    """It may be too old; a forged one is an event already, and no object that is hidden."""
    settle()
    return render(request, "account/not_me_refused.html", status=HTTPStatus.NOT_FOUND)


def shown(claim: Claim) -> dict[str, object]:
    """What the page says of the notice; of the account it tells nothing."""
    words = NOTICES.get(claim.notice)
    if claim.notice == RESET_ASKED_FOR:
        words = ACCOUNT_MAILS["account/email/password_reset_key"]
    return {
        "subject": words.subject if words else "",
        "at": claim.issued_at,
        "withdraws": claim.notice in WITHDRAWN_ONLY,
        "one_session": claim.notice in ONE_SESSION,
    }


def is_too_often(request: HttpRequest) -> bool:
    """Whether the caller's network has used the page up for now; no cache means no limit."""
    try:
        return take(f"not_me:{network_of(client_ip_of(request))}", RATE).is_over
    except CountingError:
        return False
