"""Invitations open the sign-up, where it is closed, for the address that they went to."""

from __future__ import annotations

from django.http import HttpRequest

from authentication.secrets import hash_reset_token as hash_of
from groups.models import Invitation

BROUGHT = "group_invitation"  # in the session: the hash of the token that was brought


def bring(request: HttpRequest, token: str) -> None:
    """Remember in the session that this invitation has brought its visitor here."""
    request.session[BROUGHT] = hash_of(token)


def address_brought(request: HttpRequest) -> str:
    """Where the mail of that invitation went, while it can be accepted; else empty."""
    token_hash = request.session.get(BROUGHT)
    if not token_hash:
        return ""
    rows = Invitation.objects.usable().filter(token_hash=token_hash)
    return rows.values_list("email", flat=True).first() or ""
