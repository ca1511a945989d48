"""allauth's hooks for signing in: counting tries, and one answer to everybody it refuses.

``AccountAdapter`` inherits them. They translate: the rules are in ``authentication.limits`` and
``authentication.sign_ins``.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from django.contrib import messages
from django.contrib.auth import authenticate
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from authentication import device_trust, limits, sign_ins
from authentication.remembering import remember_if_asked
from core.context import client_ip_of, current
from users.models import EndReason, User, UserSession
from users.sessions import revoke_sessions
from users.user_agents import LONGEST


class SignInFlows(DefaultAccountAdapter):  # type: ignore[misc]
    def get_client_ip(self, request: HttpRequest) -> str:
        """As the project sees it, an IPv4 address always as such: limits count by it."""
        address = ip_address(client_ip_of(request) or "::")
        return str(getattr(address, "ipv4_mapped", None) or address)

    def get_http_user_agent(self, request: HttpRequest) -> str:
        return current().user_agent[:LONGEST]

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the try, before any password is checked; see ``authentication.limits``."""
        # In the order of RoleBackend.authenticate().
        identifier = credentials.get("username") or credentials.get("email") or ""
        try:
            self.attempt = limits.begin(request, identifier)
        except limits.LimitReachedError as refusal:
            sign_ins.record_refusal(refusal)
            if isinstance(refusal, limits.FloodError):
                raise
            raise self.validation_error("too_many_login_attempts") from None

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """The user whose password it is; nobody else's costs the same time, one password hash."""
        self.pre_authenticate(request, **credentials)
        user = authenticate(request, **credentials)
        # A locked password is checked too, and its outcome thrown away: that takes the same time.
        if self.attempt.is_locked or not isinstance(user, User):
            self.authentication_failed(request, **credentials)
            return None
        self.attempt.succeeded()
        sign_ins.tell_of_wrong_ones(self.attempt, user)
        return user

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        sign_ins.record_failure(self.attempt, sign_ins.failure_of(self.attempt))

    def _delete_login_attempts_cached_email(self, request: HttpRequest, **credentials: Any) -> None:
        """allauth asks for it after a password reset: the owner signs in at once."""
        for user in User.objects.alive().named(credentials["email"]):
            limits.forget_failures(user)

    def pre_login(self, request: HttpRequest, user: User, **login: Any) -> HttpResponse | None:
        if not user.can_sign_in:
            return self.respond_user_inactive(request, user)
        if str(login.get("redirect_url") or "").startswith(reverse("admin:index")):
            request.session[sign_ins.BEGAN_AT_ADMIN] = True
        response: HttpResponse | None = super().pre_login(request, user, **login)
        return response

    def login(self, request: HttpRequest, user: User) -> None:
        """Sign in, unless the account has been switched off or deleted since the first step.

        Who was let pass on a trusted device is out again when its trust was ended meanwhile: the
        session is stored first, so that whoever ends it later finds it among the others.
        """
        if not user.can_sign_in:
            raise ImmediateHttpResponse(self.respond_user_inactive(request, user))
        super().login(request, user)
        remember_if_asked(request, user)
        if device_trust.was_used(request):
            request.session.save()
            if not device_trust.still_holds(request, user):
                raise ImmediateHttpResponse(self._thrown_out(request))

    def _thrown_out(self, request: HttpRequest) -> HttpResponse:
        session: Any = request.session
        rows = UserSession.objects.filter(pk=session.row_id)
        revoke_sessions(rows, reason=EndReason.REVOKED_BY_OWNER)
        session.flush()
        request.user = AnonymousUser()
        text = _("This device is not trusted any more. Sign in again.")
        self.add_message(request, messages.ERROR, message=text)
        return redirect("account_login")

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:
        """Answer as to somebody unknown: nobody learns that there is such an account."""
        sign_ins.record_closed_account(user)
        self.add_message(request, messages.ERROR, message=_("Signing in did not work."))
        return redirect("account_login")
