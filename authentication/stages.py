"""The stage that holds every sign-in until a second factor is proven."""

from __future__ import annotations

from allauth.account.stages import LoginStage
from django.http import HttpResponse
from django.shortcuts import redirect

from authentication.second_factors import second_factors_of

WRONG_CODES = "otp_wrong_codes"  # in the session: wrong codes since this sign-in began


class OTPStage(LoginStage):  # type: ignore[misc]
    """Asks those who have a confirmed second factor for a code; lets the others pass."""

    key = "otp"
    urlname = "account_otp"

    def handle(self) -> tuple[HttpResponse | None, bool]:
        user = self.login.user
        if user is None or not second_factors_of(user):
            return None, True
        self.request.session[WRONG_CODES] = 0
        return redirect(self.urlname), True
