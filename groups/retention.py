"""How long invitations are kept that nobody can accept any more."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from core.retention import register, rule_of_rows
from groups.models import Invitation, InvitationQuerySet


def invitations_over(before: datetime) -> InvitationQuerySet:
    """Those that were answered, withdrawn or had expired then."""
    over = (
        Q(accepted_at__lt=before)
        | Q(declined_at__lt=before)
        | Q(withdrawn_at__lt=before)
        | Q(expires_at__lt=before)
    )
    return Invitation.objects.filter(over).order_by("pk")


register(
    rule_of_rows(
        "invitations",
        setting="tokens",
        removes="invitations to groups that were answered, withdrawn or have expired",
        model=Invitation,
        rows=invitations_over,
    )
)
