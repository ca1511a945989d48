"""How allauth's account flows meet our users."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest

from core.context import client_ip_of


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Sign-up by ``SIGNUP_OPEN``. One truth about the caller's address."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return bool(settings.SIGNUP_OPEN)

    def get_login_stages(self) -> list[str]:
        """Last, the second factor: it holds every sign-in, whatever came before it."""
        return [*super().get_login_stages(), "authentication.stages.OTPStage"]

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_ip_of(request) or ""
