"""Groups and memberships in the admin."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from core.admin_base import BaseAdmin, short_id
from core.admin_json import JSONObjectField, TextListField
from core.admin_soft_delete import SoftDeleteAdmin, SoftDeleteForm
from core.errors import DomainError
from groups.models import Group, Membership
from groups.services import memberships as services


class GroupForm(SoftDeleteForm):
    tags = TextListField(required=False)
    settings = JSONObjectField(required=False)

    class Meta:
        model = Group
        fields = (
            "name", "slug", "description", "group_type", "owner", "is_public", "is_open",
            "is_active", "max_members", "tags", "settings",
        )  # fmt: skip

    def clean_max_members(self) -> int | None:
        limit: int | None = self.cleaned_data["max_members"]
        if limit is not None and limit < self.instance.member_count:
            text = _("The group has %d members already.")
            raise ValidationError(text % self.instance.member_count)
        return limit


@admin.register(Group)
class GroupAdmin(SoftDeleteAdmin):
    list_display = (
        "name", "slug", "group_type", "owner", "member_count", "is_active", "is_public", "short",
    )  # fmt: skip
    list_filter = ("group_type", "is_active", "is_public", "is_open", "is_system")
    list_select_related = ("owner",)
    search_fields = ("name", "slug__startswith")
    search_help_text = _("Part of a name, the start of a slug, or an id.")
    ordering = ("name", "id")
    sortable_by = ()
    form = GroupForm
    autocomplete_fields = ("owner",)
    prepopulated_fields = {"slug": ("name",)}
    deletion_note = _("Memberships stay and grant nothing until the group is restored.")
    fieldsets = (
        (None, {"fields": ("name", "slug", "description", "group_type", "owner", "tags")}),
        (
            _("Who gets in"),
            {"fields": ("is_active", "is_public", "is_open", "max_members", "member_count")},
        ),
        (_("Options"), {"fields": ("settings",), "classes": ("collapse",)}),
        (
            _("Record"),
            {"fields": ("id", "is_system", "created_by", "created_at", "updated_at", "see_also")},
        ),
    )
    readonly_fields = (
        "id", "is_system", "member_count", "created_by", "created_at", "updated_at", "see_also",
    )  # fmt: skip

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not (obj and obj.is_system)

    def get_readonly_fields(self, request: HttpRequest, obj: Group | None = None) -> Any:
        """Owning a group opens it altogether, so only superusers hand one over here."""
        if obj is None or request.user.is_superuser:
            return self.readonly_fields
        return (*self.readonly_fields, "owner")

    @admin.display(description=_("id"))
    def short(self, group: Group) -> str:
        return short_id(group.pk)

    def save_model(self, request: HttpRequest, obj: Group, form: Any, change: Any) -> None:
        if not change:
            obj.created_by_id = request.user.pk
        super().save_model(request, obj, form, change)


class MembershipForm(forms.ModelForm):  # type: ignore[type-arg]
    """Refuses what ``services.save_membership()`` would refuse, at the field that is to blame."""

    class Meta:
        model = Membership
        fields = ("group", "user", "role", "rank", "status", "expires_at")

    actor: Any = None

    def _post_clean(self) -> None:
        # A moment to go with "active" before the model's own checks ask for one.
        if self.cleaned_data.get("status") == "active":
            services.mark_joined(self.instance)
        super()._post_clean()  # type: ignore[misc]
        if not self.errors:
            try:
                services.refuse_membership(actor=self.actor, membership=self.instance)
            except DomainError as error:
                self.add_error(error.field if error.field in self.fields else None, error.message)


@admin.register(Membership)
class MembershipAdmin(BaseAdmin):
    list_display = ("user", "group", "role", "rank", "status", "joined_at", "expires_at")
    list_filter = ("status", "rank")
    list_select_related = ("user", "group", "role")
    search_fields = ("user__username__istartswith", "group__slug__startswith")
    search_help_text = _("The start of a username or of a group's slug.")
    ordering = ("-id",)
    sortable_by = ()
    form = MembershipForm
    autocomplete_fields = ("group", "user", "role")
    fieldsets = (
        (None, {"fields": ("group", "user", "role", "rank", "status", "expires_at")}),
        (
            _("Record"),
            {"fields": ("joined_at", "invited_by", "granted_by", "created_at", "updated_at")},
        ),
    )
    readonly_fields = ("joined_at", "invited_by", "granted_by", "created_at", "updated_at")

    def can_touch(self, request: HttpRequest, obj: Membership) -> bool:
        return not obj.group.is_deleted

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        return super().get_queryset(request).select_related("group", "user", "role")

    def get_readonly_fields(self, request: HttpRequest, obj: Membership | None = None) -> Any:
        return (*self.readonly_fields, "group", "user") if obj else self.readonly_fields

    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: Any) -> None:
        actor: Any = request.user
        services.save_membership(actor=actor, membership=obj)

    def delete_model(self, request: HttpRequest, obj: Membership) -> None:
        services.remove_memberships(Membership.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Membership]) -> None:
        services.remove_memberships(
            Membership.objects.filter(pk__in=list(queryset.values_list("pk", flat=True)))
        )
