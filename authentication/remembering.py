""" "Remember me": a session with longer limits, for those whom no rule asks for a second factor."""

from __future__ import annotations

from django.http import HttpRequest

from users.models import User
from users.sessions import remember

ASKED = "remember_me"  # in the session of a sign-in that is going on


def ask_to_remember(request: HttpRequest, *, wanted: bool) -> None:
    """Note it with the first step of a sign-in; ``remember_if_asked()`` follows the last."""
    request.session[ASKED] = wanted


def remember_if_asked(request: HttpRequest, user: User) -> bool:
    """Give the session just signed in to the longer limits; answer whether it has them.

    Never to those who must use a second factor: theirs is a session of a day at most.
    """
    wanted = request.session.pop(ASKED, False)
    if not wanted or user.must_use_second_factor:
        return False
    remember(request.session)
    return True
