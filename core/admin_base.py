"""What every page of the admin shares: audited writes, bounded counts, the audit history."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.actions import delete_selected as delete_selected_action
from django.contrib.admin.utils import flatten_fieldsets, unquote
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models import ProtectedError, QuerySet, RestrictedError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import audit
from core.admin_fields import LiveChoices
from core.admin_history import WithHistory
from core.admin_paging import CappedPaginator
from core.errors import DomainError
from core.rows import all_rows
from core.security_events import note_refusal

# A confirmation page sends one form field a row, and Django accepts a thousand of them.
MOST_ROWS_OF_AN_ACTION = 900
REFUSALS = (DomainError, ValidationError, ProtectedError, RestrictedError, IntegrityError)


class BaseAdmin(LiveChoices, WithHistory):
    """Writes through ``core.audit``; turns what a rule refuses into a message."""

    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    list_max_show_all = 200
    empty_value_display = "—"
    actions = ("delete_selected",)

    # What a list without rows says besides: what would be here, and what brings it here.
    empty_hint: Any = ""
    deleted_rows = ""  # the query that shows them, where deleted rows are out of sight

    def can_touch(self, request: HttpRequest, obj: Any) -> bool:
        """Whether this member of staff may change or delete this very row."""
        return True

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (
            obj is None or self.can_touch(request, obj)
        )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and (
            obj is None or self.can_touch(request, obj)
        )

    def touchable(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Those of ``rows`` that ``can_touch()`` admits; a message counts the others."""
        admitted = [obj.pk for obj in rows if self.can_touch(request, obj)]
        refused = rows.count() - len(admitted)
        if refused:
            text = _("%d left alone: they hold more rights than you do, or are protected.")
            self.message_user(request, text % refused, messages.WARNING)
        return all_rows(self.model, rows.db).filter(pk__in=admitted)

    # --- Lists ----------------------------------------------------------------------------

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find a row by its key as well as by ``search_fields``."""
        term = search_term.replace("\0", "").strip()
        if isinstance(self.opts.pk, models.UUIDField):
            try:
                return queryset.filter(pk=UUID(term)), False
            except ValueError:
                pass
        return super().get_search_results(request, queryset, term)

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        across = request.POST.get("select_across", "0") != "0"
        if across and queryset[: MOST_ROWS_OF_AN_ACTION + 1].count() > MOST_ROWS_OF_AN_ACTION:
            text = _("An action takes %d rows at most. Narrow the list down with a filter first.")
            self.message_user(request, text % MOST_ROWS_OF_AN_ACTION, messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())
        # The stubs know of no stream, which an action may answer too.
        response: Any = super().response_action(request, queryset, *args, **kwargs)
        is_answer = isinstance(response, HttpResponseBase)
        return response if is_answer else None

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Leave out, while adding, the parts that nobody can fill in."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is not None:
            return fieldsets
        readonly = set(self.get_readonly_fields(request, obj))
        return [part for part in fieldsets if set(flatten_fieldsets([part])) - readonly]

    # --- Writing --------------------------------------------------------------------------

    def get_form(self, request: HttpRequest, obj: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Let the form know who is at the keyboard, as ``actor``."""
        made: Any = super().get_form(request, obj, *args, **kwargs)
        made.actor = request.user
        return made

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: Any) -> None:
        audit.save(obj)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.delete_queryset(request, self.model._base_manager.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        with transaction.atomic():
            keys = list(queryset.values_list("pk", flat=True))
            rows = all_rows(self.model, queryset.db).filter(pk__in=keys)
            if audit.spec_of(self.model):
                audit.record_rows(rows, action="delete")
            rows.delete()

    @admin.action(
        permissions=["delete"], description=gettext_lazy("Delete selected %(verbose_name_plural)s")
    )
    def delete_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        try:
            with transaction.atomic():
                return delete_selected_action(self, request, queryset)
        except REFUSALS as error:
            self.message_user(request, refusal_text(error), messages.ERROR)
            return None

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except REFUSALS as error:
            self.message_user(request, refusal_text(error), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> Any:
        try:
            return super().delete_view(request, object_id, extra_context)
        except REFUSALS as error:
            self.message_user(request, refusal_text(error), messages.ERROR)
            return HttpResponseRedirect(self.page_of(object_id))

    def not_found(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Go to the start page with a message, as Django's own pages do."""
        text = _("There is no %(name)s with the id “%(key)s”.")
        values = {"name": self.opts.verbose_name, "key": unquote(object_id)}
        self.message_user(request, text % values, messages.WARNING)
        return HttpResponseRedirect(reverse("admin:index", current_app=self.admin_site.name))

    def page_of(self, quoted_key: str) -> str:
        opts = self.opts
        return reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[quoted_key])

    # --- Reading --------------------------------------------------------------------------

    @admin.display(description=gettext_lazy("see also"))
    def see_also(self, obj: models.Model) -> str:
        """Links to the lists of what refers to the object; without counts, which cost queries."""
        links = []
        for relation in self.model._meta.related_objects:
            opts = relation.related_model._meta
            if relation.hidden or not self.admin_site.is_registered(relation.related_model):
                continue
            key = relation.field.name
            url = reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")
            name = str(relation.related_name or opts.verbose_name_plural).replace("_", " ")
            links.append((f"{url}?{key}__id__exact={obj.pk}", name))
        return format_html_join(" · ", '<a href="{}">{}</a>', links)


class ReadOnlyAdmin(BaseAdmin):
    """Nobody adds, changes or deletes here, superusers included."""

    actions: Any = ()

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_actions(self, request: HttpRequest) -> Any:
        return {k: v for k, v in super().get_actions(request).items() if k != "delete_selected"}


def refusal_text(error: BaseException) -> str:
    """What to tell the member of staff; that a service refused them is a security event."""
    note_refusal(error)
    match error:
        case DomainError():
            return error.message
        case ValidationError():
            return " ".join(error.messages)
        case ProtectedError() | RestrictedError():  # integrity errors, too
            return capfirst(str(error.args[0]))
        case _:
            return _("Somebody else saved something at the same moment that this collides with.")


def short_id(key: Any) -> SafeString:
    """The end of a key, which tells rows of one second apart; the whole as its title."""
    text = str(key)
    if key is None:
        return SafeString("—")
    return format_html('<code title="{}">…{}</code>', text, text[-8:])


def linked(url: str, text: str) -> str:
    return format_html('<a href="{}">{}</a>', url, text) if url else text


def admin_url(name: str, *args: Any) -> str:
    try:
        return reverse(f"admin:{name}", args=args)
    except NoReverseMatch:
        return ""
