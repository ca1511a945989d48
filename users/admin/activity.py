"""The log of requests and sign-ins in the admin: to be read, never to be edited."""

from __future__ import annotations

from django.contrib import admin
from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy

from core.admin_base import ReadOnlyAdmin, short_id
from core.admin_changes import json_rows, moment
from users.models import SessionActivity


@admin.register(SessionActivity)
class SessionActivityAdmin(ReadOnlyAdmin):
    list_display = (
        "moment", "activity_type", "user", "method", "route", "status", "duration_ms",
        "client_ip", "in_session",
    )  # fmt: skip
    list_filter = ("activity_type",)
    list_select_related = ("user",)
    search_fields = ("user__username__iexact", "user__email__iexact")
    search_help_text = gettext_lazy("A username or an e-mail address, in full.")
    ordering = ("-id",)
    empty_hint = gettext_lazy(
        "Requests and sign-ins are noted here by themselves, a few seconds after they happen."
    )
    why_no_history = gettext_lazy("This is an entry of a log: it is written once, never changed.")
    sortable_by = ()
    fields = (
        "moment", "activity_type", "user", "session", "method", "route", "status",
        "duration_ms", "client_ip", "request_id", "details",
    )  # fmt: skip
    readonly_fields = fields

    @admin.display(description=gettext_lazy("when"))
    def moment(self, activity: SessionActivity) -> str:
        return moment(activity.occurred_at)

    @admin.display(description=gettext_lazy("session"))
    def in_session(self, activity: SessionActivity) -> str:
        return short_id(activity.session_id)

    @admin.display(description=gettext_lazy("details"))
    def details(self, activity: SessionActivity) -> str:
        rows = list(json_rows(activity.extra))
        return render_to_string("admin/json_rows.html", {"rows": rows})
