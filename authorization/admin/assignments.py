"""Who holds which role everywhere, in the admin."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import model_ngettext
from django.contrib.admin.widgets import AdminSplitDateTime
from django.db import transaction
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from authorization.admin.formsets import add_refusal
from authorization.models import AssignmentState, RoleAssignment
from authorization.services import assignments, roles
from core.admin_base import REFUSALS, BaseAdmin, refusal_text
from core.errors import DomainError
from users.models import User
from users.services import can_manage

SET_END = "admin/authorization/roleassignment/set_end.html"
SHOWN = 20
SOON = timedelta(days=14)


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


class StateFilter(admin.SimpleListFilter):
    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [*AssignmentState.choices, ("ending", _("Ends within 14 days"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        value = self.value()
        if value == "ending":
            return queryset.in_force().filter(expires_at__lt=timezone.now() + SOON)
        if value in AssignmentState.values:
            return queryset.in_state(AssignmentState(value))
        return queryset


class EndForm(forms.Form):
    expires_at = forms.SplitDateTimeField(
        label=gettext_lazy("Ends at"),
        required=False,
        widget=AdminSplitDateTime,
        help_text=gettext_lazy("In UTC. Left empty, they are held for good."),
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        required=False,
        max_length=200,
        help_text=gettext_lazy("Left empty, each keeps the reason that it has."),
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )


@admin.register(RoleAssignment)
class RoleAssignmentAdmin(BaseAdmin):
    list_display = (
        "user", "role", "state", "expires_at", "granted_by", "granted_at", "reason",
    )  # fmt: skip
    list_filter = (StateFilter, "role__is_system", "role__totp_required")
    list_select_related = ("user", "role", "granted_by")
    search_fields = ("user__username__istartswith", "user__email__istartswith", "role__slug")
    search_help_text = gettext_lazy("The start of a username or e-mail address, or a role's slug.")
    ordering = ("-granted_at", "-id")
    empty_hint = gettext_lazy(
        "Whoever is given a role that holds everywhere. Roles in a group are memberships."
    )
    sortable_by = ()
    actions: Any = ("delete_selected", "set_end")
    form = RoleAssignmentForm
    autocomplete_fields = ("user", "role")
    fields = ("user", "role", "expires_at", "reason", "state", "granted_by", "granted_at")
    readonly_fields = ("state", "granted_by", "granted_at")

    @admin.display(description=gettext_lazy("state"))
    def state(self, assignment: RoleAssignment) -> str:
        return str(assignment.state.label if assignment.role_id else self.empty_value_display)

    def can_touch(self, request: HttpRequest, obj: RoleAssignment) -> bool:
        actor: Any = request.user
        return actor.is_superuser or (
            obj.user_id != actor.pk
            and roles.can_grant(actor, obj.role)
            and can_manage(actor, obj.user)
        )

    def get_readonly_fields(self, request: HttpRequest, obj: RoleAssignment | None = None) -> Any:
        """Of an assignment, only its end and its reason can be changed."""
        return (*self.readonly_fields, "user", "role") if obj else self.readonly_fields

    # --- One --------------------------------------------------------------------------------

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        actor: Any = request.user
        if change:
            names = assignments.CHANGEABLE.intersection(form.changed_data)
            changes = {name: form.cleaned_data[name] for name in names}
            assignments.change_assignment(actor=actor, assignment=obj, **changes)
            return
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

    # --- Several ----------------------------------------------------------------------------

    def get_actions(self, request: HttpRequest) -> Any:
        """To delete an assignment is to revoke it."""
        actions: Any = super().get_actions(request)
        if "delete_selected" in actions:
            run, name, _text = actions["delete_selected"]
            actions["delete_selected"] = (run, name, _("Revoke selected role assignments"))
        return actions

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """The names of some: nothing hangs on an assignment, and there may be many."""
        chosen = list(objs)
        names = [str(assignment) for assignment in chosen[:SHOWN]]
        if len(chosen) > SHOWN:
            names.append(_("and %d more") % (len(chosen) - SHOWN))
        lacking = set() if self.has_delete_permission(request) else {str(self.opts.verbose_name)}
        counts = {str(model_ngettext(self.opts, len(chosen))): len(chosen)}
        return names, counts, lacking, []

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        actor: Any = request.user
        self._each(
            request,
            queryset,
            lambda assignment: assignments.revoke_role(actor=actor, assignment=assignment),
        )

    @admin.action(
        permissions=["change"],
        description=gettext_lazy("Set the end of selected role assignments…"),
    )
    def set_end(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Ask for the end, then set it for each; what is refused is told and left alone."""
        form = EndForm(request.POST if "confirmed" in request.POST else None)
        if not form.is_valid():
            context = {
                **self.admin_site.each_context(request),
                "title": _("Set the end of role assignments"),
                "form": form,
                "rows": queryset,
                "shown": queryset[:SHOWN],
                "opts": self.opts,
                "media": self.media + form.media,
                "checkbox_name": ACTION_CHECKBOX_NAME,
            }
            return TemplateResponse(request, SET_END, context)
        changes = {"expires_at": form.cleaned_data["expires_at"]}
        if form.cleaned_data["reason"]:
            changes["reason"] = form.cleaned_data["reason"]
        actor: Any = request.user
        done = self._each(
            request,
            queryset,
            lambda assignment: assignments.change_assignment(
                actor=actor, assignment=assignment, **changes
            ),
        )
        if done:
            self.message_user(request, _("The end was set: %d") % done, messages.SUCCESS)
        return None

    def _each(self, request: HttpRequest, rows: QuerySet[Any], run: Any) -> int:
        """Do it for each of ``rows``; answer for how many, and tell why not for the others."""
        refused: dict[str, int] = {}
        done = 0
        for assignment in rows.select_related("user", "role"):
            try:
                with transaction.atomic():
                    run(assignment)
                done += 1
            except REFUSALS as error:
                text = refusal_text(error)
                refused[text] = refused.get(text, 0) + 1
        for text, count in list(refused.items())[:SHOWN]:
            told = _("%(count)d left alone: %(why)s") % {"count": count, "why": text}
            self.message_user(request, told, messages.WARNING)
        return done
