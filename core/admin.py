"""The audit trail in the admin: to be read, never to be edited."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.apps import apps
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from core import audit
from core.admin_base import ReadOnlyAdmin, linked
from core.admin_changes import change_url, changes_of, moment
from core.models import AuditEvent

ACTIONS = (
    "create", "update", "delete", "restore", "hard_delete", "revoke", "verify", "seal",
    "impersonation_started", "impersonation_ended",
)  # fmt: skip


class ActionFilter(admin.SimpleListFilter):
    """The usual verbs; asking the table which ones it holds would read all of it."""

    title = _("action")
    parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(action, action.replace("_", " ")) for action in ACTIONS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(action=self.value()) if self.value() else queryset


class ModelFilter(admin.SimpleListFilter):
    title = _("kind of object")
    parameter_name = "model"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        models = [model for model in apps.get_models() if audit.spec_of(model)]
        names = [(m._meta.label_lower, str(m._meta.verbose_name)) for m in models]
        return sorted(names, key=lambda pair: pair[1].lower())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        app, _dot, model = str(self.value()).partition(".")
        return queryset.filter(app=app, model=model)


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    list_display = ("moment", "action", "object", "who", "via", "client_ip")
    list_filter = ("via", ActionFilter, ModelFilter)
    list_display_links = ("moment",)
    search_fields = ("object_id",)
    search_help_text = _("The id of an object, or the username of who did it.")
    sortable_by = ()
    ordering = ("-id",)
    fields = (
        "moment", "action", "object", "changed", "who", "via", "client_ip", "session_id",
        "request_id", "group_id", "row_hash",
    )  # fmt: skip
    readonly_fields = fields

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
        users = get_user_model()._default_manager.filter(username=term).values_list("pk", flat=True)
        keys = list(users)
        return queryset.filter(Q(actor__in=keys) | Q(on_behalf_of__in=keys)), False

    @admin.display(description=_("when"))
    def moment(self, event: AuditEvent) -> str:
        return moment(event.occurred_at)

    @admin.display(description=_("object"))
    def object(self, event: AuditEvent) -> str:
        kind = _verbose_name(event)
        text = f"{kind}: {event.object_label or event.object_id}"
        return linked(change_url(event.app, event.model, event.object_id), text)

    @admin.display(description=_("actor"))
    def who(self, event: AuditEvent) -> str:
        """The name at that moment, and whom they acted as; the users may be gone by now."""
        actor = _person(event.actor_id, event.actor_label)
        if event.on_behalf_of_id is None:
            return actor
        acted_as = _person(event.on_behalf_of_id, event.on_behalf_of_label or "")
        return format_html(str(_("{} as {}")), actor, acted_as)

    @admin.display(description=_("changes"))
    def changed(self, event: AuditEvent) -> str:
        return render_to_string("admin/audit_changes.html", {"changes": changes_of(event)})


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
