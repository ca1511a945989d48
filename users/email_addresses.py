"""Keeping allauth's ``EmailAddress`` rows in step with ``User.email``.

Everybody has one row at most: the address of ``User.email`` in lower case, and whether it is
verified. Rows of deleted users mean nothing; they go when somebody else claims the address.
"""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.contrib.auth.base_user import AbstractBaseUser


def free_address(email: str) -> None:
    """Forget the address for users who are deleted; restored, they verify it again."""
    EmailAddress.objects.filter(email=email.lower(), user__is_deleted=True).delete()


def own_address(user: AbstractBaseUser, *, email: str, verified: bool) -> EmailAddress:
    """Make ``email`` the only address that ``user`` has, verified or not; answer its row.

    ``User.email`` is for the caller. Raise ``IntegrityError`` when it is to be verified and is
    somebody else's verified address.
    """
    email = email.lower()
    free_address(email)
    EmailAddress.objects.filter(user_id=user.pk).exclude(email=email).delete()
    row, _made = EmailAddress.objects.update_or_create(
        user_id=user.pk, email=email, defaults={"verified": verified, "primary": True}
    )
    return row
