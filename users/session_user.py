"""The user of a session, read with it in one query.

Django asks a backend for the user by key alone. Inside ``handing_over()`` the backend finds the
one that the session has read already; the hash of the password is still checked by Django.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth import get_backends, get_user
from django.contrib.sessions.backends.base import SessionBase
from django.db.models import Exists
from django.http import HttpRequest

from users.models import User

_asked: ContextVar[SessionBase | None] = ContextVar("asked_session", default=None)


@contextmanager
def handing_over(session: SessionBase) -> Iterator[None]:
    """Let ``take_over()`` answer the user that ``session`` has read, or is about to read."""
    token = _asked.set(session)
    try:
        yield
    finally:
        _asked.reset(token)


def user_of(session: SessionBase) -> User | None:
    """Whose session it is; nobody when it is nobody's, or when Django's ``get_user()`` says so."""
    request = HttpRequest()
    request.session = session
    with handing_over(session):
        user = get_user(request)
    return user if isinstance(user, User) else None


def take_over(user_id: UUID) -> User | None:
    """The user that is handed over, once: whoever asks again reads what is in the database."""
    session: Any = _asked.get()
    user: User | None = getattr(session, "preloaded_user", None)
    if user is None or user.pk != user_id:
        return None
    session.preloaded_user = None
    return user


def requirement_columns(user: Any, *, at: datetime | None = None) -> dict[str, Exists]:
    """What backends annotate a user with, so that nobody asks again whether a factor is required.

    ``user`` refers to the key of the user; the values belong onto the user that is found. ``at``
    is the moment that it is about, if not the present.
    """
    columns: dict[str, Exists] = {}
    for backend in get_backends():
        if hasattr(backend, "second_factor_columns"):
            columns |= backend.second_factor_columns(user, at=at)
    return columns
