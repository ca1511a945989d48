"""The identities that somebody has linked, for the page that lists them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.socialaccount.models import SocialAccount
from django import template

from authentication.oauth.managing import described

register = template.Library()


@dataclass(frozen=True, slots=True)
class LinkedAccount:
    pk: int
    provider: str
    display: str
    linked_on: datetime
    is_usable: bool  # its provider is still set up


@register.simple_tag
def linked_accounts(form: Any) -> list[LinkedAccount]:
    """Those that the form to unlink one offers, oldest first."""
    return [_shown(account) for account in form.accounts.order_by("pk")]


def _shown(account: SocialAccount) -> LinkedAccount:
    known = described(account)
    return LinkedAccount(
        pk=account.pk,
        provider=known["provider"]["name"],
        display=known["display"],
        linked_on=account.date_joined,
        is_usable=bool(known["provider"]["flows"]),
    )
