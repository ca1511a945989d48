"""What staff say before they act as somebody else."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from authentication.impersonation.rules import SHORTEST_REASON
from core.reasons import LONGEST_REASON


class ImpersonationForm(forms.Form):
    reason = forms.CharField(
        label=_("What for"),
        min_length=SHORTEST_REASON,
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"}),
        help_text=_(
            "Kept in the audit trail, such as the number of the ticket. The user is told "
            "that somebody of the staff has acted as them, but not this."
        ),
    )
    allow_changes = forms.BooleanField(
        label=_("Allow changes to items and groups"),
        required=False,
        help_text=_("Without it everything can be looked at and nothing changed."),
    )

    def __init__(self, *args: Any, may_allow_changes: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not may_allow_changes:
            del self.fields["allow_changes"]
