"""Users in the admin: what staff change, and whose."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminURLFieldWidget
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import audit
from core.admin_soft_delete import SoftDeleteAdmin, SoftDeleteForm
from users.models import User
from users.services import can_manage


def history_of_user(user: Any) -> tuple[str, str]:
    """The address and the name of the page with what happened to somebody's account."""
    return reverse("admin:users_user_history", args=[user.pk]), _("History of %s") % user


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
    empty_hint = gettext_lazy(
        "People get an account by signing up, by an invitation, or by being added here."
    )
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
            {
                "fields": (
                    "id",
                    "last_login",
                    "created_at",
                    "updated_at",
                    "deletion_due_at",
                    "anonymised_at",
                    "see_also",
                )
            },
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
        "updated_at", "deletion_due_at", "anonymised_at", "see_also",
    )  # fmt: skip

    def can_touch(self, request: HttpRequest, obj: User) -> bool:
        return can_manage(request.user, obj)

    def has_restore_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Of an anonymised account there is nothing left to restore."""
        is_empty = obj is not None and obj.anonymised_at is not None
        return super().has_restore_permission(request, obj) and not is_empty

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
