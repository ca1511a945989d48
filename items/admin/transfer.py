"""Files of items in the admin: importing one after a dry run, and exporting the list."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from core.admin_base import REFUSALS, refusal_text
from core.admin_soft_delete import SoftDeleteAdmin
from core.api.files import file_answer
from items.admin.forms import ImportForm
from items.services.exporting import export_items
from items.services.import_rows import CSV, FORMATS, JSON_LINES
from items.services.importing import Report, import_items

MOST_SHOWN = 200  # errors on the page; the API names more


class Transferring(SoftDeleteAdmin):
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [path("import/", view(self.import_view), name="items_item_import")]
        own += [
            path(
                f"export.{file_format}",
                view(self.export_view),
                {"file_format": file_format},
                name=f"items_item_export_{file_format}",
            )
            for file_format in FORMATS
        ]
        return [*own, *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        asked = f"?{request.GET.urlencode()}" if request.GET else ""
        context: dict[str, Any] = {
            "export_urls": [
                (label, reverse(f"admin:items_item_export_{file_format}") + asked)
                for file_format, label in ((CSV, "CSV"), (JSON_LINES, "JSON Lines"))
            ],
        }
        if self.has_add_permission(request):
            context["import_url"] = reverse("admin:items_item_import")
        return super().changelist_view(request, {**context, **(extra_context or {})})

    # --- Export ---------------------------------------------------------------------------

    @admin.action(permissions=["view"], description=gettext_lazy("Export selected items as CSV"))
    def export_csv(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponseBase:
        return _download(request, queryset, CSV)

    @admin.action(
        permissions=["view"], description=gettext_lazy("Export selected items as JSON Lines")
    )
    def export_jsonl(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponseBase:
        return _download(request, queryset, JSON_LINES)

    def export_view(self, request: HttpRequest, file_format: str) -> HttpResponseBase:
        """The whole list, filtered as it is shown."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            changelist = self.get_changelist_instance(request)
        except IncorrectLookupParameters:
            return HttpResponseRedirect(reverse("admin:items_item_changelist"))
        return _download(request, changelist.get_queryset(request), file_format)

    # --- Import ---------------------------------------------------------------------------

    def import_view(self, request: HttpRequest) -> HttpResponse:
        """Check the file and show the report; import it when that is confirmed."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = ImportForm(request.POST or None, request.FILES or None)
        report: Report | None = None
        is_confirmed = "confirmed" in request.POST
        if form.is_valid():
            report = self._imported(request, form, dry_run=not is_confirmed)
        if report and report.is_good and is_confirmed:
            self.message_user(request, _summary(report), messages.SUCCESS)
            return HttpResponseRedirect(reverse("admin:items_item_changelist"))
        is_ready = report is not None and report.is_good and report.rows > 0
        context = {
            **self.admin_site.each_context(request),
            "title": _("Import items"),
            "form": form,
            "report": report,
            "is_ready": is_ready,
            "carried": form.to_carry() if is_ready else "",
            "summary": _summary(report) if report else "",
            "errors": report.errors[:MOST_SHOWN] if report else [],
            "more_errors": max(0, len(report.errors) - MOST_SHOWN) if report else 0,
            "opts": self.opts,
            "media": self.media + form.media,
        }
        return TemplateResponse(request, "admin/items/item/import.html", context)

    def _imported(self, request: HttpRequest, form: ImportForm, *, dry_run: bool) -> Report | None:
        actor: Any = request.user
        data = form.cleaned_data
        try:
            return import_items(
                actor=actor,
                file=form.open(),
                file_format=data["file_format"],
                mode=data["mode"],
                dry_run=dry_run,
                owner=data["owner"],
                group=data["group"],
            )
        except REFUSALS as error:
            form.add_error(None, refusal_text(error))
            return None


def _download(request: HttpRequest, rows: Any, file_format: str) -> HttpResponseBase:
    pieces = export_items(rows, file_format=file_format)
    return file_answer(request, pieces, file_format=file_format, name="items")


def _summary(report: Report) -> str:
    if not report.is_good:
        text = ngettext("%d row is bad", "%d rows are bad", report.bad_rows) % report.bad_rows
        return _("%s: nothing is imported until every row is good.") % text
    words = _("would be") if report.dry_run else _("were")
    return _(
        "%(rows)d rows: %(new)d %(words)s made, %(changed)d changed, %(same)d as they were."
    ) % {
        "rows": report.rows,
        "new": report.created,
        "changed": report.updated,
        "same": report.unchanged,
        "words": words,
    }
