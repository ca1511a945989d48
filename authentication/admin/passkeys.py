"""Passkeys in the admin: to look at, and to remove one that is lost. Never key material."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from authentication.admin.factors import SecondFactorAdmin
from authentication.passkeys.credentials import Passkey


@admin.register(Passkey)
class PasskeyAdmin(SecondFactorAdmin):
    empty_hint = gettext_lazy("People add a passkey on their page “Second factors”.")
    list_display = ("user", "name", "confirmed", "backup_state", "last_used_at", "created_at")
    list_filter = ("confirmed",)
    fields = (
        "user", "name", "confirmed", "aaguid", "transports", "discoverable", "backup_eligible",
        "backup_state", "sign_count", "last_used_at", "created_at",
    )  # fmt: skip
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("public_key", "credential_id")
