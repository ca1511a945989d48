"""The one authentication backend: who somebody is, and what roles let them do."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol, TypeGuard, runtime_checkable

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, Permission
from django.db import models
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from authorization.access import access_of
from authorization.grounds import NOBODY, grounds_of, roles_holding
from authorization.labels import label_of
from authorization.models import Role, RoleAssignment
from users.models import User
from users.session_user import take_over

ALL_PERMISSIONS = "_all_permissions"
ROLE_REQUIRES = "role_requires_second_factor"


@runtime_checkable
class GrantsItself(Protocol):
    """An object that says what its owner and its group's members may do to it."""

    def is_permitted(self, user: User, permission: str) -> bool: ...


class RoleBackend(ModelBackend):
    """Signs in by username or e-mail address; permissions come from role assignments.

    What a user may do, on objects too, is one query, kept on the user object only, so that a
    change takes effect with the next request.
    """

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        email: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        identifier = username or email
        if not identifier or password is None:
            return None
        user: User | None = (
            User.objects.alive()
            .named(identifier)
            .annotate(**self.second_factor_columns(OuterRef("pk")))
            .first()
        )
        if user is None:
            # Spend the time that a known user would cost (django ticket 20760).
            User().set_password(password)
            return None
        return user if user.check_password(password) and self.user_can_authenticate(user) else None

    def user_can_authenticate(self, user: object) -> TypeGuard[User]:
        return isinstance(user, User) and user.can_sign_in

    def get_user(self, user_id: Any) -> User | None:
        """The user of a session, as one query finds them with whether a role asks for a factor.

        None at all when the session has read its user itself.
        """
        if handed_over := take_over(user_id):
            return handed_over
        users = User.objects.active().filter(pk=user_id)
        user: User | None = users.annotate(**self.second_factor_columns(OuterRef("pk"))).first()
        return user

    async def aget_user(self, user_id: Any) -> User | None:
        return await sync_to_async(self.get_user)(user_id)

    def second_factor_columns(self, user: Any, *, at: datetime | None = None) -> dict[str, Exists]:
        """What to annotate a query with, so that its user needs no other one to know.

        ``user`` refers to the key of a user; set the values on the user that is found. ``at`` is
        the moment that it is about, if not the present.
        """
        return {ROLE_REQUIRES: Exists(_requiring(user, at))}

    def requires_second_factor(self, user: User) -> bool:
        """By its own mark, as staff (``STAFF_SECOND_FACTOR_REQUIRED``), or by a role."""
        if user.totp_required:
            return True
        if settings.STAFF_SECOND_FACTOR_REQUIRED and (user.is_staff or user.is_superuser):
            return True
        by_role: bool | None = getattr(user, ROLE_REQUIRES, None)
        return _requiring(user.pk).exists() if by_role is None else by_role

    # --- What somebody may do -----------------------------------------------------------------

    def get_user_permissions(
        self, user_obj: AbstractBaseUser | AnonymousUser, obj: models.Model | None = None
    ) -> set[str]:
        """Nobody holds a permission other than through a role, but superusers, who hold all."""
        if not self.user_can_authenticate(user_obj) or not user_obj.is_superuser:
            return set()
        return self._every_permission(user_obj)

    def get_group_permissions(
        self, user_obj: AbstractBaseUser | AnonymousUser, obj: models.Model | None = None
    ) -> set[str]:
        """What the user's roles hold: one query, then none. With ``obj``, what it grants, too."""
        if not self.user_can_authenticate(user_obj):
            return set()
        if user_obj.is_superuser:
            return self._every_permission(user_obj)
        everywhere = access_of(user_obj).everywhere
        itself: object = obj
        if not isinstance(itself, GrantsItself):
            return everywhere
        others = self._every_permission(user_obj) - everywhere
        return everywhere | {label for label in others if itself.is_permitted(user_obj, label)}

    def _every_permission(self, user: User) -> set[str]:
        known: set[str] | None = user.__dict__.get(ALL_PERMISSIONS)
        if known is None:
            known = {
                f"{app}.{codename}"
                for app, codename in Permission.objects.values_list(
                    "content_type__app_label", "codename"
                ).order_by()
            }
            user.__dict__[ALL_PERMISSIONS] = known
        return known

    def get_all_permissions(
        self, user_obj: AbstractBaseUser | AnonymousUser, obj: models.Model | None = None
    ) -> set[str]:
        """Each permission that there is of which ``has_perm()`` is true."""
        return self.get_group_permissions(user_obj, obj)

    def has_perm(
        self,
        user_obj: AbstractBaseUser | AnonymousUser,
        perm: str,
        obj: models.Model | None = None,
    ) -> bool:
        if not self.user_can_authenticate(user_obj):
            return False
        if user_obj.is_superuser or perm in access_of(user_obj).everywhere:
            return True
        # Asking isinstance() of a protocol takes longer than all the rest.
        is_permitted = getattr(obj, "is_permitted", None)
        return is_permitted is not None and bool(is_permitted(user_obj, perm))

    def has_module_perms(self, user_obj: AbstractBaseUser | AnonymousUser, app_label: str) -> bool:
        return any(
            permission.startswith(f"{app_label}.")
            for permission in self.get_group_permissions(user_obj)
        )

    # ``ModelBackend`` does these by queries of its own, over relations that users do not have.

    async def aauthenticate(self, request: Any, *args: Any, **credentials: Any) -> User | None:
        return await sync_to_async(self.authenticate)(request, *args, **credentials)

    async def aget_user_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        return await sync_to_async(self.get_user_permissions)(user_obj, obj)

    async def aget_group_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        return await sync_to_async(self.get_group_permissions)(user_obj, obj)

    async def aget_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        return await sync_to_async(self.get_all_permissions)(user_obj, obj)

    async def ahas_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        return await sync_to_async(self.has_perm)(user_obj, perm, obj)

    async def ahas_module_perms(self, user_obj: Any, app_label: str) -> bool:
        return await sync_to_async(self.has_module_perms)(user_obj, app_label)

    # --- Who may do something -----------------------------------------------------------------

    def with_perm(
        self,
        perm: str | Permission,
        is_active: bool | None = True,  # noqa: FBT001, FBT002
        include_superusers: bool = True,  # noqa: FBT001, FBT002
        obj: models.Model | None = None,
    ) -> QuerySet[User]:
        """Live users who hold ``perm`` through a role, or whom ``obj`` grants it.

        Raise ``ValueError`` for a string that is no ``app.codename``, ``TypeError`` for what is
        neither a string nor a permission.
        """
        at = timezone.now()
        if isinstance(perm, str):
            if perm.count(".") != 1:
                raise ValueError(
                    "Permission name should be in the form app_label.permission_codename."
                )
            label, roles = perm, roles_holding(perm)
        elif isinstance(perm, Permission):
            label, roles = label_of(perm), Role.objects.active().filter(permissions=perm)
        else:
            raise TypeError("The `perm` argument must be a string or a permission instance.")
        holding = RoleAssignment.objects.in_force(at).filter(role__in=roles.order_by().values("pk"))
        condition = Q(pk__in=holding.order_by().values("user"))
        if include_superusers:
            condition |= Q(is_superuser=True)
        rule = grounds_of(obj)
        condition |= NOBODY if rule is None else rule.holders(label, obj, at)
        users: QuerySet[User] = User.objects.alive().filter(condition)
        return users if is_active is None else users.filter(is_active=is_active)


def _requiring(user: Any, at: datetime | None = None) -> QuerySet[RoleAssignment]:
    """Assignments in force of roles whose holders must use a second factor."""
    return RoleAssignment.objects.in_force(at).filter(user=user, role__totp_required=True)
