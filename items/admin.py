"""Items in the admin."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from core.admin_base import short_id
from core.admin_json import JSONObjectField, TextListField
from core.admin_soft_delete import SoftDeleteAdmin, SoftDeleteForm
from items.models import Item
from items.services import items as services


class ItemForm(SoftDeleteForm):
    tags = TextListField(required=False)
    data = JSONObjectField(required=False)  # type: ignore[assignment]
    version_read = forms.IntegerField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = Item
        fields = ("name", "kind", "is_active", "owner", "group", "description", "tags", "data")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            self.initial["version_read"] = self.instance.version

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if "owner" in data and "group" in data and bool(data["owner"]) == bool(data["group"]):
            text = _("Choose either a person or a group as the owner.")
            self.add_error("owner", ValidationError(text, code="one_owner"))
        read = data.get("version_read")
        if read is not None and read != self.instance.version:
            raise ValidationError(
                _("Somebody changed this item while you were editing it. Open it again.")
            )
        return data

    def validate_constraints(self) -> None:
        """The rule of one owner is said once, by ``clean()``."""
        if not self.has_error("owner", "one_owner"):
            super().validate_constraints()


@admin.register(Item)
class ItemAdmin(SoftDeleteAdmin):
    list_display = ("name", "kind", "is_active", "owner", "group", "short", "updated_at")
    list_filter = ("kind", "is_active")
    list_select_related = ("owner", "group")
    search_fields = ("name",)
    search_help_text = _("Part of a name, or an id.")
    ordering = ("-id",)
    sortable_by = ()
    form = ItemForm
    autocomplete_fields = ("owner", "group")
    fieldsets = (
        (None, {"fields": ("name", "kind", "is_active", "description", "tags", "version_read")}),
        (
            _("Owner"),
            {
                "fields": ("owner", "group"),
                "description": _(
                    "An item belongs to one person or to one group, never to both, and stays there."
                ),
            },
        ),
        (_("Data"), {"fields": ("data",)}),
        (_("Record"), {"fields": ("id", "version", "created_by", "created_at", "updated_at")}),
    )
    readonly_fields = ("id", "version", "created_by", "created_at", "updated_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Item | None = None) -> Any:
        return (*self.readonly_fields, "owner", "group") if obj else self.readonly_fields

    @admin.display(description=_("id"))
    def short(self, item: Item) -> str:
        return short_id(item.pk)

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
