"""The people and groups that commands about items are given by name."""

from __future__ import annotations

from django.core.management.base import CommandError

from core.json_values import flaw_of_text
from groups.models import Group
from users.models import User


def user_called(name: str) -> User:
    """By username or e-mail address."""
    user: User | None = None
    if not flaw_of_text(name):
        user = User.objects.alive().named(name).first()
    if user is None:
        raise CommandError(f"There is no user called {name!r}.")
    return user


def group_called(slug: str) -> Group:
    rows = Group.objects.alive().select_related("owner")
    group = None if flaw_of_text(slug) else rows.filter(slug=slug).first()
    if group is None:
        raise CommandError(f"There is no group with the slug {slug!r}.")
    return group
