"""Password reset tokens as allauth asks for them: ``ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR``."""

from __future__ import annotations

from allauth.core import context

from authentication.models import PasswordResetToken
from authentication.services.password_resets import find_reset_token, make_reset_token
from users.models import User

REMEMBERED = "password_reset_token"  # an attribute of the request


class ResetTokenGenerator:
    """Makes rows of ``PasswordResetToken``; looks them up without spending them.

    allauth asks twice for each reset, to show the form and to take it. The row that was found is
    remembered on the request; ``AccountAdapter.set_password()`` spends it.
    """

    def make_token(self, user: User) -> str:
        _row, secret = make_reset_token(actor=None, user=user)
        return secret

    def check_token(self, user: User | None, token: str | None) -> bool:
        row = find_reset_token(user=user, secret=token) if user and token else None
        setattr(context.request, REMEMBERED, row)
        return row is not None


def remembered_token(user: User) -> PasswordResetToken | None:
    """The token that this request has shown for ``user``, if any."""
    row: PasswordResetToken | None = getattr(context.request, REMEMBERED, None)
    return row if row is not None and row.user_id == user.pk else None
