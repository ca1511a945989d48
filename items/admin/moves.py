"""Moving one item to a person or a group."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from core.admin_base import REFUSALS, admin_url, refusal_text
from core.admin_soft_delete import SoftDeleteAdmin
from items.admin.forms import MoveForm
from items.models import Item
from items.services.moving import move_item


class Moving(SoftDeleteAdmin):
    def get_urls(self) -> list[URLPattern]:
        move = path(
            "<path:object_id>/move/",
            self.admin_site.admin_view(self.move_view),
            name="items_item_move",
        )
        return [move, *super().get_urls()]

    def has_move_permission(self, request: HttpRequest, obj: Item | None) -> bool:
        """To move it is to take it away from where it is."""
        return self.has_delete_permission(request, obj)

    def move_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        item: Item | None = self.get_object(request, unquote(object_id))
        if not self.has_move_permission(request, item):
            raise PermissionDenied
        if item is None:
            return self.not_found(request, object_id)
        form = MoveForm(request.POST or None, initial={"version_read": item.version})
        if form.is_valid() and self._move(request, item, form):
            return HttpResponseRedirect(self.page_of(quote(item.pk)))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Move item"),
            "subtitle": str(item),
            "form": form,
            "original": item,
            "opts": self.opts,
            "media": self.media + form.media,
            "submit": _("Move"),
        }
        return TemplateResponse(request, "admin/items/item/form.html", context)

    def _move(self, request: HttpRequest, item: Item, form: MoveForm) -> bool:
        actor: Any = request.user
        data = form.cleaned_data
        try:
            moved = move_item(
                actor=actor,
                item=item,
                owner=data["owner"],
                group=data["group"],
                version=data["version_read"],
            )
        except REFUSALS as error:
            form.add_error(None, refusal_text(error))
            return False
        text = _("“%(item)s” belongs to %(holder)s now.")
        values = {"item": moved, "holder": moved.owner or moved.group}
        self.message_user(request, text % values, messages.SUCCESS)
        return True

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        item = kwargs.get("obj")
        if item is not None and self.has_move_permission(request, item):
            context["move_url"] = admin_url("items_item_move", quote(item.pk))
        return super().render_change_form(request, context, *args, **kwargs)
