"""The audit trail in the admin: to be read, never to be edited."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import quote
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import audit
from core.admin_base import ReadOnlyAdmin, admin_url, linked
from core.admin_changes import change_url, changes_of, moment
from core.admin_trail_filters import (
    ActionFilter,
    ActorFilter,
    AddressFilter,
    GroupFilter,
    ModelFilter,
    PeriodFilter,
    RequestFilter,
    SessionFilter,
    by_person,
)
from core.api.files import file_answer
from core.models import AuditEvent
from core.trail_files import CSV, JSON_LINES, NAME, taken
from core.trail_reading import newest_key, same_request

LOOKED_AT = 1_000_000  # events, where no index serves what is asked for and no period bounds it
UNINDEXED = frozenset({"via", "via__exact", "session_id", "request_id", "client_ip"})
BOUNDING = frozenset({"action", "model", "actor", "group_id", "from", "until", "q"})
MOST_FIELDS = 4
MOST_OTHERS = 50


class TrailList(ChangeList):
    """Does not read all of the trail to find the few events of a request or an address."""

    is_bounded = False

    def get_queryset(self, *args: Any, **kwargs: Any) -> QuerySet[Any]:
        self.unbounded: QuerySet[Any] = super().get_queryset(*args, **kwargs)
        asked = {name for name, value in self.filter_params.items() if any(value)}
        if self.query:
            asked.add("q")
        if not asked & UNINDEXED or asked & BOUNDING:
            return self.unbounded
        oldest = newest_key() - LOOKED_AT
        self.is_bounded = oldest > 0
        return self.unbounded.filter(pk__gt=oldest) if self.is_bounded else self.unbounded


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    list_display = ("moment", "action", "object", "fields_changed", "who_and_where")
    list_filter = (
        PeriodFilter, ActorFilter, AddressFilter, "via", ActionFilter, ModelFilter, GroupFilter,
        SessionFilter, RequestFilter,
    )  # fmt: skip
    list_display_links = ("moment",)
    search_fields = ("object_id",)
    search_help_text = gettext_lazy("The id of an object, or the username of who did it.")
    sortable_by = ()
    ordering = ("-id",)
    empty_hint = gettext_lazy(
        "Whatever is made, changed or deleted becomes an event by itself, like every sign-in."
    )
    why_no_history = gettext_lazy("An event is history, and is never changed.")
    change_list_template = "admin/audit_change_list.html"
    change_form_template = "admin/audit_event.html"
    fields = (
        "moment", "action", "object", "changed", "who", "via", "address", "session", "request",
        "group", "same_request", "row_hash",
    )  # fmt: skip
    readonly_fields = fields

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return TrailList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Look into the two indexes that answer at once: by object and by actor."""
        term = search_term.replace("\0", "").strip()
        if not term:
            return queryset, False
        if _is_key(term):
            names = [m._meta.model_name for m in apps.get_models() if audit.spec_of(m)]
            return queryset.filter(model__in=names, object_id=term.lower()), False
        return by_person(queryset, term), False

    # --- Taking it away ---------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        files = [
            path(
                f"export.{file_format}",
                self.admin_site.admin_view(self.export_view),
                {"file_format": file_format},
                name=f"core_auditevent_export_{file_format}",
            )
            for file_format in (CSV, JSON_LINES)
        ]
        return [*files, *super().get_urls()]

    def export_view(self, request: HttpRequest, file_format: str) -> HttpResponseBase:
        """The list as it is narrowed down, all of it, as a file; an event tells who took it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            found: Any = self.get_changelist_instance(request)
        except IncorrectLookupParameters:
            return HttpResponseRedirect(f"{reverse('admin:core_auditevent_changelist')}?e=1")
        pieces = taken(
            found.unbounded.select_related(None),
            actor=request.user,  # type: ignore[arg-type]  # admin_view lets nobody else in
            file_format=file_format,
            asked=request.GET.dict(),
        )
        return file_answer(request, pieces, file_format=file_format, name=NAME)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        names = {CSV: "CSV", JSON_LINES: "JSON Lines"}
        query = f"?{request.GET.urlencode()}" if request.GET else ""
        files = [
            (f"{reverse(f'admin:core_auditevent_export_{kind}')}{query}", name)
            for kind, name in names.items()
        ]
        return super().changelist_view(
            request, {"files": files, "looked_at": LOOKED_AT, **(extra_context or {})}
        )

    # --- What is shown ----------------------------------------------------------------------

    def history_elsewhere(self, obj: AuditEvent) -> tuple[str, str] | None:
        url = _history_url(obj)
        return (url, _("History of the object")) if url else None

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        context["object_history_url"] = _history_url(kwargs["obj"]) if kwargs.get("obj") else ""
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description=gettext_lazy("when"))
    def moment(self, event: AuditEvent) -> str:
        return moment(event.occurred_at)

    @admin.display(description=gettext_lazy("object"))
    def object(self, event: AuditEvent) -> str:
        kind = _verbose_name(event)
        text = f"{kind}: {event.object_label or event.object_id}"
        return linked(change_url(event.app, event.model, event.object_id), text)

    @admin.display(description=gettext_lazy("fields"))
    def fields_changed(self, event: AuditEvent) -> str:
        names = [name.replace("_", " ") for name in sorted(event.changes)]
        more = ["…"] if len(names) > MOST_FIELDS else []
        return ", ".join(names[:MOST_FIELDS] + more)

    @admin.display(description=gettext_lazy("actor"))
    def who(self, event: AuditEvent) -> str:
        """The name at that moment, and whom they acted as; the users may be gone by now."""
        actor = _person(event.actor_id, event.actor_label)
        if event.on_behalf_of_id is None:
            return actor
        acted_as = _person(event.on_behalf_of_id, event.on_behalf_of_label or "")
        return format_html(str(_("{} as {}")), actor, acted_as)

    @admin.display(description=gettext_lazy("actor, from where"))
    def who_and_where(self, event: AuditEvent) -> str:
        door = str(event.get_via_display())
        where = f"{door} · {event.client_ip}" if event.client_ip else door
        return format_html("{}<small>{}</small>", self.who(event), where)

    @admin.display(description=gettext_lazy("changes"))
    def changed(self, event: AuditEvent) -> str:
        return render_to_string("admin/audit_changes.html", {"changes": changes_of(event)})

    @admin.display(description=gettext_lazy("address"))
    def address(self, event: AuditEvent) -> str:
        return _narrowed_down(event.client_ip, client_ip=event.client_ip)

    @admin.display(description=gettext_lazy("session"))
    def session(self, event: AuditEvent) -> str:
        if event.session_id is None:
            return ""
        here = linked(
            change_url("users", "usersession", str(event.session_id)), str(event.session_id)
        )
        more = _narrowed_down(_("all of its events"), session_id=event.session_id)
        return format_html("{} · {}", here, more)

    @admin.display(description=gettext_lazy("request"))
    def request(self, event: AuditEvent) -> str:
        return _narrowed_down(event.request_id, request_id=event.request_id)

    @admin.display(description=gettext_lazy("group"))
    def group(self, event: AuditEvent) -> str:
        if event.group_id is None:
            return ""
        here = linked(change_url("groups", "group", str(event.group_id)), str(event.group_id))
        more = _narrowed_down(_("all of its events"), group_id=event.group_id)
        return format_html("{} · {}", here, more)

    @admin.display(description=gettext_lazy("same request"))
    def same_request(self, event: AuditEvent) -> str:
        """The other events of it, those near by; the request's own link leads to all."""
        others = list(same_request(event)[: MOST_OTHERS + 1])
        rows = [
            (
                change_url("core", "auditevent", str(other.pk)),
                other.action_in_words,
                f"{_verbose_name(other)}: {other.object_label or other.object_id}",
            )
            for other in others[:MOST_OTHERS]
        ]
        context = {"rows": rows, "is_cut": len(others) > MOST_OTHERS}
        return render_to_string("admin/audit_same_request.html", context)


def _history_url(event: AuditEvent) -> str:
    """Of the object of the event, which need not be there any more; it may have no page at all."""
    return admin_url(f"{event.app}_{event.model}_history", quote(event.object_id))


def _narrowed_down(text: str | None, **asked: Any) -> str:
    """``text`` as a link to the list of events that have the same."""
    if not text:
        return ""
    url = reverse("admin:core_auditevent_changelist")
    return format_html('<a href="{}?{}">{}</a>', url, SafeString(urlencode(asked)), text)


def _person(key: UUID | None, name: str) -> str:
    opts = get_user_model()._meta
    url = change_url(opts.app_label, str(opts.model_name), str(key)) if key else ""
    return linked(url, name or "—")


def _is_key(term: str) -> bool:
    if term.isdecimal():
        return True
    try:
        return str(UUID(term)) == term.lower()
    except ValueError:
        return False


def _verbose_name(event: AuditEvent) -> str:
    try:
        return str(apps.get_model(event.app, event.model)._meta.verbose_name)
    except LookupError:
        return f"{event.app}.{event.model}"
