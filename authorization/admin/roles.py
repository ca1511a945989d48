"""Roles and what they hold, in the admin."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import URLPattern
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization.admin.permission_choice import (
    Choice,
    PermissionChoiceField,
    Rights,
    show_permissions,
)
from authorization.admin.role_pages import role_urls, urls_of
from authorization.models import Role, RolePermission
from authorization.services import roles
from core.admin_base import REFUSALS, ReadOnlyAdmin, refusal_text
from core.admin_soft_delete import SoftDeleteAdmin, SoftDeleteForm
from users.models import User


class RoleForm(SoftDeleteForm):
    actor: User

    slug = forms.SlugField(
        required=False,
        max_length=120,
        help_text=gettext_lazy("Unique among live roles; made from the name when left empty."),
    )
    holds = PermissionChoiceField(label=gettext_lazy("Permissions"), required=False)
    grant_reason = forms.CharField(
        label=gettext_lazy("Why"),
        required=False,
        max_length=200,
        help_text=gettext_lazy("Why it holds what you add now; kept with each of them."),
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )

    class Meta:
        model = Role
        fields = ("name", "slug")  # the admin names the rest
        labels = {"totp_required": gettext_lazy("Second factor required")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        role = None if self.instance._state.adding else self.instance
        choice: Any = self.fields.get("holds")
        if choice is not None:
            choice.choice = choice.widget.choice = Choice(role, Rights.of(self.actor))
            self.initial["holds"] = [str(key) for key in choice.choice.grants]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not data.get("slug") and data.get("name"):
            data["slug"] = roles.slug_from(data["name"])
        return data


@admin.register(Role)
class RoleAdmin(SoftDeleteAdmin):
    list_display = (
        "name", "slug", "scope", "is_active", "is_system", "totp_required", "updated_at",
    )  # fmt: skip
    list_filter = ("scope", "is_active", "is_system", "totp_required")
    search_fields = ("name", "slug__startswith")
    ordering = ("scope", "name", "id")
    empty_hint = gettext_lazy(
        "The roles that come with TruLedgr are made by “manage.py migrate”; add others here."
    )
    form = RoleForm
    change_form_template = "admin/authorization/role/change_form.html"
    prepopulated_fields = {"slug": ("name",)}
    fieldsets = (
        (
            None,
            {
                "fields": ("name", "slug", "description", "scope", "is_active", "totp_required"),
                "description": gettext_lazy(
                    "System roles are kept by TruLedgr and can only be looked at and cloned. A "
                    "role that holds more than you do cannot be changed by you."
                ),
            },
        ),
        (gettext_lazy("Permissions"), {"fields": ("holds", "grant_reason")}),
        (
            gettext_lazy("Record"),
            {"fields": ("id", "is_system", "created_at", "updated_at", "see_also")},
        ),
    )
    readonly_fields = ("id", "is_system", "created_at", "updated_at", "see_also")

    def can_touch(self, request: HttpRequest, obj: Role) -> bool:
        actor: Any = request.user
        return not obj.is_system and roles.can_grant(actor, obj)

    def get_prepopulated_fields(self, request: HttpRequest, obj: Role | None = None) -> Any:
        """The slug of a role that exists stays what it is, whatever its name becomes."""
        return {} if obj else self.prepopulated_fields

    def get_fieldsets(self, request: HttpRequest, obj: Role | None = None) -> Any:
        """To be looked at, the permissions are no form."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or self.has_change_permission(request, obj):
            return fieldsets
        return [
            (name, {**part, "fields": ("held",)} if "holds" in part["fields"] else part)
            for name, part in fieldsets
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Role | None = None) -> Any:
        return (*self.readonly_fields, "held")

    @admin.display(description=gettext_lazy("Permissions"))
    def held(self, role: Role) -> str:
        choice = Choice(role)
        return show_permissions(choice, choice.grants)

    # --- Writing --------------------------------------------------------------------------

    def save_model(self, request: HttpRequest, obj: Role, form: Any, change: Any) -> None:
        actor: Any = request.user
        data, reason = form.cleaned_data, form.cleaned_data.get("grant_reason", "")
        if not change:
            values = {name: data[name] for name in roles.CHANGEABLE if name in data}
            made = roles.create_role(
                actor=actor, permissions=data["holds"], reason=reason, **values
            )
            obj.pk = made.pk
            return
        changed = roles.CHANGEABLE.intersection(form.changed_data)
        if changed:
            roles.update_role(actor=actor, role=obj, **{name: data[name] for name in changed})
        if "holds" in form.changed_data:
            roles.set_permissions(actor=actor, role=obj, permissions=data["holds"], reason=reason)

    def delete_model(self, request: HttpRequest, obj: Role) -> None:
        actor: Any = request.user
        roles.delete_role(actor=actor, role=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Role]) -> None:
        with transaction.atomic():
            for role in queryset.filter(is_deleted=False):
                self.delete_model(request, role)

    def _restore(self, request: HttpRequest, rows: Any) -> None:
        actor: Any = request.user
        restored = 0
        for role in rows.filter(is_deleted=True):
            try:
                with transaction.atomic():
                    roles.restore_role(actor=actor, role=role)
            except REFUSALS as error:
                self.message_user(request, f"{role}: {refusal_text(error)}", messages.ERROR)
            else:
                restored += 1
        if restored:
            self.message_user(request, _("Restored: %d roles.") % restored, messages.SUCCESS)

    # --- Cloning and comparing ------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        return [*role_urls(self), *super().get_urls()]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        role = kwargs.get("obj")
        if role is not None and not role.is_deleted:
            context |= urls_of(role, may_add=self.has_add_permission(request))
        return super().render_change_form(request, context, *args, **kwargs)


@admin.register(RolePermission)
class RolePermissionAdmin(ReadOnlyAdmin):
    """Which role holds what; permissions are given and taken on the page of the role."""

    list_display = ("role", "permission", "granted_by", "granted_at", "reason")
    list_filter = ("role__scope", "role__is_system")
    list_select_related = ("role", "permission__content_type", "granted_by")
    search_fields = ("role__slug__startswith", "permission__codename")
    search_help_text = gettext_lazy(
        "The start of a role's slug, or part of a permission's codename."
    )
    ordering = ("-id",)
    empty_hint = gettext_lazy("Each permission that is put into a role is a line here.")
    sortable_by = ()
    fields = ("role", "permission", "granted_by", "granted_at", "reason")
    readonly_fields = fields
