"""The list of items and the page of one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from core.admin_base import short_id
from core.admin_filters import TextFilter
from core.admin_soft_delete import SoftDeleteAdmin
from core.text_search import matching
from items.admin.changes import CHANGES, ChangingMany
from items.admin.forms import ItemForm
from items.admin.moves import Moving
from items.admin.transfer import Transferring
from items.admin.versions import ShowingVersions
from items.models import SEARCHED, Item
from items.services import items as services


class OwnerFilter(TextFilter):
    title = _("owner")
    parameter_name = "owner_name"
    lookup = "owner__username__iexact"
    hint = _("A username")


class GroupFilter(TextFilter):
    title = _("group")
    parameter_name = "group_slug"
    lookup = "group__slug"
    hint = _("A slug, such as sales")

    def cleaned(self, term: str) -> str:
        return term.lower()


@admin.register(Item)
class ItemAdmin(ChangingMany, Transferring, ShowingVersions, Moving):
    change_list_template = "admin/items/item/change_list.html"
    change_form_template = "admin/items/item/change_form.html"
    list_display = ("name", "kind", "is_active", "owner", "group", "short", "updated_at")
    list_filter = ("kind", "is_active", OwnerFilter, GroupFilter)
    list_select_related = ("owner", "group")
    search_fields = ("name",)
    search_help_text = _('Words of a name or description, "a phrase", -not; or an id.')
    actions = (*CHANGES, "export_csv", "export_jsonl", *SoftDeleteAdmin.actions)
    ordering = ("-id",)
    empty_hint = _("Add the first item, or import a file of them.")
    sortable_by = ()
    form = ItemForm
    autocomplete_fields = ("owner", "group")
    fieldsets = (
        (None, {"fields": ("name", "kind", "is_active", "description", "tags", "version_read")}),
        (
            _("Owner"),
            {
                "fields": ("owner", "group"),
                "description": _("An item belongs to one person or to one group, never to both."),
            },
        ),
        (_("Data"), {"fields": ("data",)}),
        (_("Record"), {"fields": ("id", "version", "created_by", "created_at", "updated_at")}),
    )
    readonly_fields = ("id", "version", "created_by", "created_at", "updated_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Item | None = None) -> Any:
        """Whose it is changes by moving it, which has a page of its own."""
        return (*self.readonly_fields, "owner", "group") if obj else self.readonly_fields

    @admin.display(description=_("id"))
    def short(self, item: Item) -> str:
        return short_id(item.pk)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By the words that the index knows; what is being typed into a field, by its letters."""
        match = request.resolver_match
        term = search_term.replace("\0", "").strip()
        is_typing = match is not None and match.url_name == "autocomplete"
        if not term or is_typing or _is_key(term):
            return super().get_search_results(request, queryset, term)
        return matching(queryset, fields=SEARCHED, text=term), False

    def save_model(self, request: HttpRequest, obj: Item, form: Any, change: Any) -> None:
        actor: Any = request.user
        data = form.cleaned_data
        values = {name: data[name] for name in services.CHANGEABLE}
        if change:
            services.update_item(actor=actor, item=obj, version=data.get("version_read"), **values)
        else:
            made = services.create_item(
                actor=actor, owner=data["owner"], group=data["group"], **values
            )
            obj.pk = made.pk

    def delete_model(self, request: HttpRequest, obj: Item) -> None:
        actor: Any = request.user
        services.delete_item(actor=actor, item=obj)


def _is_key(term: str) -> bool:
    try:
        UUID(term)
    except ValueError:
        return False
    return True
