"""People, their devices, sessions and activity in the admin."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminURLFieldWidget
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import audit
from core.admin_base import ReadOnlyAdmin, short_id
from core.admin_changes import json_rows, moment
from core.admin_soft_delete import SoftDeleteAdmin, SoftDeleteForm
from users.models import Device, EndReason, SessionActivity, User, UserSession
from users.services import can_manage
from users.sessions import revoke_sessions


class UserForm(SoftDeleteForm):
    class Meta:
        model = User
        fields = ("username", "email")  # the admin names the rest
        labels = {
            "totp_required": gettext_lazy("Second factor required"),
            "timezone": gettext_lazy("Time zone"),
        }

    avatar_url = forms.URLField(
        label=gettext_lazy("Picture"),
        required=False,
        max_length=500,
        assume_scheme="https",
        help_text=User._meta.get_field("avatar_url").help_text,
        widget=AdminURLFieldWidget,
    )


@admin.register(User)
class UserAdmin(SoftDeleteAdmin):
    list_display = (
        "username", "email", "full_name", "is_active", "is_verified", "is_staff", "last_login",
    )  # fmt: skip
    list_filter = ("is_active", "is_verified", "is_staff", "is_superuser", "totp_required")
    search_fields = ("username__istartswith", "email__istartswith", "first_name", "last_name")
    search_help_text = gettext_lazy("The start of a username or e-mail address, a name, or an id.")
    ordering = ("-id",)
    sortable_by = ("username", "email", "last_login")
    form = UserForm
    actions = (*SoftDeleteAdmin.actions, "mark_verified", "withdraw_verification")
    deletion_note = gettext_lazy(
        "Roles, memberships, sessions, devices and tokens stay and grant nothing until the user is "
        "restored: nobody signs in with a deleted account."
    )
    fieldsets = (
        (None, {"fields": ("username", "email", "is_active")}),
        (
            gettext_lazy("Profile"),
            {"fields": ("first_name", "last_name", "avatar_url", "bio", "locale", "timezone")},
        ),
        (
            gettext_lazy("Access"),
            {
                "fields": ("is_staff", "is_superuser", "totp_required"),
                "description": gettext_lazy(
                    "Rights come from roles. Staff never set or see a password: they send a link, "
                    "and the owner sets it."
                ),
            },
        ),
        (
            gettext_lazy("Identity check"),
            {"fields": ("is_verified", "verified_at", "verified_by")},
        ),
        (
            gettext_lazy("Record"),
            {"fields": ("id", "last_login", "created_at", "updated_at", "see_also")},
        ),
    )
    add_fieldsets = (
        (
            None,
            {
                "fields": ("username", "email", "first_name", "last_name", "locale", "timezone"),
                "description": gettext_lazy(
                    "The account has no password. A link to set one is mailed to its owner; it "
                    "works once and for an hour."
                ),
            },
        ),
        (gettext_lazy("Access"), {"fields": ("is_staff", "is_superuser", "totp_required")}),
    )
    readonly_fields = (
        "id", "is_verified", "verified_at", "verified_by", "last_login", "created_at",
        "updated_at", "see_also",
    )  # fmt: skip

    def can_touch(self, request: HttpRequest, obj: User) -> bool:
        return can_manage(request.user, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Nobody deletes the account that they are signed in with."""
        return super().has_delete_permission(request, obj) and obj != request.user

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        return super().get_fieldsets(request, obj) if obj else self.add_fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Only superusers hand out staff and superuser marks, and nobody to themselves."""
        fields = set(self.readonly_fields)
        if not request.user.is_superuser:
            fields |= {"is_staff", "is_superuser"}
        if obj == request.user:
            fields |= {"is_active", "is_staff", "is_superuser"}
        return tuple(fields)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: Any) -> None:
        if not change:
            obj.set_unusable_password()
        super().save_model(request, obj, form, change)

    @admin.display(description=gettext_lazy("name"))
    def full_name(self, user: User) -> str:
        return f"{user.first_name} {user.last_name}".strip()

    @admin.action(permissions=["change"], description=gettext_lazy("Mark identity as verified"))
    def mark_verified(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        unverified = queryset.filter(is_deleted=False, is_verified=False)
        users = self.touchable(request, unverified.exclude(pk=str(request.user.pk)))
        done = audit.update(
            users,
            action="verify",
            is_verified=True,
            verified_by=request.user.pk,
            verified_at=timezone.now(),
        )
        self.message_user(request, _("Identity verified: %d") % done, messages.SUCCESS)

    @admin.action(permissions=["change"], description=gettext_lazy("Withdraw the identity check"))
    def withdraw_verification(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        users = self.touchable(request, queryset.filter(is_deleted=False, is_verified=True))
        done = audit.update(
            users, action="unverify", is_verified=False, verified_by=None, verified_at=None
        )
        self.message_user(request, _("Identity check withdrawn: %d") % done, messages.SUCCESS)


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


class OpenFilter(admin.SimpleListFilter):
    title = gettext_lazy("state")
    parameter_name = "open"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", _("Open")), ("no", _("Ended or expired"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        now = timezone.now()
        is_open = {"ended_at": None, "expires_at__gt": now, "idle_expires_at__gt": now}
        match self.value():
            case "yes":
                return queryset.filter(**is_open)
            case "no":
                return queryset.exclude(**is_open)
            case _:
                return queryset


@admin.register(UserSession)
class UserSessionAdmin(ReadOnlyAdmin):
    list_display = (
        "short", "user", "agent", "client_ip", "country", "last_activity_at", "is_open",
        "risk_score",
    )  # fmt: skip
    list_filter = (OpenFilter, "is_suspicious", "device_type")
    list_select_related = ("user",)
    search_fields = ("user__username__istartswith", "user__email__istartswith")
    search_help_text = gettext_lazy("The start of a username or e-mail address, or a session's id.")
    ordering = ("-last_activity_at", "-id")
    sortable_by = ()
    actions = ("end_selected",)
    fieldsets = (
        (None, {"fields": ("user", "login_method", "is_open", "ended_at", "end_reason")}),
        (
            gettext_lazy("Where from"),
            {
                "fields": (
                    "client_ip", "country", "city", "device", "device_type", "browser", "os",
                    "user_agent",
                )
            },
        ),
        (
            gettext_lazy("Use"),
            {
                "fields": (
                    "created_at", "last_activity_at", "request_count", "idle_expires_at",
                    "expires_at", "verified_factor_at",
                )
            },
        ),
        (gettext_lazy("Risk"), {"fields": ("risk_score", "is_suspicious")}),
        (gettext_lazy("Record"), {"fields": ("id", "updated_at", "see_also")}),
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[UserSession]:
        return super().get_queryset(request).defer("session_data", "key_hash")

    @admin.display(description=gettext_lazy("session"))
    def short(self, session: UserSession) -> str:
        return short_id(session.pk)

    @admin.display(description=gettext_lazy("browser"))
    def agent(self, session: UserSession) -> str:
        return " on ".join(filter(None, [session.browser, session.os]))

    @admin.display(description=gettext_lazy("open"), boolean=True)
    def is_open(self, session: UserSession) -> bool:
        now = timezone.now()
        return (
            session.ended_at is None and session.expires_at > now and session.idle_expires_at > now
        )

    def has_end_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("users.change_usersession")

    @admin.action(permissions=["end"], description=gettext_lazy("End selected sessions"))
    def end_selected(self, request: HttpRequest, queryset: QuerySet[UserSession]) -> None:
        rows = UserSession.objects.filter(pk__in=queryset.values("pk"))
        ended = revoke_sessions(rows, reason=EndReason.REVOKED_BY_STAFF)
        self.message_user(request, _("Sessions ended: %d") % ended, messages.SUCCESS)


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
