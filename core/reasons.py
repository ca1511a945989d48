"""Reasons that people give for what they do to others, as the audit trail keeps them."""

from __future__ import annotations

from django.utils.translation import gettext as _

from core.errors import DomainError
from core.json_values import flaw_of_text

LONGEST_REASON = 500


def clean_reason(reason: str, *, shortest: int) -> str:
    """Raise ``DomainError`` for one that is too short, too long or no text."""
    reason = reason.strip()
    if not shortest <= len(reason) <= LONGEST_REASON:
        text = _("Give a reason of %(least)d to %(most)d characters.")
        raise DomainError(text % {"least": shortest, "most": LONGEST_REASON}, field="reason")
    if flaw := flaw_of_text(reason):
        raise DomainError(flaw, field="reason")
    return reason
