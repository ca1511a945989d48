"""Permissions, in the admin."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.models import Group as DjangoGroup
from django.contrib.auth.models import Permission
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from authorization.labels import described, label_of
from core.admin_base import ReadOnlyAdmin

# Teams live in the groups app; Django's own groups grant nothing here.
admin.site.unregister(DjangoGroup)


@admin.register(Permission)
class PermissionAdmin(ReadOnlyAdmin):
    """To be looked up and picked; permissions come from the models."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Reached from the roles; a section of its own would only repeat their heading."""
        return False

    list_display = ("label", "readable", "module")
    list_select_related = ("content_type",)
    search_fields = ("codename", "name", "content_type__app_label", "content_type__model")
    empty_hint = _("Permissions come from the models; “manage.py migrate” makes them.")
    why_no_history = _(
        "A permission comes from the code and is never changed here. Who got it is in the history "
        "of the roles."
    )
    ordering = ("content_type__app_label", "content_type__model", "codename")
    sortable_by = ()
    fields = ("label", "readable", "module", "name", "content_type")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Permission]:
        return super().get_queryset(request).select_related("content_type")

    @admin.display(description=_("permission"))
    def label(self, permission: Permission) -> str:
        return label_of(permission)

    @admin.display(description=_("in words"))
    def readable(self, permission: Permission) -> str:
        return described([permission])[0].name

    @admin.display(description=_("module"))
    def module(self, permission: Permission) -> str:
        return described([permission])[0].module
