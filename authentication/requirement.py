"""Whether a signed-in user has proven a second factor, and whether they must."""

from __future__ import annotations

from functools import partial
from typing import Any, TypeVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django.db import models
from django.db.models import OuterRef
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.middleware import is_verified

from authentication.models import APIToken
from authentication.origins import PROOF_NEEDED
from authentication.second_factors import has_lasting_factor
from users.models import User
from users.session_user import requirement_columns

REFUSAL = "Set up a second factor, or prove the one that you have, before anything else."
CODE = "second_factor_required"
PROVE_AGAIN = "Prove again who you are (POST auth/reauthenticate), then repeat this."
PROVE_AGAIN_CODE = "step_up_required"
HAS_FACTOR = "owner_has_second_factor"
IMPERSONATION = "impersonation"  # in a session: who of the staff acts as its user, and how

U = TypeVar("U", bound=AbstractBaseUser | AnonymousUser)


def with_verification(user: U, session: SessionBase) -> U:
    """Give ``user`` django-otp's ``is_verified()``, answered by the session without a query.

    ``users.sessions`` drops the mark from a session whose factor has been removed.
    """
    user.otp_device = session.get(DEVICE_ID_SESSION_KEY)  # type: ignore[union-attr]
    user.is_verified = partial(is_verified, user)  # type: ignore[union-attr]
    user.is_acted_as = IMPERSONATION in session  # type: ignore[union-attr]
    user.must_prove_again = PROOF_NEEDED in session  # type: ignore[union-attr]
    return user


def token_with_requirement(
    tokens: models.QuerySet[APIToken],
) -> APIToken | None:
    """The first of ``tokens``, by one query that also tells what its owner must have and has."""
    columns: dict[str, Any] = {HAS_FACTOR: has_lasting_factor(OuterRef("user_id"))}
    asked = requirement_columns(OuterRef("user_id"))
    token = tokens.select_related("user").annotate(**columns, **asked).first()
    if token is not None:
        for name in asked:
            setattr(token.user, name, getattr(token, name))
    return token


def owner_lacks_second_factor(token: APIToken) -> bool:
    """Whether the owner of a ``token_with_requirement()`` must have a factor and has none."""
    return not getattr(token, HAS_FACTOR) and token.user.must_use_second_factor


def lacks_second_factor(user: object) -> bool:
    """Whether ``user`` is signed in, must use a second factor, and has not in this session.

    Who of the staff acts as them has proven their own before.
    """
    if not isinstance(user, User) or getattr(user, "otp_device", None) is not None:
        return False
    if getattr(user, "is_acted_as", False):
        return False
    return user.must_use_second_factor


def must_prove_again(user: object) -> bool:
    """Whether the session is held until ``user`` steps up; see ``authentication.session_watch``."""
    return getattr(user, "must_prove_again", False)


def refusal_of(user: object) -> tuple[str, str] | None:
    """The code and words that hold this session back from everything else; none for most."""
    if must_prove_again(user):
        return PROVE_AGAIN_CODE, PROVE_AGAIN
    return (CODE, REFUSAL) if lacks_second_factor(user) else None
