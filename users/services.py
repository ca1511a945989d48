"""What people change about themselves, and who may manage whom."""

from __future__ import annotations

from copy import copy
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db import transaction

from core import audit
from core.errors import ConflictError, DomainError
from core.json_values import flaw_of_text
from users.models import Device, User

PROFILE_FIELDS = frozenset({"first_name", "last_name", "bio", "avatar_url", "locale", "timezone"})

LONGEST_DEVICE_NAME = 100


def can_manage(actor: User | AnonymousUser, user: User) -> bool:
    """Whether ``actor`` has every right that ``user`` has, so that taking it over gains nothing.

    A user who is switched off or deleted counts with the rights that waking up would give.
    """
    if actor.is_superuser:
        return True
    awake = copy(user)
    awake.is_active, awake.is_deleted = True, False
    rights: set[str] = actor.get_all_permissions()
    return not user.is_superuser and awake.get_all_permissions() <= rights


@transaction.atomic
def update_profile(*, actor: User, user: User, **changes: Any) -> User:
    """Change fields of ``PROFILE_FIELDS``; answer the user as it is then.

    Raise ``ValidationError`` for a bad value, ``ConflictError`` when the user
    has been deleted meanwhile.
    """
    if strange := changes.keys() - PROFILE_FIELDS:
        raise TypeError(f"Not a field of the profile: {', '.join(sorted(strange))}.")
    locked: User | None = (
        User.objects.alive().select_for_update(no_key=True).filter(pk=user.pk).first()
    )
    if locked is None:
        raise ConflictError("The user has been deleted.")
    before = audit.snapshot(locked)
    for name, value in changes.items():
        setattr(locked, name, value)
    locked.clean_fields(exclude={f.name for f in User._meta.fields} - changes.keys())
    if changes:
        audit.save(locked, before=before, actor=actor)
    return locked


@transaction.atomic
def rename_device(*, actor: User, device: Device, name: str) -> None:
    """Call a device something else; an empty name gives its browser and system again.

    Raise ``DomainError`` for a name that is too long or no text.
    """
    name = name.strip()
    if len(name) > LONGEST_DEVICE_NAME:
        raise DomainError(f"A name has at most {LONGEST_DEVICE_NAME} characters.", field="name")
    if flaw := flaw_of_text(name):
        raise DomainError(flaw, field="name")
    device.name = name
    audit.save(device, actor=actor)
