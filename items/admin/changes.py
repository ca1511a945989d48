"""Changing many items at once: what is chosen in the list, confirmed, in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from core.admin_base import REFUSALS, refusal_text
from core.admin_soft_delete import SHOWN, SoftDeleteAdmin, StateFilter
from items.admin.forms import GroupForm, KindForm
from items.models import Item
from items.services.bulk import BulkError, Op, Operation, run_operations
from items.services.items import restore_item
from items.services.moving import move_item

MOST_REASONS = 5
CHANGES = ("set_kind", "activate", "deactivate", "move_to_group")
Change = Callable[[Any, list[Item], dict[str, Any]], object]


class ChangingMany(SoftDeleteAdmin):
    def get_actions(self, request: HttpRequest) -> Any:
        """What is deleted is not changed, so a list of it offers no more than to restore it."""
        actions = super().get_actions(request)
        if request.GET.get(StateFilter.parameter_name) == "deleted":
            return {name: action for name, action in actions.items() if name not in CHANGES}
        return actions

    @admin.action(
        permissions=["change"], description=gettext_lazy("Set the kind of selected items")
    )
    def set_kind(self, request: HttpRequest, queryset: QuerySet[Item]) -> HttpResponse | None:
        return self._change(
            request, queryset, "set_kind", _("Set the kind"), _update, form_class=KindForm
        )

    @admin.action(permissions=["change"], description=gettext_lazy("Put selected items into use"))
    def activate(self, request: HttpRequest, queryset: QuerySet[Item]) -> HttpResponse | None:
        return self._change(
            request, queryset, "activate", _("Put items into use"), _update, is_active=True
        )

    @admin.action(
        permissions=["change"], description=gettext_lazy("Take selected items out of use")
    )
    def deactivate(self, request: HttpRequest, queryset: QuerySet[Item]) -> HttpResponse | None:
        return self._change(
            request, queryset, "deactivate", _("Take items out of use"), _update, is_active=False
        )

    @admin.action(
        permissions=["delete"], description=gettext_lazy("Move selected items to a group")
    )
    def move_to_group(self, request: HttpRequest, queryset: QuerySet[Item]) -> HttpResponse | None:
        return self._change(
            request, queryset, "move_to_group", _("Move items"), _move, form_class=GroupForm
        )

    @admin.action(permissions=["restore"], description=gettext_lazy("Restore selected items"))
    def restore_selected(
        self, request: HttpRequest, queryset: QuerySet[Item]
    ) -> HttpResponse | None:
        if "confirmed" in request.POST:
            return super().restore_selected(request, queryset)
        rows = queryset.filter(is_deleted=True)
        return self._confirmation(request, rows, "restore_selected", _("Restore items"), None)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Item]) -> None:
        alive = queryset.filter(is_deleted=False)
        _run(request.user, [Operation(Op.DELETE, item=key) for key in _keys(alive)])

    def restore_rows(self, request: HttpRequest, rows: Any) -> tuple[int, dict[str, int]]:
        """By the services, which keep owners and groups from being deleted meanwhile."""
        items = list(rows.filter(is_deleted=True).order_by("pk"))
        actor: Any = request.user
        if len(items) == 1:
            restore_item(actor=actor, item=items[0])
        else:
            _run(actor, [Operation(Op.RESTORE, item=item.pk) for item in items])
        return len(items), {Item._meta.label: len(items)}

    def _change(
        self,
        request: HttpRequest,
        queryset: QuerySet[Item],
        name: str,
        title: str,
        change: Change,
        *,
        form_class: type[forms.Form] = forms.Form,
        **values: Any,
    ) -> HttpResponse | None:
        """Ask first; then change all of the live ones, or none and say why."""
        is_confirmed = "confirmed" in request.POST
        form = form_class(request.POST if is_confirmed else None)
        rows = queryset.filter(is_deleted=False).order_by("pk")
        if not is_confirmed or not form.is_valid():
            return self._confirmation(request, rows, name, title, form)
        items = list(rows)
        try:
            with transaction.atomic():
                change(request.user, items, form.cleaned_data | values)
        except REFUSALS as error:
            self.message_user(request, refusal_text(error), messages.ERROR)
            return None
        text = ngettext("%d item was changed.", "%d items were changed.", len(items))
        self.message_user(request, text % len(items), messages.SUCCESS)
        return None

    def _confirmation(
        self,
        request: HttpRequest,
        rows: QuerySet[Item],
        name: str,
        title: str,
        form: forms.Form | None,
    ) -> HttpResponse | None:
        keys = _keys(rows)
        if not keys:
            self.message_user(request, _("Nothing was to be done."), messages.WARNING)
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "action": name,
            "form": form,
            "names": [str(item) for item in rows[:SHOWN]],
            "more": max(0, len(keys) - SHOWN),
            "keys": keys,
            "checkbox_name": ACTION_CHECKBOX_NAME,
            "opts": self.opts,
            "media": self.media + (form.media if form else forms.Media()),
            "submit": title,
        }
        return TemplateResponse(request, "admin/items/item/form.html", context)


def _keys(rows: QuerySet[Item]) -> list[Any]:
    return list(rows.order_by("pk").values_list("pk", flat=True))


def _update(actor: Any, items: list[Item], values: dict[str, Any]) -> None:
    _run(actor, [Operation(Op.UPDATE, item=item.pk, values=values) for item in items])


def _move(actor: Any, items: list[Item], values: dict[str, Any]) -> None:
    for item in items:
        move_item(actor=actor, item=item, group=values["group"])


def _run(actor: Any, operations: list[Operation]) -> None:
    """Do all of them or none; the refusal names some of those that cannot be done."""
    try:
        run_operations(actor=actor, operations=operations)
    except BulkError as error:
        names = Item.objects.in_bulk([one.item for one in operations if one.item])
        reasons = [
            f"{names.get(operations[position].item, '?')}: {_reason(why)}"
            for position, why in [*error.errors.items()][:MOST_REASONS]
        ]
        error.message = f"{error.message} {' '.join(reasons)}"
        raise


def _reason(error: Exception) -> str:
    if isinstance(error, Item.DoesNotExist):
        return _("It has been deleted, belongs to what is deleted, or is not yours to see.")
    return refusal_text(error)
