"""Devices in the admin: to look at, and no longer to be trusted."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import audit
from core.admin_base import ReadOnlyAdmin
from users.models import Device


@admin.register(Device)
class DeviceAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "user", "device_type", "last_seen_at", "last_ip", "trusted_until")
    list_filter = ("device_type", ("reported_at", admin.EmptyFieldListFilter))
    list_select_related = ("user",)
    search_fields = ("user__username__istartswith", "user__email__istartswith")
    search_help_text = gettext_lazy("The start of the owner's username or e-mail address.")
    ordering = ("-last_seen_at", "-id")
    sortable_by = ()
    actions = ("end_trust",)
    empty_hint = gettext_lazy("The first sign-in from a browser or an app adds its device.")
    fields = (
        "user", "name", "device_type", "browser", "os", "first_seen_at", "last_seen_at", "last_ip",
        "trusted_until", "reported_at", "id", "created_at", "updated_at", "see_also",
    )  # fmt: skip
    readonly_fields = fields

    def has_end_trust_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("users.change_device")

    @admin.action(
        permissions=["end_trust"],
        description=gettext_lazy("Stop trusting: ask for the second factor again"),
    )
    def end_trust(self, request: HttpRequest, queryset: QuerySet[Device]) -> None:
        trusted = Device.objects.filter(pk__in=queryset.values("pk"), trusted_until__isnull=False)
        done = audit.update(trusted, action="end_trust", trusted_until=None, trust_secret_hash="")
        self.message_user(request, _("No longer trusted: %d") % done, messages.SUCCESS)
