"""Roles and what they hold, in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.forms import BaseInlineFormSet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from authorization.admin.formsets import ActorFormSetMixin
from authorization.models import Role, RolePermission
from authorization.services import roles
from core.admin_base import BaseInline, ReadOnlyAdmin
from core.admin_soft_delete import SoftDeleteAdmin
from users.models import User


class RolePermissionFormSet(BaseInlineFormSet):  # type: ignore[type-arg]
    """Refuses permissions that the person at the keyboard does not hold."""

    actor: User

    def clean(self) -> None:
        super().clean()
        for form in self.forms:
            permission = form.cleaned_data.get("permission") if form.is_valid() else None
            if permission is None or form in self.deleted_forms or not form.has_changed():
                continue
            label = f"{permission.content_type.app_label}.{permission.codename}"
            if not self.actor.has_perm(label):
                text = _("You do not hold %(label)s yourself.")
                form.add_error("permission", text % {"label": label})


class RolePermissionInline(ActorFormSetMixin, BaseInline):
    model = RolePermission
    formset = RolePermissionFormSet
    fields = ("permission", "granted_by", "granted_at")
    readonly_fields = ("granted_by", "granted_at")
    autocomplete_fields = ("permission",)
    show_change_link = False
    verbose_name = _("permission")
    verbose_name_plural = _("permissions")

    def get_queryset(self, request: HttpRequest) -> QuerySet[RolePermission]:
        rows = super().get_queryset(request).select_related("role", "permission__content_type")
        return rows.select_related("granted_by").order_by("permission__codename")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_add_permission(request, obj) and _is_editable(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and _is_editable(request, obj)


def _is_editable(request: HttpRequest, role: Role | None) -> bool:
    actor: Any = request.user
    return role is None or (
        not role.is_system and not role.is_deleted and roles.can_grant(actor, role)
    )


@admin.register(Role)
class RoleAdmin(SoftDeleteAdmin):
    list_display = ("name", "slug", "scope", "is_active", "is_system", "updated_at")
    list_filter = ("scope", "is_active", "is_system")
    search_fields = ("name", "slug__startswith")
    ordering = ("scope", "name", "id")
    prepopulated_fields = {"slug": ("name",)}
    inlines = (RolePermissionInline,)
    fieldsets = (
        (
            None,
            {
                "fields": ("name", "slug", "description", "scope", "is_active", "totp_required"),
                "description": _(
                    "System roles are kept by TruLedgr and can only be looked at. A role that "
                    "holds more than you do cannot be changed by you."
                ),
            },
        ),
        (_("Record"), {"fields": ("id", "is_system", "created_at", "updated_at", "see_also")}),
    )
    readonly_fields = ("id", "is_system", "created_at", "updated_at", "see_also")

    def can_touch(self, request: HttpRequest, obj: Role) -> bool:
        actor: Any = request.user
        return not obj.is_system and roles.can_grant(actor, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Role | None = None) -> Any:
        """A role that somebody holds keeps its scope."""
        return (*self.readonly_fields, "scope") if obj else self.readonly_fields

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: Any) -> None:
        actor: Any = request.user
        added = formset.save(commit=False)
        for held in formset.deleted_objects:
            roles.withdraw_permission(actor=actor, held=held)
        for held in added:
            roles.grant_permission(actor=actor, role=held.role, permission=held.permission)


@admin.register(RolePermission)
class RolePermissionAdmin(ReadOnlyAdmin):
    """Which role holds what; permissions are given and taken on the page of the role."""

    list_display = ("role", "permission", "granted_by", "granted_at")
    list_filter = ("role__scope",)
    list_select_related = ("role", "permission__content_type", "granted_by")
    search_fields = ("role__slug__startswith", "permission__codename")
    search_help_text = _("The start of a role's slug, or part of a permission's codename.")
    ordering = ("-id",)
    sortable_by = ()
    fields = ("role", "permission", "granted_by", "granted_at")
    readonly_fields = fields
