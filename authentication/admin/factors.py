"""Second factors in the admin: to look at, to unlock, to remove; never a secret."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authentication.models import BackupCodeDevice, TOTPDevice
from authentication.services.second_factors import remove_factor, unlock_factors
from core.admin_base import BaseAdmin
from users.models import User
from users.services import can_manage


class SecondFactorAdmin(BaseAdmin):
    """A second factor belongs to its owner; staff can remove one that is lost."""

    list_select_related = ("user",)
    search_fields = ("user__username__istartswith", "user__email__istartswith")
    search_help_text = gettext_lazy("The start of the owner's username or e-mail address.")
    ordering = ("-id",)
    sortable_by = ()
    actions = ("unlock",)

    def can_touch(self, request: HttpRequest, obj: Any) -> bool:
        return can_manage(request.user, obj.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """As its owner would remove it: sessions and backup codes follow, and the owner is told."""
        actor: Any = request.user
        with transaction.atomic():
            for device in queryset.select_related("user"):
                remove_factor(actor=actor, device=device)

    def has_unlock_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("authentication.change_totpdevice")

    @admin.action(
        permissions=["unlock"], description=gettext_lazy("Unlock all factors of the owners")
    )
    def unlock(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        actor: Any = request.user
        rows = self.touchable(request, queryset.select_related("user"))
        owners = User.objects.filter(pk__in=rows.values("user"))
        done = sum(unlock_factors(actor=actor, user=user) for user in owners)
        self.message_user(request, _("Second factors unlocked: %d") % done, messages.SUCCESS)


@admin.register(TOTPDevice)
class TOTPDeviceAdmin(SecondFactorAdmin):
    empty_hint = gettext_lazy("People add an authenticator app on their page “Second factors”.")
    list_display = ("user", "name", "confirmed", "throttling_failure_count", "created_at")
    list_filter = ("confirmed",)
    fields = (
        "user", "name", "confirmed", "throttling_failure_count", "throttling_failure_timestamp",
        "created_at", "updated_at",
    )  # fmt: skip
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[TOTPDevice]:
        return super().get_queryset(request).defer("secret")


@admin.register(BackupCodeDevice)
class BackupCodeDeviceAdmin(SecondFactorAdmin):
    empty_hint = gettext_lazy("Whoever adds a first second factor gets backup codes with it.")
    list_display = ("user", "confirmed", "codes_left", "throttling_failure_count", "created_at")
    list_filter = ("confirmed",)
    fields = (
        "user", "confirmed", "codes_left", "throttling_failure_count",
        "throttling_failure_timestamp", "created_at", "updated_at",
    )  # fmt: skip
    readonly_fields = fields

    @admin.display(description=gettext_lazy("codes left"))
    def codes_left(self, device: BackupCodeDevice) -> str:
        return f"{device.unused} of {len(device.codes)}"
