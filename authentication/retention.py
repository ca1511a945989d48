"""How long tokens are kept that open nothing any more."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from authentication.models import APIToken, PasswordResetToken
from core.retention import Advance, Outcome, Rule, delete_in_batches, register


def _over(before: datetime) -> tuple[QuerySet[Any], QuerySet[Any]]:
    """The tokens that were used up, withdrawn or expired then."""
    withdrawn = Q(revoked_at__lt=before) | Q(expires_at__lt=before)
    return (
        PasswordResetToken.objects.filter(withdrawn | Q(used_at__lt=before)).order_by("pk"),
        APIToken.objects.filter(withdrawn).order_by("pk"),
    )


def count_tokens(before: datetime) -> Outcome:
    return Outcome(removed=sum(rows.count() for rows in _over(before)))


def remove_tokens(before: datetime, advance: Advance) -> Outcome:
    return Outcome(removed=sum(delete_in_batches(rows, advance) for rows in _over(before)))


register(
    Rule(
        name="tokens",
        setting="tokens",
        removes="password reset tokens and API tokens that are used up, expired or withdrawn",
        model=APIToken,
        count=count_tokens,
        remove=remove_tokens,
    )
)
