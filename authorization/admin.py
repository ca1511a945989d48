"""Roles, what they hold and who holds them, in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import Group as DjangoGroup
from django.contrib.auth.models import Permission
from django.db.models import QuerySet
from django.forms import BaseInlineFormSet, ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from authorization import services
from authorization.models import Role, RoleAssignment, RolePermission
from core.admin_base import REFUSALS, BaseAdmin, BaseInline, ReadOnlyAdmin, refusal_text
from core.admin_soft_delete import SoftDeleteAdmin
from core.errors import DomainError
from users.admin import UserAdmin
from users.models import User

# Teams live in the groups app; Django's own groups grant nothing here.
admin.site.unregister(DjangoGroup)


@admin.register(Permission)
class PermissionAdmin(ReadOnlyAdmin):
    """To be looked up and picked; permissions come from the models."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Reached from the roles; a section of its own would only repeat their heading."""
        return False

    list_display = ("label", "name", "content_type")
    list_select_related = ("content_type",)
    search_fields = ("codename", "name", "content_type__app_label", "content_type__model")
    ordering = ("content_type__app_label", "content_type__model", "codename")
    sortable_by = ()
    fields = ("label", "name", "content_type")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Permission]:
        return super().get_queryset(request).select_related("content_type")

    @admin.display(description=_("permission"))
    def label(self, permission: Permission) -> str:
        return f"{permission.content_type.app_label}.{permission.codename}"


def add_refusal(form: Any, error: BaseException) -> None:
    """Show what a service would refuse at the field that is to blame."""
    field = error.field if isinstance(error, DomainError) else None
    form.add_error(field if field in form.fields else None, refusal_text(error))


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


class ActorFormSetMixin:
    """Tells the formset who is at the keyboard, and reads existing rows without changing them."""

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        made = super().get_formset(request, obj, **kwargs)  # type: ignore[misc]
        made.actor = request.user
        return made

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


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
        not role.is_system and not role.is_deleted and services.can_grant(actor, role)
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
        return not obj.is_system and services.can_grant(actor, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Role | None = None) -> Any:
        """A role that somebody holds keeps its scope."""
        return (*self.readonly_fields, "scope") if obj else self.readonly_fields

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: Any) -> None:
        actor: Any = request.user
        added = formset.save(commit=False)
        for held in formset.deleted_objects:
            services.withdraw_permission(actor=actor, held=held)
        for held in added:
            services.grant_permission(actor=actor, role=held.role, permission=held.permission)


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


class RoleAssignmentForm(ModelForm):  # type: ignore[type-arg]
    """Refuses what ``services.assign_role()`` would refuse, at the field that is to blame."""

    actor: User

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        user, role = (
            data.get("user", self.instance.user_id and self.instance.user),
            data.get("role"),
        )
        role = role or (self.instance.role if self.instance.role_id else None)
        if user and role and self.has_changed():
            try:
                services.refuse_assignment(actor=self.actor, user=user, role=role)
            except DomainError as error:
                add_refusal(self, error)
        return data


class RoleAssignmentFormSet(BaseInlineFormSet):  # type: ignore[type-arg]
    actor: User

    def clean(self) -> None:
        super().clean()
        for form in self.forms:
            role = form.cleaned_data.get("role") if form.is_valid() else None
            if role is None or form in self.deleted_forms or not form.has_changed():
                continue
            try:
                services.refuse_assignment(actor=self.actor, user=self.instance, role=role)
            except DomainError as error:
                add_refusal(form, error)


class RoleAssignmentInline(ActorFormSetMixin, BaseInline):
    model = RoleAssignment
    fk_name = "user"
    formset = RoleAssignmentFormSet
    fields = ("role", "expires_at", "reason", "granted_by", "granted_at")
    readonly_fields = ("granted_by", "granted_at")
    autocomplete_fields = ("role",)
    verbose_name = _("role")
    verbose_name_plural = _("roles")

    def get_queryset(self, request: HttpRequest) -> QuerySet[RoleAssignment]:
        return super().get_queryset(request).select_related("role", "granted_by", "user")


admin.site.unregister(User)


@admin.register(User)
class UserWithRolesAdmin(UserAdmin):
    """The page of a person, with the roles that they hold everywhere."""

    inlines = (RoleAssignmentInline,)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: Any) -> None:
        actor: Any = request.user
        added = formset.save(commit=False)
        for assignment in formset.deleted_objects:
            services.revoke_role(actor=actor, assignment=assignment)
        for assignment in added:
            services.assign_role(
                actor=actor,
                user=assignment.user,
                role=assignment.role,
                expires_at=assignment.expires_at,
                reason=assignment.reason,
            )


@admin.register(RoleAssignment)
class RoleAssignmentAdmin(BaseAdmin):
    list_display = ("user", "role", "granted_by", "granted_at", "expires_at", "reason")
    list_filter = ("role__is_active", ("expires_at", admin.EmptyFieldListFilter))
    list_select_related = ("user", "role", "granted_by")
    search_fields = ("user__username__istartswith", "user__email__istartswith", "role__slug")
    search_help_text = _("The start of a username or e-mail address, or a role's slug.")
    ordering = ("-granted_at", "-id")
    sortable_by = ()
    form = RoleAssignmentForm
    autocomplete_fields = ("user", "role")
    fields = ("user", "role", "expires_at", "reason", "granted_by", "granted_at")
    readonly_fields = ("granted_by", "granted_at")

    def can_touch(self, request: HttpRequest, obj: RoleAssignment) -> bool:
        actor: Any = request.user
        return actor.is_superuser or (
            obj.user_id != actor.pk and services.can_grant(actor, obj.role)
        )

    def get_readonly_fields(self, request: HttpRequest, obj: RoleAssignment | None = None) -> Any:
        """Of an assignment, only its end and its reason can be changed."""
        return (*self.readonly_fields, "user", "role") if obj else self.readonly_fields

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        actor: Any = request.user
        saved = services.assign_role(
            actor=actor,
            user=obj.user,
            role=obj.role,
            expires_at=obj.expires_at,
            reason=obj.reason,
        )
        obj.pk = saved.pk

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        actor: Any = request.user
        services.revoke_role(actor=actor, assignment=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        actor: Any = request.user
        refused = 0
        for assignment in queryset.select_related("user", "role"):
            try:
                services.revoke_role(actor=actor, assignment=assignment)
            except REFUSALS:
                refused += 1
        if refused:
            text = _("%d left alone: they hold more rights than you do.")
            self.message_user(request, text % refused, messages.WARNING)
