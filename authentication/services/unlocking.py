"""Letting the owner of an account try again after too many wrong passwords or codes."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import ngettext

from authentication.limits import forget_failures
from authentication.services.second_factors import unlock_factors
from core import audit
from users.models import User


@transaction.atomic
def unlock_account(*, actor: User | None, user: User) -> list[str]:
    """Forget the wrong passwords and wrong codes of ``user``; say what was locked or counted.

    Nothing is said, and nothing recorded, when there was nothing. Addresses that were stopped
    for trying many accounts stay stopped. Raise ``CountingError`` without the shared cache.
    """
    factors = unlock_factors(actor=actor, user=user)
    passwords = forget_failures(user)
    opened = []
    if passwords:
        opened.append(
            ngettext("%d wrong password forgotten", "%d wrong passwords forgotten", passwords)
            % passwords
        )
    if factors:
        opened.append(
            ngettext("%d second factor unlocked", "%d second factors unlocked", factors) % factors
        )
    if opened:
        audit.record(
            action="unlock",
            target=user,
            changes={"wrong_passwords": (passwords, 0), "locked_factors": (factors, 0)},
            actor=actor,
        )
    return opened
