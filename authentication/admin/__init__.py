"""Signing in, as staff see it: importing the modules registers their pages."""

from authentication.admin import (
    addresses,
    factors,
    linked_accounts,
    mails,
    passkeys,
    sessions,
    tokens,
)

__all__ = [
    "addresses", "factors", "linked_accounts", "mails", "passkeys", "sessions", "tokens",
]  # fmt: skip
