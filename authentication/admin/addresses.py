"""E-mail addresses in the admin."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.contrib import admin
from django.utils.translation import gettext_lazy

from core.admin_base import ReadOnlyAdmin
from users.admin.people import history_of_user

admin.site.unregister(EmailAddress)


@admin.register(EmailAddress)
class EmailAddressAdmin(ReadOnlyAdmin):
    """To look at. Who may verify an address for somebody may take the account over with it."""

    list_display = ("email", "user", "primary", "verified")
    list_filter = ("primary", "verified")
    list_select_related = ("user",)
    search_fields = ("email__istartswith", "user__username__istartswith")
    search_help_text = gettext_lazy("The start of an e-mail address or a username.")
    ordering = ("-id",)
    empty_hint = gettext_lazy("An address is kept here when somebody signs up or changes theirs.")
    why_no_history = gettext_lazy("What happens to an address is in the history of its owner.")
    sortable_by = ()
    fields = ("email", "user", "primary", "verified")
    readonly_fields = fields

    def history_elsewhere(self, obj: EmailAddress) -> tuple[str, str]:
        return history_of_user(obj.user)
