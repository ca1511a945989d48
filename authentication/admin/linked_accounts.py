"""Identities at other providers in the admin: to look at.

Who may link an identity for somebody may take the account over with it. The providers themselves
come from the environment, and no token is kept, so the tables for both stay hidden.
"""

from __future__ import annotations

from typing import Any

from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from core.admin_base import ReadOnlyAdmin
from users.admin.people import history_of_user

admin.site.unregister([SocialAccount, SocialApp, SocialToken])


class ProviderFilter(admin.SimpleListFilter):
    """Offers what is set up, without looking for all that the table holds."""

    title = gettext_lazy("provider")
    parameter_name = "provider"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return sorted(get_adapter().provider_names(request).items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(provider=self.value()) if self.value() else queryset


@admin.register(SocialAccount)
class SocialAccountAdmin(ReadOnlyAdmin):
    list_display = ("user", "provider", "uid", "date_joined", "last_login")
    list_filter = (ProviderFilter,)
    list_select_related = ("user",)
    search_fields = ("user__username__istartswith", "uid__exact")
    search_help_text = gettext_lazy("The start of a username, or a whole subject.")
    ordering = ("-id",)
    empty_hint = gettext_lazy(
        "People link an account of another provider on their own pages, where providers are set up."
    )
    why_no_history = gettext_lazy("Linking and unlinking are in the history of the owner.")
    sortable_by = ()
    fields = ("user", "provider", "uid", "date_joined", "last_login")
    readonly_fields = fields

    def history_elsewhere(self, obj: SocialAccount) -> tuple[str, str]:
        return history_of_user(obj.user)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("extra_data")
