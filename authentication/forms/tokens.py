"""The form that makes a personal access token."""

from __future__ import annotations

from datetime import datetime, timedelta

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.admin_json import TextListField

LIFETIMES = [(30, _("30 days")), (90, _("90 days")), (365, _("A year")), (0, _("Without end"))]


class TokenForm(forms.Form):
    """``cleaned_data`` is what ``create_api_token()`` takes."""

    name = forms.CharField(
        label=_("Name"),
        max_length=100,
        help_text=_("What it is for."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    scopes = TextListField(
        label=_("Limited to"),
        required=False,
        help_text=_("One permission a line, such as items.view_item. Empty: all that you may do."),
    )
    expires_at = forms.TypedChoiceField(
        label=_("Expires after"), choices=LIFETIMES, coerce=int, initial=90
    )

    def clean_expires_at(self) -> datetime | None:
        days: int = self.cleaned_data["expires_at"]
        return timezone.now() + timedelta(days=days) if days else None
