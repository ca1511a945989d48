"""The page History of every object in the admin: what the audit trail says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import PAGE_VAR
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from core.admin_changes import Change, changes_of
from core.admin_paging import CappedPaginator
from core.models import AuditEvent
from core.trail_reading import VIEW, of_object

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin


class WithHistory(ModelAdmin):
    """Before and after, who, when, from where: of live rows, of deleted ones and of those gone."""

    object_history_template = "admin/audit_history.html"
    events_per_page = 0  # as many as the list has rows

    # Where the trail has nothing of a model's rows: the reason, for whoever opens the page.
    why_no_history: Any = ""

    def history_elsewhere(self, obj: Any) -> tuple[str, str] | None:
        """The address and the name of the page that has what this one lacks."""
        return None

    def events_of(self, request: HttpRequest, obj: Any) -> QuerySet[AuditEvent]:
        """The events about a row that ``request`` may see."""
        return self._events(str(obj.pk))

    def changes_shown(self, event: AuditEvent) -> list[Change]:
        return changes_of(event)

    def history_context(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        """What a template of one's own needs besides."""
        return {}

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the audit trail of one object, newest first.

        Of what is gone for good nothing says who may see it, so that takes the right to see all
        of the trail.
        """
        obj = self.get_object(request, unquote(object_id))
        if not self.has_view_or_change_permission(request, obj):
            raise PermissionDenied
        may_see_events = request.user.has_perm(VIEW)
        if obj is not None:
            events = self.events_of(request, obj)
        else:
            events = self._events(self._key(unquote(object_id)))
            if not may_see_events or not events.exists():
                return self.not_found(request, object_id)
        paginator = CappedPaginator(
            events.order_by("-id"), self.events_per_page or self.list_per_page
        )
        page = paginator.get_page(request.GET.get(PAGE_VAR, 1))
        context = {
            **self.admin_site.each_context(request),
            "title": _("History"),
            "subtitle": str(obj) if obj else _label(page),
            "page": page,
            "page_var": PAGE_VAR,
            "page_range": paginator.get_elided_page_range(page.number),
            "entries": [(event, self.changes_shown(event)) for event in page],
            "may_see_events": may_see_events,
            "why_no_history": self.why_no_history,
            "elsewhere": self.history_elsewhere(obj) if obj else None,
            "object": obj,
            "opts": self.opts,
            "is_popup": IS_POPUP_VAR in request.GET,
            **(self.history_context(request, obj) if obj else {}),
            **(extra_context or {}),
        }
        return TemplateResponse(request, self.object_history_template, context)

    def not_found(self, request: HttpRequest, object_id: str) -> HttpResponse:
        raise NotImplementedError

    def _events(self, key: str) -> QuerySet[AuditEvent]:
        app, model = self.opts.app_label, str(self.opts.model_name)
        return of_object(AuditEvent.objects.all(), app, model, key)

    def _key(self, text: str) -> str:
        """A key as the trail writes it; empty for what is none."""
        try:
            return str(self.opts.pk.to_python(text.replace("\0", "")))
        except ValidationError:
            return ""


def _label(page: Any) -> str:
    """What the object was called at the newest event that knows it."""
    return next((event.object_label for event in page if event.object_label), "")
