"""Whether a signed-in user has proven a second factor, and whether they must."""

from __future__ import annotations

from functools import partial
from typing import TypeVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.middleware import is_verified

from users.models import User

REFUSAL = "Set up a second factor, or prove the one that you have, before anything else."
CODE = "second_factor_required"

U = TypeVar("U", bound=AbstractBaseUser | AnonymousUser)


def with_verification(user: U, session: SessionBase) -> U:
    """Give ``user`` django-otp's ``is_verified()``, answered by the session without a query.

    ``users.sessions`` drops the mark from a session whose factor has been removed.
    """
    user.otp_device = session.get(DEVICE_ID_SESSION_KEY)  # type: ignore[union-attr]
    user.is_verified = partial(is_verified, user)  # type: ignore[union-attr]
    return user


def lacks_second_factor(user: object) -> bool:
    """Whether ``user`` is signed in, must use a second factor, and has not in this session."""
    if not isinstance(user, User) or getattr(user, "otp_device", None) is not None:
        return False
    return user.must_use_second_factor
