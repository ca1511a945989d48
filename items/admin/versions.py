"""The history of one item, and going back to an earlier version of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import quote, unquote
from django.contrib.admin.views.main import PAGE_VAR
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from core import audit
from core.admin_base import REFUSALS, CappedPaginator, refusal_text
from core.admin_changes import Value, value_of
from core.admin_soft_delete import SoftDeleteAdmin
from core.errors import StaleVersionError
from items.history import FieldChange, changes_in
from items.models import Item
from items.services.items import CHANGEABLE
from items.services.versions import revert_item, state_at, versions_of

SIGNS = {"add": "+", "remove": "-", "replace": "≠"}
EVENTS = 25  # on a page


@dataclass(frozen=True, slots=True)
class ShownChange:
    """A change as the page shows it: two values, the lines of a diff, or places in JSON."""

    label: str
    before: Value
    after: Value
    lines: tuple[tuple[str, str], ...] = ()
    places: tuple[tuple[str, str, Value, Value], ...] = ()
    more: int = 0


class ShowingVersions(SoftDeleteAdmin):
    def get_urls(self) -> list[URLPattern]:
        revert = path(
            "<path:object_id>/revert/<int:to_version>/",
            self.admin_site.admin_view(self.revert_view),
            name="items_item_revert",
        )
        return [revert, *super().get_urls()]

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """What happened to the item, newest first, each version with a way back to it."""
        item: Item | None = self.get_object(request, unquote(object_id))
        if item is None:
            return self.not_found(request, object_id)
        if not self.has_view_or_change_permission(request, item):
            raise PermissionDenied
        viewer: Any = request.user
        events = versions_of(item=item, viewer=viewer).order_by("-id")
        paginator = CappedPaginator(events, EVENTS)
        page = paginator.get_page(request.GET.get(PAGE_VAR, 1))
        context = {
            **self.admin_site.each_context(request),
            "title": _("History"),
            "subtitle": str(item),
            "page": page,
            "page_var": PAGE_VAR,
            "page_range": paginator.get_elided_page_range(page.number),
            "entries": [(event, [*shown(changes_in(event.changes))]) for event in page],
            "may_revert": self.has_change_permission(request, item),
            "object": item,
            "opts": self.opts,
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/items/item/history.html", context)

    def revert_view(self, request: HttpRequest, object_id: str, to_version: int) -> HttpResponse:
        """Show what going back would change; go back when that is confirmed."""
        item: Item | None = self.get_object(request, unquote(object_id))
        if not self.has_change_permission(request, item):
            raise PermissionDenied
        if item is None:
            return self.not_found(request, object_id)
        actor: Any = request.user
        try:
            if request.method == "POST":
                read = request.POST.get("version_read", "")
                if read != str(item.version):
                    raise StaleVersionError(_("Somebody changed this item in the meantime."))
                revert_item(actor=actor, item=item, to_version=to_version, version=item.version)
                text = _("The item is as it was in version %d.") % to_version
                self.message_user(request, text, messages.SUCCESS)
                return HttpResponseRedirect(self.page_of(quote(item.pk)))
            now, then = audit.snapshot(item), state_at(item, to_version)
        except REFUSALS as error:
            self.message_user(request, refusal_text(error), messages.ERROR)
            return HttpResponseRedirect(self.page_of(quote(item.pk)))
        differing = {
            name: (now[name], then[name]) for name in CHANGEABLE if now[name] != then[name]
        }
        context = {
            **self.admin_site.each_context(request),
            "title": _("Go back to version %d") % to_version,
            "subtitle": str(item),
            "changes": [*shown(changes_in(differing))],
            "original": item,
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/items/item/revert.html", context)


def shown(changes: list[FieldChange]) -> Iterator[ShownChange]:
    """The changes in the order of the item's fields; what was and stays empty is left out."""
    order = [field.name for field in Item._meta.fields]
    for change in sorted(changes, key=lambda change: order.index(change.field)):
        field: Any = Item._meta.get_field(change.field)
        before, after = value_of(change.before, field), value_of(change.after, field)
        lines = tuple((_kind_of(line), line) for line in (change.diff or "").splitlines())
        places = tuple(
            (SIGNS[one.op], one.path or "/", _json(one.before), _json(one.after))
            for one in change.paths
        )
        if lines or places or not (before.is_empty and after.is_empty):
            label = str(field.verbose_name)
            yield ShownChange(label, before, after, lines, places, change.more_paths)


def _kind_of(line: str) -> str:
    return {"+": "added", "-": "removed", "@": "place"}.get(line[:1], "same")


def _json(value: Any) -> Value:
    text = json.dumps(value, ensure_ascii=False) if value is not None else ""
    return Value(text, is_empty=value is None)
