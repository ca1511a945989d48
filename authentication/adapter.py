"""How allauth's account flows meet our users."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.urls import reverse
from django.utils.translation import gettext as _

from authentication import step_up
from authentication.flows.accounts import AccountFlows
from authentication.flows.sign_ins import SignInFlows
from authentication.mails.allauth_mails import MailsOfAllauth


class AccountAdapter(AccountFlows, SignInFlows, MailsOfAllauth):
    """The hooks of all three, and the stages that a sign-in goes through."""

    def get_login_stages(self) -> list[str]:
        """Last, the second factor: it holds every sign-in, whatever came before it."""
        return [
            *super().get_login_stages(),
            "authentication.stages.OTPStage",
            "authentication.risk.RiskStage",
            "authentication.stages.EnrolmentStage",
        ]

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Raise ``ReauthenticationRequired`` unless the session has stepped up.

        allauth would go on to ask its own records, and let everybody pass who has no password.
        """
        step_up.require(self.request)
        return False

    def get_reauthentication_methods(
        self, user: AbstractBaseUser | AnonymousUser
    ) -> list[dict[str, Any]]:
        """One page asks for everything that a sign-in asks for."""
        if not user.is_authenticated:
            return []
        url = reverse("account_step_up")
        return [{"id": "step_up", "description": _("Prove who you are"), "url": url}]
