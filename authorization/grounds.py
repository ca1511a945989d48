"""Why somebody may do something: what grants it, and how objects of higher apps say what they do.

``has_perm()`` answers yes or no, and fast. The same rule in words, and for everybody at once, is
what is said here: each model whose rows grant something (``is_permitted()``) registers a
``GroundsOf``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext as _

from authorization.models import Role
from users.models import User

EVERYBODY, NOBODY = Q(pk__isnull=False), Q(pk__in=())


@dataclass(frozen=True, slots=True)
class Ground:
    """One thing that grants a permission, or what keeps one from granting it.

    ``code`` is stable and for programs, ``text`` for people. The rest is about the assignment or
    the membership that it comes from, where it comes from one.
    """

    code: str
    text: str
    role: Role | None = None
    rank: str = ""
    granted_by: User | None = None
    granted_at: datetime | None = None
    expires_at: datetime | None = None
    reason: str = ""


Found = Mapping[UUID, Sequence[Ground]]


class GroundsOf(Protocol):
    """How the rows of ``model`` grant permissions, beyond what is held everywhere.

    ``permission`` is a label, ``app.codename``, and ``at`` the moment in question. It is the rule
    of the model's ``is_permitted()``; whether an account may be used at all is asked elsewhere.
    """

    @property
    def model(self) -> type[Model]: ...

    @property
    def related(self) -> Sequence[str]:
        """What to select along with an object."""

    def takes_roles(self, obj: Any) -> bool:
        """Whether somebody can hold a role on it, or on what it belongs to."""

    def holders(self, permission: str, obj: Any, at: datetime) -> Q:
        """Which users ``obj`` grants ``permission``."""

    def grants(self, users: Sequence[User], permission: str, obj: Any, at: datetime) -> Found:
        """Why ``obj`` grants it, of each of ``users``; a constant number of queries."""

    def lacks(self, user: User, permission: str, obj: Any, at: datetime) -> list[Ground]:
        """What ``user`` lacks, or nearly has, for ``obj`` to grant it."""


_registered: dict[type[Model], GroundsOf] = {}


def register_grounds(grounds: GroundsOf) -> None:
    """Let the rows of one more model explain themselves."""
    _registered[grounds.model] = grounds


def grounds_of(obj: Model | None) -> GroundsOf | None:
    """What is registered for the model of ``obj``; ``None`` when its rows grant nothing."""
    return _registered.get(type(obj)) if obj is not None else None


def explained_models() -> dict[str, GroundsOf]:
    """What is registered, by the model's label in lower case, such as ``items.item``."""
    return {model._meta.label_lower: found for model, found in sorted_registrations()}


def sorted_registrations() -> list[tuple[type[Model], GroundsOf]]:
    return sorted(_registered.items(), key=lambda pair: pair[0]._meta.label_lower)


def roles_holding(permission: str) -> QuerySet[Role]:
    """Active roles that hold ``permission``, for an IN: one may be there more than once."""
    app_label, _dot, codename = permission.partition(".")
    return Role.objects.active().filter(
        permissions__content_type__app_label=app_label, permissions__codename=codename
    )


def added(*parts: Found) -> dict[UUID, list[Ground]]:
    """The grounds of several sources, by user, in the order of the sources."""
    together: dict[UUID, list[Ground]] = defaultdict(list)
    for part in parts:
        for key, grounds in part.items():
            together[key].extend(grounds)
    return dict(together)


def moment_in_words(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def terms(
    granted_by: User | None, granted_at: datetime | None, expires_at: datetime | None, reason: str
) -> str:
    """Who gave it, when, until when and why, to go behind a sentence; empty when nobody knows."""
    known = []
    if granted_by is not None:
        known.append(_("given by %s") % granted_by)
    if granted_at is not None:
        known.append(_("since %s") % moment_in_words(granted_at))
    if expires_at is not None:
        known.append(_("until %s") % moment_in_words(expires_at))
    if reason:
        known.append(_("because: %s") % reason)
    return f" ({', '.join(known)})" if known else ""
