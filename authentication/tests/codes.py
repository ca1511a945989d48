"""Codes of authenticator apps, at a moment that stands still (see ``conftest.py``)."""

from django_otp.oath import TOTP

from authentication import secrets
from authentication.models import TOTP_SECONDS

NOW = 1_800_000_000


def code_of(device, *, steps=0):
    """The device's code now, or some steps of thirty seconds away."""
    totp = TOTP(secrets.totp_key(device.secret), TOTP_SECONDS)
    totp.time = NOW + steps * TOTP_SECONDS
    return f"{totp.token():06d}"
