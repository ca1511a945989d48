"""The forms that ask for second factors and name them; pages and headless views share them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from authentication.models import TOTPDevice
from authentication.second_factors import SecondFactors
from core.json_values import flaw_of_text


class CodeField(forms.CharField):
    """A code as somebody types it: apps show a space in the middle, which does not count."""

    def __init__(self, *, required: bool = True, help_text: Any = "") -> None:
        attrs = {"autocomplete": "one-time-code", "spellcheck": "false", "autocapitalize": "off"}
        super().__init__(
            label=_("Code"),
            max_length=64,
            required=required,
            help_text=help_text,
            widget=forms.TextInput(attrs=attrs),
        )

    def clean(self, value: Any) -> str:
        code = "".join(str(super().clean(value)).split())
        return "" if flaw_of_text(code) else code


def app_field(apps: tuple[TOTPDevice, ...]) -> forms.ChoiceField:
    return forms.ChoiceField(
        label=_("Authenticator app"),
        choices=[(app.persistent_id, app.name) for app in apps],
        required=False,
        help_text=_("The one that shows the code."),
    )


class OTPForm(forms.Form):
    app = forms.ChoiceField(label=_("Authenticator app"))
    code = CodeField()

    def __init__(self, *args: Any, factors: SecondFactors, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].widget.attrs["autofocus"] = True
        self.fields["code"].help_text = help_for_codes(factors)
        if len(factors.apps) > 1:
            self.fields["app"] = app_field(factors.apps)
        else:
            del self.fields["app"]


class StepUpForm(forms.Form):
    """What the account has of a password and of codes; nothing is required but by ``prove()``."""

    password = forms.CharField(
        label=_("Password"),
        required=False,
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    app = forms.ChoiceField(label=_("Authenticator app"))
    code = CodeField(required=False)

    def __init__(
        self, *args: Any, factors: SecondFactors, has_password: bool, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].help_text = help_for_codes(factors)
        if not has_password:
            del self.fields["password"]
        if len(factors.apps) > 1:
            self.fields["app"] = app_field(factors.apps)
        else:
            del self.fields["app"]
        if not any(factors.guarded):
            del self.fields["code"]
        if self.fields:
            next(iter(self.fields.values())).widget.attrs["autofocus"] = True


class NameForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=64)


class EnrolForm(forms.Form):
    """The first code of a new app, and what to call it."""

    name = forms.CharField(
        label=_("Name of the app"),
        max_length=64,
        required=False,
        help_text=_("So that you know it again: the phone or the app that holds it."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    code = CodeField(help_text=_("The six digits that the app shows now."))


def help_for_codes(factors: SecondFactors) -> Any:
    if not factors.apps:
        return _("One of your backup codes.")
    if factors.backup is None:
        return _("Six digits from your authenticator app.")
    return _("Six digits from your authenticator app, or one of your backup codes.")
