"""Where allauth's account pages are not enough as they are."""

from __future__ import annotations

from http import HTTPStatus

from allauth.account.views import SignupView
from django.http import HttpResponse
from django.shortcuts import render


class SignUpView(SignupView):  # type: ignore[misc]
    """Says with 403, and not only in words, that sign-up is closed."""

    def closed(self) -> HttpResponse:
        page = self.template_name_signup_closed
        return render(self.request, page, status=HTTPStatus.FORBIDDEN)
