"""The admin of soft-deleted models: live rows first, honest deletes, restores."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import model_ngettext, unquote
from django.contrib.auth import get_permission_codename
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import QuerySet
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
)
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.admin_base import (
    MOST_ROWS_OF_AN_ACTION,
    REFUSALS,
    BaseAdmin,
    admin_url,
    refusal_text,
)
from core.deletion_preview import preview_deletion
from core.soft_delete import DELETION_FIELDS

SHOWN = 20
UNDO_TEMPLATE = "admin/soft_delete/undo.html"

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Any]
else:
    ModelForm = forms.ModelForm


class SoftDeleteForm(ModelForm):
    """Checks uniqueness among live rows, which Django skips because no field shows the marks."""

    def _get_validation_exclusions(self) -> set[str]:
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return excluded - DELETION_FIELDS


class StateFilter(admin.SimpleListFilter):
    """Live rows unless deleted ones are asked for."""

    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("deleted", _("Deleted")), ("all", _("Live and deleted"))]

    def choices(self, changelist: Any) -> Iterator[Any]:
        choices = super().choices(changelist)
        yield {**next(choices), "display": _("Live")}
        yield from choices

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "deleted":
                return queryset.filter(is_deleted=True)
            case "all":
                return queryset
            case _:
                return queryset.filter(is_deleted=False)


class SoftDeleteAdmin(BaseAdmin):
    """Deletes mark rows and restores unmark them; a deleted row is shown, not edited."""

    form = SoftDeleteForm
    change_form_template = "admin/soft_delete/change_form.html"
    delete_confirmation_template = "admin/soft_delete/delete_confirmation.html"
    delete_selected_confirmation_template = "admin/soft_delete/delete_selected_confirmation.html"
    actions: Any = ("delete_selected", "restore_selected")
    deleted_rows = f"?{StateFilter.parameter_name}=deleted"

    # What stays behind a deleted row, for the confirmation page.
    deletion_note: Any = ""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None and obj.is_deleted:
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None and obj.is_deleted:
            return False
        return super().has_delete_permission(request, obj)

    def has_restore_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may delete may restore."""
        codename = get_permission_codename("delete", self.opts)
        return request.user.has_perm(f"{self.opts.app_label}.{codename}") and (
            obj is None or self.can_touch(request, obj)
        )

    # --- Lists ----------------------------------------------------------------------------

    def get_list_filter(self, request: HttpRequest) -> Any:
        return [StateFilter, *super().get_list_filter(request)]

    def get_list_display(self, request: HttpRequest) -> Any:
        columns = [*super().get_list_display(request)]
        return [*columns, "deleted_at"] if _shows_deleted(request) else columns

    def get_actions(self, request: HttpRequest) -> Any:
        actions = super().get_actions(request)
        if not _shows_deleted(request):
            actions.pop("restore_selected", None)
        elif request.GET.get(StateFilter.parameter_name) == "deleted":
            actions.pop("delete_selected", None)
        return actions

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        match = request.resolver_match
        if match is not None and match.url_name == "autocomplete":
            queryset = queryset.filter(is_deleted=False)
        return super().get_search_results(request, queryset, search_term)

    # --- Deleting -------------------------------------------------------------------------

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Answer what a soft delete would do, in the shape of Django's own collector."""
        chosen = list(objs)
        rows = self.model._base_manager.filter(pk__in=[obj.pk for obj in chosen])
        preview = preview_deletion(rows)
        lacking = {
            str(model._meta.verbose_name)
            for model in preview.taken
            if not self._may_delete_rows_of(model, request)
        }
        if not all(obj.is_deleted or self.has_delete_permission(request, obj) for obj in chosen):
            lacking.add(str(self.opts.verbose_name))
        names = [str(obj) for obj in chosen[:SHOWN]]
        if len(chosen) > SHOWN:
            names.append(_("and %d more") % (len(chosen) - SHOWN))
        counts = {
            str(model_ngettext(model._meta, count)): count for model, count in preview.taken.items()
        }
        return names, counts, lacking, [*_blocker_lines(preview.blockers)]

    def _may_delete_rows_of(self, model: type[models.Model], request: HttpRequest) -> bool:
        if not self.admin_site.is_registered(model):
            return True
        return self.admin_site.get_model_admin(model).has_delete_permission(request)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> Any:
        if request.method == "POST":
            _note_deleting(request, [unquote(object_id)])
        context = {"deletion_note": self.deletion_note, **(extra_context or {})}
        return super().delete_view(request, object_id, context)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        obj.delete()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        queryset.delete()

    # --- Restoring ------------------------------------------------------------------------

    @admin.action(
        permissions=["restore"],
        description=gettext_lazy("Restore selected %(verbose_name_plural)s"),
    )
    def restore_selected(
        self, request: HttpRequest, queryset: QuerySet[Any]
    ) -> HttpResponse | None:
        self._restore_touchable(request, queryset.filter(is_deleted=True))
        return None

    def _restore_touchable(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        keys = self.touchable(request, rows).values("pk")
        self._restore(request, self.model._default_manager.filter(pk__in=keys))

    def restore_rows(self, request: HttpRequest, rows: Any) -> tuple[int, dict[str, int]]:
        """Restore the rows of a queryset and what went with them; answer as its ``restore()``.

        For subclasses whose rows come back by a service.
        """
        restored: tuple[int, dict[str, int]] = rows.restore()
        return restored

    def _restore(self, request: HttpRequest, rows: Any) -> None:
        try:
            total, by_label = self.restore_rows(request, rows)
        except REFUSALS as error:
            self.message_user(request, refusal_text(error), messages.ERROR)
            return
        if not total:
            self.message_user(request, _("Nothing was to be restored."), messages.WARNING)
            return
        restored = by_label.get(self.opts.label, 0)
        text = _("Restored: %(count)d %(name)s") % {
            "count": restored,
            "name": model_ngettext(self.opts, restored),
        }
        if total > restored:
            text += _(", and %d rows that were deleted with them") % (total - restored)
        self.message_user(request, f"{text}.", messages.SUCCESS)

    # --- Undoing a delete -----------------------------------------------------------------

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        if request.POST.get("action") == "delete_selected" and "post" in request.POST:
            _note_deleting(request, request.POST.getlist(ACTION_CHECKBOX_NAME))
        return super().response_action(request, queryset, *args, **kwargs)

    def message_user(
        self,
        request: HttpRequest,
        message: Any,
        level: int | str = messages.INFO,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        """Where it says that rows have been deleted, put a button beside it that undoes it."""
        deletions = self._deletions_of(request) if level == messages.SUCCESS else []
        if deletions:
            context = {"message": message, "url": self._undo_url(), "deletions": deletions}
            message = render_to_string(UNDO_TEMPLATE, context, request=request)
        super().message_user(request, message, level, *args, **kwargs)

    def _deletions_of(self, request: HttpRequest) -> list[UUID]:
        """What this request has deleted and whoever makes it may restore."""
        noted = getattr(request, "deleting", None)
        if noted is None or not self.has_restore_permission(request):
            return []
        keys, since = noted
        rows = self.model._base_manager.filter(pk__in=keys, is_deleted=True, deleted_at__gte=since)
        deletions = rows.order_by().values_list("deletion_id", flat=True).distinct()
        return list(deletions[:MOST_ROWS_OF_AN_ACTION])

    def _undo_url(self) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_undo")

    def undo_view(self, request: HttpRequest) -> HttpResponse:
        """Restore what the named deletes took along, as far as it is still there."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_restore_permission(request):
            raise PermissionDenied
        rows = self.get_queryset(request).filter(
            is_deleted=True, deletion_id__in=_keys_in(request.POST.getlist("deletion"))
        )
        count = rows.order_by()[: MOST_ROWS_OF_AN_ACTION + 1].count()
        if count > MOST_ROWS_OF_AN_ACTION:
            text = _("That deleted more than %d rows. Restore what it belonged to instead.")
            self.message_user(request, text % MOST_ROWS_OF_AN_ACTION, messages.ERROR)
        elif count:
            self._restore_touchable(request, rows)
        else:
            text = _("There is nothing to undo: it has been restored, or removed for good.")
            self.message_user(request, text, messages.WARNING)
        opts = self.opts
        return HttpResponseRedirect(reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist"))

    def get_urls(self) -> list[URLPattern]:
        opts = self.opts
        undo = path(
            "undo/",
            self.admin_site.admin_view(self.undo_view),
            name=f"{opts.app_label}_{opts.model_name}_undo",
        )
        restore = path(
            "<path:object_id>/restore/",
            self.admin_site.admin_view(self.restore_view),
            name=f"{opts.app_label}_{opts.model_name}_restore",
        )
        return [undo, restore, *super().get_urls()]

    def restore_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        obj = self.get_object(request, unquote(object_id))
        if not self.has_restore_permission(request, obj):
            raise PermissionDenied
        if obj is None:
            return self.not_found(request, object_id)
        self._restore(request, self.model._default_manager.filter(pk=obj.pk))
        return HttpResponseRedirect(self.page_of(object_id))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        obj = kwargs.get("obj")
        if obj is not None and obj.is_deleted and self.has_restore_permission(request, obj):
            name = f"{self.opts.app_label}_{self.opts.model_name}_restore"
            context["restore_url"] = admin_url(name, obj.pk)
        return super().render_change_form(request, context, *args, **kwargs)


def _note_deleting(request: HttpRequest, keys: list[str]) -> None:
    """Remember what this request is about to delete, and since when."""
    request.deleting = (keys, timezone.now())  # type: ignore[attr-defined]


def _keys_in(texts: list[str]) -> list[UUID]:
    """Those of the texts that are keys of a delete."""
    keys = []
    for text in texts[:MOST_ROWS_OF_AN_ACTION]:
        try:
            keys.append(UUID(text))
        except ValueError:
            continue
    return keys


def _shows_deleted(request: HttpRequest) -> bool:
    return request.GET.get(StateFilter.parameter_name) in {"deleted", "all"}


def _blocker_lines(blockers: Iterable[Any]) -> Iterator[str]:
    for blocker in blockers:
        opts = blocker.model._meta
        for example in blocker.examples:
            yield f"{capfirst(opts.verbose_name)}: {example}"
        if blocker.count > len(blocker.examples):
            yield _("and %(count)d more %(name)s") % {
                "count": blocker.count - len(blocker.examples),
                "name": opts.verbose_name_plural,
            }
