"""The page of a group: what it is, who runs it, its newest members; never all of them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.apps import apps
from django.contrib import admin, messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.db import DEFAULT_DB_ALIAS, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.admin_base import short_id
from core.admin_fields import KeyAutocomplete
from core.admin_soft_delete import SoftDeleteAdmin
from core.errors import DomainError
from core.rows import all_rows
from core.soft_delete import is_soft_deleted
from groups.admin.actions import ConfirmedAction, ConfirmedActionsAdmin
from groups.admin.forms import GroupForm
from groups.models import Group
from groups.services import groups as services
from groups.services.members import add_member
from groups.services.ownership import transfer_ownership
from users.models import User

NEWEST = 10


class TransferForm(forms.Form):
    """To whom a group is handed over; whoever is no member yet becomes one first."""

    to = forms.ModelChoiceField(User.objects.none(), label=gettext_lazy("New owner"))

    def __init__(self, *args: Any, group: Group, actor: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.group, self.actor = group, actor
        field: Any = self.fields["to"]
        field.queryset = User.objects.active()
        field.widget = KeyAutocomplete(Group._meta.get_field("owner"), admin.site)
        field.widget.choices = field.choices

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors:
            try:
                self._hand_over(cleaned["to"])
            except DomainError as error:
                self.add_error("to" if error.field == "to" else None, error.message)
        return cleaned

    @transaction.atomic
    def _hand_over(self, to: User) -> None:
        if not self.group.memberships.in_force().filter(user=to).exists():
            add_member(actor=self.actor, group=self.group, user=to)
        transfer_ownership(actor=self.actor, group=self.group, to=to)


@admin.register(Group)
class GroupAdmin(ConfirmedActionsAdmin, SoftDeleteAdmin):
    list_display = (
        "name", "slug", "group_type", "owner", "member_count", "is_active", "is_public", "short",
    )  # fmt: skip
    list_filter = ("group_type", "is_active", "is_public", "is_open", "is_system")
    list_select_related = ("owner",)
    search_fields = ("name", "slug__startswith")
    search_help_text = gettext_lazy("Part of a name, the start of a slug, or an id.")
    ordering = ("name", "id")
    empty_hint = gettext_lazy("People make groups by the API; staff can make one here.")
    sortable_by = ()
    form: Any = GroupForm
    change_form_template = "admin/groups/group/change_form.html"
    autocomplete_fields = ("owner",)
    prepopulated_fields = {"slug": ("name",)}
    deletion_note = gettext_lazy("Memberships stay and grant nothing until the group is restored.")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "name", "slug", "description", "group_type", "owner", "tags", "read_version",
                )
            },
        ),
        (gettext_lazy("Who gets in"), {"fields": ("is_public", "is_open", "max_members")}),
        (gettext_lazy("Members"), {"fields": ("member_count", "newest_members")}),
        (gettext_lazy("Options"), {"fields": ("settings",), "classes": ("collapse",)}),
        (
            gettext_lazy("Record"),
            {
                "fields": (
                    "id", "is_active", "is_system", "version", "created_by", "created_at",
                    "updated_at", "see_also",
                )
            },
        ),
    )  # fmt: skip
    readonly_fields = (
        "id", "is_active", "is_system", "version", "member_count", "newest_members", "created_by",
        "created_at", "updated_at", "see_also",
    )  # fmt: skip
    confirmed = {
        "archive": ConfirmedAction(
            gettext_lazy("Archive"),
            gettext_lazy(
                "An archived group grants its members nothing and nobody can join it. Its items "
                "stay, and its owner or staff can bring it back."
            ),
            services.DELETE_GROUP,
            lambda actor, group, _reason: services.archive_group(actor=actor, group=group),
            applies=lambda group: group.is_active and not group.is_deleted and not group.is_system,
            is_dangerous=True,
        ),
        "unarchive": ConfirmedAction(
            gettext_lazy("Bring back from the archive"),
            gettext_lazy("Its members have their rights again."),
            services.DELETE_GROUP,
            lambda actor, group, _reason: services.unarchive_group(actor=actor, group=group),
            applies=lambda group: not group.is_active and not group.is_deleted,
        ),
    }

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not (obj and obj.is_system)

    def get_readonly_fields(self, request: HttpRequest, obj: Group | None = None) -> Any:
        """The owner is chosen once; later the group is handed over on a page of its own."""
        return self.readonly_fields if obj is None else (*self.readonly_fields, "owner")

    @admin.display(description=gettext_lazy("id"))
    def short(self, group: Group) -> str:
        return short_id(group.pk)

    @admin.display(description=gettext_lazy("newest members"))
    def newest_members(self, group: Group) -> str:
        """One bounded query, however many there are; the list has them all."""
        rows = group.memberships.filter(status="active").select_related("user", "role")
        url = reverse("admin:groups_membership_changelist")
        return render_to_string(
            "admin/groups/newest_members.html",
            {
                "rows": rows.order_by("-id")[:NEWEST],
                "members_url": f"{url}?group__id__exact={group.pk}",
                "requests_url": f"{url}?group__id__exact={group.pk}&status__exact=requested",
            },
        )

    def tools_for(self, request: HttpRequest, row: Group) -> list[tuple[Any, str]]:
        tools = super().tools_for(request, row)
        if row.is_deleted:
            return tools
        if request.user.has_perm("groups.add_membership"):
            url = f"{reverse('admin:groups_membership_add')}?group={row.pk}"
            tools.append((_("Add a member"), url))
        if request.user.has_perm("groups.add_invitation") and row.is_active:
            tools.append((_("Invite"), f"{reverse('admin:groups_invitation_add')}?group={row.pk}"))
        if self.has_change_permission(request, row):
            tools.append((_("Hand over"), reverse("admin:groups_group_transfer", args=[row.pk])))
        return tools

    # --- Writing ----------------------------------------------------------------------------

    def save_model(self, request: HttpRequest, obj: Group, form: Any, change: Any) -> None:
        """The form has done it."""

    def delete_model(self, request: HttpRequest, obj: Group) -> None:
        actor: Any = request.user
        services.delete_group(actor=actor, group=obj)

    @transaction.atomic
    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for group in queryset:
            self.delete_model(request, group)

    def restore_rows(self, request: HttpRequest, rows: Any) -> tuple[int, dict[str, int]]:
        """Each by the service; all of them or none."""
        actor: Any = request.user
        groups = [group for group in rows if group.is_deleted]
        along = sum(_rows_gone_along(group) for group in groups)
        with transaction.atomic():
            for group in groups:
                services.restore_group(actor=actor, group=group)
        return len(groups) + along, {self.opts.label: len(groups)}

    # --- Handing over -------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        transfer = path(
            "<path:object_id>/transfer/",
            self.admin_site.admin_view(self.transfer_view),
            name="groups_group_transfer",
        )
        return [transfer, *super().get_urls()]

    def transfer_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Choose the new owner. The old one stays in the group."""
        group = self.get_object(request, unquote(object_id))
        if group is None:
            return self.not_found(request, object_id)
        if not self.has_change_permission(request, group):
            raise PermissionDenied
        form = TransferForm(request.POST or None, group=group, actor=request.user)
        if request.method == "POST" and form.is_valid():
            text = _("%(group)s belongs to %(owner)s now.")
            values = {"group": group, "owner": form.cleaned_data["to"]}
            self.message_user(request, text % values, messages.SUCCESS)
            return HttpResponseRedirect(self.page_of(quote(group.pk)))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Hand over"),
            "opts": self.opts,
            "original": group,
            "form": form,
            "media": self.media + form.media,
        }
        return TemplateResponse(request, "admin/groups/group/transfer.html", context)


def _rows_gone_along(group: Group) -> int:
    """How many rows went with the deletion of the group, itself left out."""
    models = [model for model in apps.get_models() if is_soft_deleted(model)]
    gone = sum(
        all_rows(model, DEFAULT_DB_ALIAS).filter(deletion_id=group.deletion_id).count()
        for model in models
    )
    return gone - 1
