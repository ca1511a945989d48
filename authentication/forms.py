"""The form that asks for a second factor."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from authentication.models import TOTPDevice


class OTPForm(forms.Form):
    app = forms.ChoiceField(label=_("Authenticator app"))
    code = forms.CharField(
        label=_("Code"),
        max_length=64,
        help_text=_("Six digits from your authenticator app, or one of your backup codes."),
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"}
        ),
    )

    def __init__(self, *args: Any, apps: tuple[TOTPDevice, ...] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if len(apps) > 1:
            choices = [(app.persistent_id, app.name) for app in apps]
            self.fields["app"] = forms.ChoiceField(
                label=_("Authenticator app"),
                choices=choices,
                required=False,
                help_text=_("The one that shows the code."),
            )
        else:
            del self.fields["app"]

    def clean_code(self) -> str:
        """Apps show a space in the middle; it does not count."""
        return "".join(str(self.cleaned_data["code"]).split())
