"""The page behind the link in an invitation. It opens signed out, too."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.generic import View

from core.context import client_ip_of
from core.errors import DomainError
from core.rates import CountingError, Rate, network_of, take
from core.security_events import note_refusal, settle
from groups.models import Invitation
from groups.services import invitations as services
from groups.sign_up import bring
from users.models import User

# For guessing, the tokens are too long: this bounds what a script can make the server do.
RATE = Rate(amount=60, seconds=600)


@method_decorator(never_cache, name="dispatch")
class InvitationView(View):
    """GET shows and changes nothing, as mail scanners open every link; POST answers.

    The token stands in the address: no other site is told it (``Referrer-Policy``), and the log
    has the route only.
    """

    def dispatch(self, request: HttpRequest, token: str) -> HttpResponseBase:
        if is_too_often(request):
            return render(request, "429.html", status=HTTPStatus.TOO_MANY_REQUESTS)
        response = super().dispatch(request, token)
        response["Referrer-Policy"] = "same-origin"
        return response

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        invitation = services.find_invitation(token)
        if invitation is None:
            return refused(request, _("Copy the whole link from the mail. It works once."))
        if invitation.declined_at or _is_accepted_by(invitation, request):
            return render(request, "account/invitation_done.html", {"invitation": invitation})
        if why := why_unusable(invitation):
            return refused(request, why)
        next_page = urlencode({"next": request.path})
        context = {
            "invitation": invitation,
            "group": invitation.group,
            "login_url": f"{reverse('account_login')}?{next_page}",
        }
        return render(request, "account/invitation.html", context)

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        match request.POST.get("answer"):
            case "accept":
                return self._accept(request, token)
            case "decline":
                return self._decline(request, token)
            case "sign_up":
                return self._sign_up(request, token)
        return HttpResponseBadRequest("answer: accept, decline or sign_up.")

    def _accept(self, request: HttpRequest, token: str) -> HttpResponse:
        user = request.user
        if not isinstance(user, User):
            return _lead_to("account_login", request)
        try:
            services.accept_invitation(actor=user, token=token)
        except DomainError as error:
            note_refusal(error)
            return refused(request, error.message, HTTPStatus.CONFLICT)
        return redirect(request.path)

    def _decline(self, request: HttpRequest, token: str) -> HttpResponse:
        user = request.user
        try:
            services.decline_invitation(token=token, actor=user if isinstance(user, User) else None)
        except DomainError as error:
            return refused(request, error.message, HTTPStatus.CONFLICT)
        return redirect(request.path)

    def _sign_up(self, request: HttpRequest, token: str) -> HttpResponse:
        """Whoever brings the link reads that address: sign-up is open to it, and takes no code."""
        invitation = services.find_invitation(token)
        if invitation is None or why_unusable(invitation):
            return redirect(request.path)
        bring(request, token)
        return _lead_to("account_signup", request)


def why_unusable(invitation: Invitation) -> str:
    """Why it cannot be accepted by anybody, for people; empty when it can."""
    if invitation.accepted_at:
        return _("It was accepted already, and works once.")
    if invitation.withdrawn_at:
        return _("The group has taken it back.")
    if invitation.has_expired:
        return _("It has expired. Ask the group for a new one.")
    if invitation.group.is_deleted or not invitation.group.is_active:
        return _("The group is not there any more.")
    return ""


def _is_accepted_by(invitation: Invitation, request: HttpRequest) -> bool:
    return invitation.accepted_by_id is not None and invitation.accepted_by_id == request.user.pk


def _lead_to(page: str, request: HttpRequest) -> HttpResponse:
    return redirect(f"{reverse(page)}?{urlencode({'next': request.path})}")


def refused(
    request: HttpRequest, why: str, status: HTTPStatus = HTTPStatus.NOT_FOUND
) -> HttpResponse:
    """It may be too old, or used: nothing that is worth an event."""
    settle()
    return render(request, "account/invitation_refused.html", {"why": why}, status=status)


def is_too_often(request: HttpRequest) -> bool:
    """Whether the caller's network has used the page up for now; no cache means no limit."""
    try:
        return take(f"invitation_page:{network_of(client_ip_of(request))}", RATE).is_over
    except CountingError:
        return False
