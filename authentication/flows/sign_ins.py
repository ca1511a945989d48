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
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from authentication import limits, sign_ins
from core.context import client_ip_of, current
from users.models import User
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
        response: HttpResponse | None = super().pre_login(request, user, **login)
        return response

    def login(self, request: HttpRequest, user: User) -> None:
        """Sign in, unless the account has been switched off or deleted since the first step."""
        if not user.can_sign_in:
            raise ImmediateHttpResponse(self.respond_user_inactive(request, user))
        super().login(request, user)

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:
        """Answer as to somebody unknown: nobody learns that there is such an account."""
        sign_ins.record_closed_account(user)
        self.add_message(request, messages.ERROR, message=_("Signing in did not work."))
        return redirect("account_login")
