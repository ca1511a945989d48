"""Links to set a password and access tokens in the admin: never the secret itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authentication.models import APIToken, PasswordResetToken
from authentication.services.api_tokens import (
    create_api_token,
    refuse_past,
    refuse_unknown_scopes,
    revoke_api_token,
)
from authentication.services.password_resets import revoke_reset_tokens
from core.admin_base import BaseAdmin, ReadOnlyAdmin
from core.admin_json import TextListField
from core.errors import DomainError
from users.services import can_manage


class UsableFilter(admin.SimpleListFilter):
    title = gettext_lazy("state")
    parameter_name = "usable"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", _("Usable")), ("no", _("Used, revoked or expired"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        usable = queryset.model._default_manager.usable().values("pk")
        match self.value():
            case "yes":
                return queryset.filter(pk__in=usable)
            case "no":
                return queryset.exclude(pk__in=usable)
            case _:
                return queryset


@admin.register(PasswordResetToken)
class PasswordResetTokenAdmin(ReadOnlyAdmin):
    list_display = ("user", "email", "created_at", "expires_at", "used_at", "revoked_at")
    list_filter = (UsableFilter,)
    list_select_related = ("user",)
    search_fields = ("user__username__istartswith", "email__istartswith")
    search_help_text = gettext_lazy("The start of a username or e-mail address, or an id.")
    ordering = ("-id",)
    empty_hint = gettext_lazy(
        "Whoever asks for a link to set a new password gets a token with it, kept here for a while."
    )
    sortable_by = ()
    actions = ("revoke",)
    fields = (
        "user", "email", "created_at", "expires_at", "used_at", "revoked_at",
        "revocation_reason", "client_ip", "user_agent", "id",
    )  # fmt: skip
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[PasswordResetToken]:
        return super().get_queryset(request).defer("token_hash")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("authentication.change_passwordresettoken")

    def can_touch(self, request: HttpRequest, obj: Any) -> bool:
        return can_manage(request.user, obj.user)

    @admin.action(permissions=["revoke"], description=gettext_lazy("Revoke selected reset tokens"))
    def revoke(self, request: HttpRequest, queryset: QuerySet[PasswordResetToken]) -> None:
        actor: Any = request.user
        rows = self.touchable(request, queryset.select_related("user"))
        done = revoke_reset_tokens(rows, actor=actor, reason="Revoked by staff.")
        self.message_user(request, _("Reset tokens revoked: %d") % done, messages.SUCCESS)


class APITokenForm(forms.ModelForm):  # type: ignore[type-arg]
    scopes = TextListField(
        required=False,
        label=gettext_lazy("Scopes"),
        help_text=gettext_lazy(
            "One permission a line, such as items.view_item, to limit the token to; empty: "
            "everything that its owner may do."
        ),
    )

    class Meta:
        model = APIToken
        fields = ("user", "name", "scopes", "expires_at")

    actor: Any = None

    def clean_user(self) -> Any:
        user = self.cleaned_data["user"]
        if not can_manage(self.actor, user):
            raise ValidationError(
                _("A token acts as its owner, and this user has rights that you do not have.")
            )
        return user

    def clean_scopes(self) -> list[str]:
        scopes: list[str] = self.cleaned_data["scopes"]
        with refusal_as_form_error():
            refuse_unknown_scopes(scopes)
        return scopes

    def clean_expires_at(self) -> Any:
        expires_at = self.cleaned_data["expires_at"]
        with refusal_as_form_error():
            refuse_past(expires_at)
        return expires_at


@contextmanager
def refusal_as_form_error() -> Iterator[None]:
    try:
        yield
    except DomainError as error:
        raise ValidationError(error.message) from error


@admin.register(APIToken)
class APITokenAdmin(BaseAdmin):
    list_display = (
        "name", "prefix", "user", "created_at", "expires_at", "last_used_at", "is_usable",
    )  # fmt: skip
    list_filter = (UsableFilter,)
    list_select_related = ("user",)
    search_fields = ("user__username__istartswith", "name__istartswith", "prefix__startswith")
    search_help_text = gettext_lazy(
        "The start of the owner's username, of the token's name or of the token itself, or an id."
    )
    ordering = ("-id",)
    empty_hint = gettext_lazy(
        "People make tokens for programs on their page “Access tokens”; staff make one here."
    )
    sortable_by = ()
    actions = ("revoke",)
    form = APITokenForm
    autocomplete_fields = ("user",)
    fields = (
        "user", "name", "prefix", "scopes", "created_at", "expires_at", "last_used_at",
        "last_used_ip", "revoked_at", "id",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[APIToken]:
        return super().get_queryset(request).defer("token_hash")

    def get_fields(self, request: HttpRequest, obj: APIToken | None = None) -> Any:
        return self.fields if obj else ("user", "name", "scopes", "expires_at")

    def get_readonly_fields(self, request: HttpRequest, obj: APIToken | None = None) -> Any:
        return self.fields if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A token that was in use is revoked and stays in the list."""
        return False

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("authentication.change_apitoken")

    def can_touch(self, request: HttpRequest, obj: Any) -> bool:
        return can_manage(request.user, obj.user)

    @admin.display(description=gettext_lazy("usable"), boolean=True)
    def is_usable(self, token: APIToken) -> bool:
        return token.is_usable

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        actor: Any = request.user
        token, secret = create_api_token(
            actor=actor,
            user=obj.user,
            name=obj.name,
            scopes=obj.scopes,
            expires_at=obj.expires_at,
        )
        obj.pk, obj.prefix = token.pk, token.prefix
        text = _("Copy the token now, it is never shown again: {}")
        shown = format_html('<code class="tl-secret">{}</code>', secret)
        self.message_user(request, format_html(text, shown), messages.WARNING)

    @admin.action(permissions=["revoke"], description=gettext_lazy("Revoke selected tokens"))
    def revoke(self, request: HttpRequest, queryset: QuerySet[APIToken]) -> None:
        actor: Any = request.user
        rows = queryset.filter(revoked_at=None).select_related("user")
        tokens = [token for token in rows if can_manage(request.user, token.user)]
        for token in tokens:
            revoke_api_token(actor=actor, token=token)
        self.message_user(request, _("Tokens revoked: %d") % len(tokens), messages.SUCCESS)
