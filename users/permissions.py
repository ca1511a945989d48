"""Django's permission contract for a user, answered by the authentication backends."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth import get_backends
from django.core.exceptions import PermissionDenied
from django.db import models


class HasPermissions:
    """What ``PermissionsMixin`` has of methods, without its relations to ``auth.Group``."""

    is_active: bool
    is_deleted: bool
    is_superuser: bool

    @property
    def can_sign_in(self) -> bool:
        """Whether the account is live and enabled; ``UserQuerySet.active()`` for many."""
        return self.is_active and not self.is_deleted

    def get_all_permissions(self, obj: models.Model | None = None) -> set[str]:
        found: set[str] = set()
        for backend in get_backends():
            if hasattr(backend, "get_all_permissions"):
                found.update(backend.get_all_permissions(self, obj))  # type: ignore[arg-type]
        return found

    def has_perm(self, perm: str, obj: models.Model | None = None) -> bool:
        """Answer whether the user may do ``app.codename``, on ``obj`` when one is given."""
        if self.is_superuser and self.can_sign_in:
            return True
        for backend in get_backends():
            try:
                if hasattr(backend, "has_perm") and backend.has_perm(self, perm, obj):  # type: ignore[arg-type]
                    return True
            except PermissionDenied:
                return False
        return False

    def has_perms(self, perm_list: Iterable[str], obj: models.Model | None = None) -> bool:
        if isinstance(perm_list, str):
            raise TypeError("perm_list must be an iterable of permissions, not a string.")
        return all(self.has_perm(perm, obj) for perm in perm_list)

    def has_module_perms(self, app_label: str) -> bool:
        if self.is_superuser and self.can_sign_in:
            return True
        return any(
            backend.has_module_perms(self, app_label)
            for backend in get_backends()
            if hasattr(backend, "has_module_perms")
        )

    @property
    def must_use_second_factor(self) -> bool:
        """Whether the account may be used only after a second factor: asked of each backend."""
        return any(
            backend.requires_second_factor(self)
            for backend in get_backends()
            if hasattr(backend, "requires_second_factor")
        )
