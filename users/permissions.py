"""Django's permission contract for a user, answered by the authentication backends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.contrib.auth import get_backends, load_backend
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

    @property
    def _may_do_everything(self) -> bool:
        return self.is_superuser and self.can_sign_in

    # --- Which permissions --------------------------------------------------------------------

    def get_user_permissions(self, obj: models.Model | None = None) -> set[str]:
        return self._permissions("get_user_permissions", obj)

    def get_group_permissions(self, obj: models.Model | None = None) -> set[str]:
        return self._permissions("get_group_permissions", obj)

    def get_all_permissions(self, obj: models.Model | None = None) -> set[str]:
        return self._permissions("get_all_permissions", obj)

    def _permissions(self, question: str, obj: models.Model | None) -> set[str]:
        return {label for ask in _asked(question) for label in ask(self, obj)}

    async def aget_user_permissions(self, obj: models.Model | None = None) -> set[str]:
        return await self._apermissions("aget_user_permissions", obj)

    async def aget_group_permissions(self, obj: models.Model | None = None) -> set[str]:
        return await self._apermissions("aget_group_permissions", obj)

    async def aget_all_permissions(self, obj: models.Model | None = None) -> set[str]:
        return await self._apermissions("aget_all_permissions", obj)

    async def _apermissions(self, question: str, obj: models.Model | None) -> set[str]:
        return {label for ask in _asked(question) for label in await ask(self, obj)}

    # --- Whether ------------------------------------------------------------------------------

    def has_perm(self, perm: str, obj: models.Model | None = None) -> bool:
        """Answer whether the user may do ``app.codename``, on ``obj`` when one is given."""
        return self._may_do_everything or self._is_granted("has_perm", perm, obj)

    def has_perms(self, perm_list: Iterable[str], obj: models.Model | None = None) -> bool:
        _refuse_one(perm_list)
        return all(self.has_perm(perm, obj) for perm in perm_list)

    def has_module_perms(self, app_label: str) -> bool:
        """Answer whether the user holds any permission of that app everywhere."""
        return self._may_do_everything or self._is_granted("has_module_perms", app_label)

    def _is_granted(self, question: str, *asked: Any) -> bool:
        """Whether a backend says so; one that raises ``PermissionDenied`` ends the asking."""
        try:
            return any(ask(self, *asked) for ask in _asked(question))
        except PermissionDenied:
            return False

    async def ahas_perm(self, perm: str, obj: models.Model | None = None) -> bool:
        return self._may_do_everything or await self._ais_granted("ahas_perm", perm, obj)

    async def ahas_perms(self, perm_list: Iterable[str], obj: models.Model | None = None) -> bool:
        _refuse_one(perm_list)
        for perm in perm_list:
            if not await self.ahas_perm(perm, obj):
                return False
        return True

    async def ahas_module_perms(self, app_label: str) -> bool:
        return self._may_do_everything or await self._ais_granted("ahas_module_perms", app_label)

    async def _ais_granted(self, question: str, *asked: Any) -> bool:
        try:
            for ask in _asked(question):
                if await ask(self, *asked):
                    return True
        except PermissionDenied:
            pass
        return False

    @property
    def must_use_second_factor(self) -> bool:
        """Whether the account may be used only after a second factor: asked of each backend."""
        return any(ask(self) for ask in _asked("requires_second_factor"))


class FindsHolders:
    """``with_perm()`` of Django's ``UserManager``: the users who hold a permission."""

    def with_perm(
        self,
        perm: Any,
        is_active: bool | None = True,  # noqa: FBT001, FBT002
        include_superusers: bool = True,  # noqa: FBT001, FBT002
        backend: str | None = None,
        obj: models.Model | None = None,
    ) -> models.QuerySet[Any]:
        """Ask the backend, which must be named by its dotted path when there are several."""
        asked = _backend_called(backend)
        if not hasattr(asked, "with_perm"):
            return self.none()  # type: ignore[attr-defined, no-any-return]  # a manager has it
        found: models.QuerySet[Any] = asked.with_perm(
            perm, is_active=is_active, include_superusers=include_superusers, obj=obj
        )
        return found


def _backend_called(path: str | None) -> Any:
    if path is None:
        known = get_backends()
        if len(known) != 1:
            raise ValueError(
                "You have multiple authentication backends configured and therefore must provide "
                "the `backend` argument."
            )
        return known[0]
    if not isinstance(path, str):
        raise TypeError(f"backend must be a dotted import path string (got {path!r}).")
    return load_backend(path)


def _asked(question: str) -> Iterator[Any]:
    """The method of that name of each backend that has one."""
    for backend in _backends(tuple(settings.AUTHENTICATION_BACKENDS)):
        if hasattr(backend, question):
            yield getattr(backend, question)


@lru_cache
def _backends(paths: tuple[str, ...]) -> tuple[Any, ...]:
    """Made once: Django makes them anew for every question, which costs more than its answer."""
    if not paths:
        get_backends()  # says what is missing
    return tuple(load_backend(path) for path in paths)


def _refuse_one(perm_list: Iterable[str]) -> None:
    if not isinstance(perm_list, Iterable) or isinstance(perm_list, str):
        raise ValueError("perm_list must be an iterable of permissions.")  # noqa: TRY004
