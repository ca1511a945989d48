"""Who may sign up where sign-up is closed: somebody whom a mail with a link has brought here.

A higher app that sends such links registers how to tell whom a session was brought by one::

    register_invitations(address_that_was_invited)

The function takes the request and answers the address that the mail went to, empty for none. It
asks its own tables each time, so that what is withdrawn or expired opens nothing any more.
"""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _

KNOWN = "_invited_email"  # on the request: read once

Reader = Callable[[HttpRequest], str]
_readers: list[Reader] = []


def register_invitations(reader: Reader) -> None:
    """Let one more kind of invitation open the sign-up, for exactly the invited address."""
    if reader not in _readers:
        _readers.append(reader)


def invited_email(request: HttpRequest | None) -> str:
    """The address, in lower case, whose mail brought this session here; empty for none.

    Whoever brought the link has proved to read that address.
    """
    if request is None or not hasattr(request, "session"):
        return ""
    known: str | None = request.__dict__.get(KNOWN)
    if known is None:
        known = next(filter(None, (reader(request) for reader in _readers)), "").lower()
        request.__dict__[KNOWN] = known
    return known


def may_sign_up(request: HttpRequest | None) -> bool:
    """Whether sign-up is open to whoever sends this request, with some address at least."""
    return bool(settings.SIGNUP_OPEN or invited_email(request))


def refuse_other_address(request: HttpRequest | None, email: str) -> None:
    """Raise ``ValidationError`` when sign-up is closed to everybody but another address."""
    if settings.SIGNUP_OPEN or email.lower() == invited_email(request):
        return
    raise ValidationError(
        _("Sign-up is open to the address that was invited only: use that one."),
        code="email_not_invited",
    )
