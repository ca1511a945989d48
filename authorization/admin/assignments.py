"""Who holds which role everywhere, in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import BaseInlineFormSet, ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from authorization.admin.formsets import ActorFormSetMixin, add_refusal
from authorization.models import RoleAssignment
from authorization.services import assignments, roles
from core.admin_base import REFUSALS, BaseAdmin, BaseInline
from core.errors import DomainError
from users.admin import UserAdmin
from users.models import User


class RoleAssignmentForm(ModelForm):  # type: ignore[type-arg]
    """Refuses what ``assignments.assign_role()`` would refuse, at the field that is to blame."""

    actor: User

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        user, role = (
            data.get("user", self.instance.user_id and self.instance.user),
            data.get("role"),
        )
        role = role or (self.instance.role if self.instance.role_id else None)
        if user and role and self.has_changed():
            try:
                assignments.refuse_assignment(actor=self.actor, user=user, role=role)
            except DomainError as error:
                add_refusal(self, error)
        return data


class RoleAssignmentFormSet(BaseInlineFormSet):  # type: ignore[type-arg]
    actor: User

    def clean(self) -> None:
        super().clean()
        for form in self.forms:
            role = form.cleaned_data.get("role") if form.is_valid() else None
            if role is None or form in self.deleted_forms or not form.has_changed():
                continue
            try:
                assignments.refuse_assignment(actor=self.actor, user=self.instance, role=role)
            except DomainError as error:
                add_refusal(form, error)


class RoleAssignmentInline(ActorFormSetMixin, BaseInline):
    model = RoleAssignment
    fk_name = "user"
    formset = RoleAssignmentFormSet
    fields = ("role", "expires_at", "reason", "granted_by", "granted_at")
    readonly_fields = ("granted_by", "granted_at")
    autocomplete_fields = ("role",)
    verbose_name = _("role")
    verbose_name_plural = _("roles")

    def get_queryset(self, request: HttpRequest) -> QuerySet[RoleAssignment]:
        return super().get_queryset(request).select_related("role", "granted_by", "user")


admin.site.unregister(User)


@admin.register(User)
class UserWithRolesAdmin(UserAdmin):
    """The page of a person, with the roles that they hold everywhere."""

    inlines = (RoleAssignmentInline,)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: Any) -> None:
        actor: Any = request.user
        added = formset.save(commit=False)
        for assignment in formset.deleted_objects:
            assignments.revoke_role(actor=actor, assignment=assignment)
        for assignment in added:
            assignments.assign_role(
                actor=actor,
                user=assignment.user,
                role=assignment.role,
                expires_at=assignment.expires_at,
                reason=assignment.reason,
            )


@admin.register(RoleAssignment)
class RoleAssignmentAdmin(BaseAdmin):
    list_display = ("user", "role", "granted_by", "granted_at", "expires_at", "reason")
    list_filter = ("role__is_active", ("expires_at", admin.EmptyFieldListFilter))
    list_select_related = ("user", "role", "granted_by")
    search_fields = ("user__username__istartswith", "user__email__istartswith", "role__slug")
    search_help_text = _("The start of a username or e-mail address, or a role's slug.")
    ordering = ("-granted_at", "-id")
    sortable_by = ()
    form = RoleAssignmentForm
    autocomplete_fields = ("user", "role")
    fields = ("user", "role", "expires_at", "reason", "granted_by", "granted_at")
    readonly_fields = ("granted_by", "granted_at")

    def can_touch(self, request: HttpRequest, obj: RoleAssignment) -> bool:
        actor: Any = request.user
        return actor.is_superuser or (obj.user_id != actor.pk and roles.can_grant(actor, obj.role))

    def get_readonly_fields(self, request: HttpRequest, obj: RoleAssignment | None = None) -> Any:
        """Of an assignment, only its end and its reason can be changed."""
        return (*self.readonly_fields, "user", "role") if obj else self.readonly_fields

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        actor: Any = request.user
        saved = assignments.assign_role(
            actor=actor,
            user=obj.user,
            role=obj.role,
            expires_at=obj.expires_at,
            reason=obj.reason,
        )
        obj.pk = saved.pk

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        actor: Any = request.user
        assignments.revoke_role(actor=actor, assignment=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        actor: Any = request.user
        refused = 0
        for assignment in queryset.select_related("user", "role"):
            try:
                assignments.revoke_role(actor=actor, assignment=assignment)
            except REFUSALS:
                refused += 1
        if refused:
            text = _("%d left alone: they hold more rights than you do.")
            self.message_user(request, text % refused, messages.WARNING)
