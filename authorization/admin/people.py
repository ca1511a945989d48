"""The page of a person: the roles that they hold everywhere, and who may never be switched off."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.forms import BaseInlineFormSet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from authorization.admin.formsets import ActorFormSetMixin, add_refusal
from authorization.models import RoleAssignment
from authorization.services import assignments
from authorization.services.administrators import keeping_an_administrator
from core.admin_fields import BaseInline
from core.errors import DomainError
from users.admin import UserAdmin
from users.models import User

# What somebody who runs the installation could lose on the page of a person.
MARKS = frozenset({"is_active", "is_superuser"})


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

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: Any) -> None:
        """Raise ``ConflictError`` for switching the last administrator off."""
        if not MARKS.intersection(form.changed_data):
            super().save_model(request, obj, form, change)
            return
        with keeping_an_administrator():
            super().save_model(request, obj, form, change)

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        with keeping_an_administrator():
            super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        with keeping_an_administrator():
            super().delete_queryset(request, queryset)

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
