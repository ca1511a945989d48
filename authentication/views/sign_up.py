"""Where allauth's account pages are not enough as they are."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from allauth.account.views import SignupView
from django.http import HttpResponse
from django.shortcuts import render

from authentication.invited import invited_email


class SignUpView(SignupView):  # type: ignore[misc]
    """Says with 403, and not only in words, that sign-up is closed.

    Whoever a mail has brought here finds the address that it went to in the form.
    """

    def get_initial(self) -> dict[str, Any]:
        initial: dict[str, Any] = super().get_initial()
        email = invited_email(self.request)
        return {**initial, "email": email} if email else initial

    def closed(self) -> HttpResponse:
        page = self.template_name_signup_closed
        return render(self.request, page, status=HTTPStatus.FORBIDDEN)
