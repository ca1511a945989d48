"""allauth's forms of signing in by password, with "remember me", for pages and headless API."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import LoginForm as AllauthLoginForm
from allauth.headless.account.inputs import LoginInput as AllauthLoginInput
from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from authentication.remembering import ask_to_remember

REMEMBER_HELP = _(
    "Not on a device that others use. Accounts that must use a second factor are asked every day."
)


class LoginForm(AllauthLoginForm):  # type: ignore[misc]
    """The page's. How long the session lasts is not left to allauth, but to its limits."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["remember"].label = _("Keep me signed in on this device")
        self.fields["remember"].help_text = REMEMBER_HELP

    def _login_with_password(
        self, request: HttpRequest, redirect_url: str | None, credentials: dict[str, Any]
    ) -> HttpResponse:
        ask_to_remember(request, wanted=self.cleaned_data["remember"])
        response: HttpResponse = super()._login_with_password(request, redirect_url, credentials)
        request.session.set_expiry(None)
        return response


class FlagField(forms.BooleanField):
    """For JSON: true or false, false when left out, and nothing that looks like either."""

    widget = forms.HiddenInput

    def __init__(self, *, help_text: str) -> None:
        super().__init__(required=False, help_text=help_text)

    def to_python(self, value: Any) -> bool:
        if value is not None and not isinstance(value, bool):
            raise ValidationError(_("Must be true or false."), code="invalid")
        return bool(value)


class LoginInput(AllauthLoginInput):  # type: ignore[misc]
    """The headless API's."""

    remember = FlagField(help_text="Longer limits for the session: see `session` in `config`.")
