"""Invitations by e-mail: sent by a form, sent again and taken back after a question."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from groups.admin.actions import ConfirmedAction, ConfirmedActionsAdmin
from groups.admin.forms import InvitationForm
from groups.models import Invitation
from groups.services import invitations as services

STATES = {
    "pending": _("Pending"),
    "expired": _("Expired"),
    "accepted": _("Accepted"),
    "declined": _("Declined"),
    "withdrawn": _("Withdrawn"),
}
CONFIRMED = {
    "resend": ConfirmedAction(
        _("Send again"),
        _(
            "A new link is mailed, and the one before stops working. From now on you are who "
            "invites: should you lose the right, the invitation is void."
        ),
        services.INVITE,
        lambda actor, row, _reason: services.resend_invitation(actor=actor, invitation=row),
        applies=lambda row: row.is_pending and row.group.is_active,
    ),
    "withdraw": ConfirmedAction(
        _("Withdraw"),
        _("The link stops working. The person is not told."),
        services.WITHDRAW,
        lambda actor, row, _reason: services.withdraw_invitation(actor=actor, invitation=row),
        applies=lambda row: row.is_pending,
        is_dangerous=True,
    ),
}


class StateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return STATES.items()

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.in_state(self.value()) if self.value() in STATES else queryset


@admin.register(Invitation)
class InvitationAdmin(ConfirmedActionsAdmin):
    """Sent, sent again, withdrawn; what was offered is not changed afterwards."""

    list_display = (
        "email", "group", "role", "rank", "shown_state", "sent_at", "sent_count", "expires_at",
    )  # fmt: skip
    list_filter = (StateFilter, "rank")
    list_select_related = ("group", "role")
    search_fields = ("email__istartswith", "group__slug__startswith")
    search_help_text = _("The start of an address or of a group's slug, or an id.")
    ordering = ("-id",)
    empty_hint = _("Those who run a group invite by e-mail address; staff can do it here.")
    sortable_by = ()
    form = InvitationForm
    autocomplete_fields = ("group", "role")
    actions: Any = ()
    confirmed = CONFIRMED
    fieldsets = (
        (None, {"fields": ("group", "email", "role", "rank", "membership_expires_at")}),
        (_("State"), {"fields": ("shown_state", "expires_at", "sent_at", "sent_count")}),
        (
            _("Record"),
            {
                "fields": (
                    "id", "invited_by", "accepted_by", "accepted_at", "declined_at",
                    "withdrawn_at", "created_at", "updated_at",
                )
            },
        ),
    )  # fmt: skip
    readonly_fields = (
        "shown_state", "expires_at", "sent_at", "sent_count", "id", "invited_by", "accepted_by",
        "accepted_at", "declined_at", "withdrawn_at", "created_at", "updated_at",
    )  # fmt: skip

    @admin.display(description=_("state"))
    def shown_state(self, invitation: Invitation) -> Any:
        return STATES[invitation.state]

    def can_touch(self, request: HttpRequest, obj: Invitation) -> bool:
        return not obj.group.is_deleted

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Invitation]:
        return super().get_queryset(request).select_related("group", "role")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        """The form has done it."""
