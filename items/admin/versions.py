"""The history of one item, and going back to an earlier version of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from core import audit
from core.admin_base import REFUSALS, refusal_text
from core.admin_changes import Change, changes_shown
from core.admin_soft_delete import SoftDeleteAdmin
from core.errors import StaleVersionError
from core.models import AuditEvent
from items.models import Item
from items.services.items import CHANGEABLE
from items.services.versions import revert_item, state_at, versions_of


class ShowingVersions(SoftDeleteAdmin):
    object_history_template = "admin/items/item/history.html"
    events_per_page = 25

    def get_urls(self) -> list[URLPattern]:
        revert = path(
            "<path:object_id>/revert/<int:to_version>/",
            self.admin_site.admin_view(self.revert_view),
            name="items_item_revert",
        )
        return [revert, *super().get_urls()]

    def events_of(self, request: HttpRequest, obj: Item) -> QuerySet[AuditEvent]:
        """Each with its version, as far as the viewer may know what the item was."""
        viewer: Any = request.user
        return versions_of(item=obj, viewer=viewer)

    def changes_shown(self, event: AuditEvent) -> list[Change]:
        """Without the version, which the heading says."""
        return shown(event.changes)

    def history_context(self, request: HttpRequest, obj: Item) -> dict[str, Any]:
        return {"may_revert": self.has_change_permission(request, obj)}

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
            "changes": shown(differing),
            "original": item,
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/items/item/revert.html", context)


def shown(recorded: Mapping[str, Any]) -> list[Change]:
    return changes_shown(Item, {name: pair for name, pair in recorded.items() if name != "version"})
