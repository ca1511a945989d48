"""The account that shows the demo."""

from __future__ import annotations

import base64
import secrets

from allauth.account.models import EmailAddress
from django.db import transaction

from authentication.models import BackupCodeDevice, TOTPDevice
from authentication.secrets import new_totp_secret
from core import audit
from users.models import EndReason, User, UserSession
from users.sessions import end_sessions

USERNAME = "demo_admin"
EMAIL = "demo_admin@example.org"
SECRET_BYTES = 15
APP = "Demo app"


def demo_admin() -> User:
    """The superuser of the demo, made when there is none; nobody knows a password yet.

    Raise ``ValidationError`` when another live user has its e-mail address.
    """
    with transaction.atomic():
        user: User | None = User.objects.active().named(USERNAME).first()
        if user is None:
            user = User.objects.create_superuser(USERNAME, EMAIL)
        EmailAddress.objects.get_or_create(
            user=user, email=user.email, defaults={"verified": True, "primary": True}
        )
    return user


def set_one_time_password(user: User) -> str:
    """Give ``user`` a new random password and end what was signed in with the old one."""
    code = base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode().lower()
    password = "-".join(code[start : start + 4] for start in range(0, len(code), 4))
    with transaction.atomic():
        user.set_password(password)
        audit.save(user)
        end_sessions(UserSession.objects.filter(user=user), reason=EndReason.PASSWORD_CHANGED)
    return password


def set_one_time_codes(user: User) -> list[str]:
    """Give ``user`` an authenticator app that nobody has, and ten new backup codes; answer these.

    Staff use nothing without a second factor, and whoever tries the demo has no app at hand.
    """
    with transaction.atomic():
        TOTPDevice.objects.update_or_create(
            user=user, name=APP, defaults={"secret": new_totp_secret(), "confirmed": True}
        )
        backup, _is_new = BackupCodeDevice.objects.get_or_create(
            user=user, defaults={"name": "Backup codes", "confirmed": True}
        )
        return backup.replace_codes()
