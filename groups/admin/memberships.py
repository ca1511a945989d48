"""Members of groups: added and changed by a form, let in and put out after a question."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from core.errors import DomainError
from groups.admin.actions import ConfirmedAction, ConfirmedActionsAdmin
from groups.admin.forms import MembershipForm
from groups.models import Membership, MembershipStatus
from groups.services import members as services


def _has(*states: MembershipStatus) -> Any:
    return lambda row: row.status in states


def _ban(actor: Any, row: Membership, reason: str) -> object:
    return services.ban_member(actor=actor, group=row.group, user=row.user, reason=reason)


def _remove(actor: Any, row: Membership, reason: str) -> object:
    if not reason:
        raise DomainError("Say why: the member and the audit trail keep it.", field="reason")
    return services.remove_member(actor=actor, membership=row, reason=reason)


CONFIRMED = {
    "approve": ConfirmedAction(
        _("Approve"),
        _("They become members, with the role that the group gives to whoever joins."),
        "groups.add_membership",
        lambda actor, row, _reason: services.approve_request(actor=actor, membership=row),
        applies=_has(MembershipStatus.REQUESTED),
    ),
    "decline": ConfirmedAction(
        _("Decline"),
        _("Their request to join is refused; they can ask again."),
        "groups.add_membership",
        lambda actor, row, _reason: services.decline_request(actor=actor, membership=row),
        applies=_has(MembershipStatus.REQUESTED),
    ),
    "remove": ConfirmedAction(
        _("Remove"),
        _("They lose what the membership gave them, at once. They can join or ask again."),
        "groups.delete_membership",
        _remove,
        applies=_has(MembershipStatus.ACTIVE, MembershipStatus.INVITED, MembershipStatus.REQUESTED),
        asks_reason=True,
        needs_reason=True,
        is_dangerous=True,
    ),
    "ban": ConfirmedAction(
        _("Ban"),
        _("They are removed and cannot come back until the ban is lifted, by no invitation."),
        "groups.delete_membership",
        _ban,
        applies=lambda row: row.status != MembershipStatus.BANNED,
        asks_reason=True,
        needs_reason=True,
        is_dangerous=True,
    ),
    "unban": ConfirmedAction(
        _("Lift the ban"),
        _("They can join or ask again; they are no members by this."),
        "groups.delete_membership",
        lambda actor, row, _reason: services.unban_member(actor=actor, membership=row),
        applies=_has(MembershipStatus.BANNED),
    ),
}


@admin.register(Membership)
class MembershipAdmin(ConfirmedActionsAdmin):
    """Rows stay when somebody leaves or is removed: nothing is deleted here."""

    list_display = ("user", "group", "role", "rank", "status", "joined_at", "expires_at")
    list_filter = ("status", "rank")
    list_select_related = ("user", "group", "role")
    search_fields = ("user__username__istartswith", "group__slug__startswith")
    search_help_text = _("The start of a username or of a group's slug.")
    ordering = ("-id",)
    empty_hint = _("Whoever joins a group, asks to, or is added to one, becomes a member here.")
    sortable_by = ()
    form = MembershipForm
    autocomplete_fields = ("group", "user", "role")
    actions: Any = ()
    confirmed = CONFIRMED
    fieldsets = (
        (None, {"fields": ("group", "user", "role", "rank", "status", "expires_at", "reason")}),
        (
            _("Record"),
            {"fields": ("joined_at", "invited_by", "granted_by", "created_at", "updated_at")},
        ),
    )
    readonly_fields = (
        "status", "joined_at", "invited_by", "granted_by", "created_at", "updated_at",
    )  # fmt: skip

    def can_touch(self, request: HttpRequest, obj: Membership) -> bool:
        return not obj.group.is_deleted

    def has_change_permission(self, request: HttpRequest, obj: Membership | None = None) -> bool:
        """Who is no member any more is shown as they were."""
        return super().has_change_permission(request, obj) and (
            obj is None or obj.status == MembershipStatus.ACTIVE
        )

    def has_delete_permission(self, request: HttpRequest, obj: Membership | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        return super().get_queryset(request).select_related("group", "user", "role")

    def get_readonly_fields(self, request: HttpRequest, obj: Membership | None = None) -> Any:
        return (*self.readonly_fields, "group", "user") if obj else self.readonly_fields

    def get_fieldsets(self, request: HttpRequest, obj: Membership | None = None) -> Any:
        if obj is not None:
            return super().get_fieldsets(request, obj)
        return [(None, {"fields": ("group", "user", "role", "rank", "expires_at", "reason")})]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        """The form has done it."""
