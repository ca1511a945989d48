"""What the pages' script has to know about passkeys."""

from __future__ import annotations

from django import template
from django.conf import settings

register = template.Library()


@register.simple_tag
def passkey_domain() -> str:
    """The domain that passkeys belong to: on a page of another one, browsers refuse them."""
    return str(settings.OTP_WEBAUTHN_RP_ID)
