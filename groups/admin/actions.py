"""What staff do to rows beside editing them: asked first, with a reason, then through a service."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.admin_base import REFUSALS, BaseAdmin, refusal_text
from core.reasons import LONGEST_REASON

CONFIRMATION = "admin/groups/confirm_action.html"
MOST_REFUSALS = 10  # a message each


@dataclass(frozen=True, slots=True)
class ConfirmedAction:
    """One thing that is done to rows. ``run(actor, row, reason)`` raises what refuses it.

    ``applies`` says whether there is anything to do to a row; ``permission`` is asked everywhere,
    as the admin is not the place for members. ``is_dangerous`` colours the button.
    """

    label: Any  # translated when it is shown
    explanation: Any
    permission: str
    run: Callable[[Any, Any, str], object]
    applies: Callable[[Any], bool] = lambda _row: True
    asks_reason: bool = False
    needs_reason: bool = False
    is_dangerous: bool = False


class ConfirmedActionsAdmin(BaseAdmin):
    """Offers ``confirmed`` on the list, for several rows, and on the page of one."""

    confirmed: ClassVar[Mapping[str, ConfirmedAction]] = {}
    change_form_template = "admin/groups/change_form.html"

    def may_act(self, request: HttpRequest, action: ConfirmedAction, row: Any = None) -> bool:
        if not request.user.has_perm(action.permission):
            return False
        return row is None or (self.can_touch(request, row) and action.applies(row))

    # --- For one ----------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        act = path(
            "<path:object_id>/do/<slug:name>/",
            self.admin_site.admin_view(self.action_view),
            name=f"{self.opts.app_label}_{self.opts.model_name}_do",
        )
        return [act, *super().get_urls()]

    def action_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        """Say what the action does; do it when that is confirmed."""
        action = self.confirmed.get(name)
        if action is None:
            raise Http404
        row = self.get_object(request, unquote(object_id))
        if row is None:
            return self.not_found(request, object_id)
        if not self.may_act(request, action, row):
            raise PermissionDenied
        if request.method != "POST":
            return self._confirmation(request, name, [row], original=row)
        self._run(request, name, [row])
        return HttpResponseRedirect(self.page_of(quote(row.pk)))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        row = kwargs.get("obj")
        if row is not None:
            context["tools"] = self.tools_for(request, row)
        return super().render_change_form(request, context, *args, **kwargs)

    def tools_for(self, request: HttpRequest, row: Any) -> list[tuple[Any, str]]:
        """Label and address of each button above the page of ``row``."""
        url = f"admin:{self.opts.app_label}_{self.opts.model_name}_do"
        return [
            (action.label, reverse(url, args=[row.pk, name]))
            for name, action in self.confirmed.items()
            if self.may_act(request, action, row)
        ]

    # --- For several ------------------------------------------------------------------------

    def get_actions(self, request: HttpRequest) -> Any:
        actions: dict[str, Any] = super().get_actions(request)
        for name, action in self.confirmed.items():
            if self.may_act(request, action):
                actions[name] = (partial(_for_selected, name=name), name, action.label)
        return actions

    def for_selected(
        self, request: HttpRequest, queryset: QuerySet[Any], name: str
    ) -> HttpResponse | None:
        action = self.confirmed[name]
        if not self.may_act(request, action):
            raise PermissionDenied
        keys = list(queryset.values_list("pk", flat=True))
        # The oldest first: of requests to join, who has waited longest gets the last place.
        chosen = self.get_queryset(request).filter(pk__in=keys).order_by("pk")
        rows = [row for row in chosen if self.may_act(request, action, row)]
        if left := len(chosen) - len(rows):
            text = ngettext("%d is left as it is.", "%d are left as they are.", left)
            self.message_user(request, text % left, messages.WARNING)
        if not rows:
            return None
        if "confirmed" not in request.POST:
            return self._confirmation(request, name, rows)
        self._run(request, name, rows)
        return None

    # --- Both -------------------------------------------------------------------------------

    def _confirmation(
        self, request: HttpRequest, name: str, rows: list[Any], *, original: Any = None
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": self.confirmed[name].label,
            "action": self.confirmed[name],
            "name": name,
            "rows": rows,
            "opts": self.opts,
            "original": original,
            "checkbox_name": ACTION_CHECKBOX_NAME,
            "longest_reason": LONGEST_REASON,
        }
        return TemplateResponse(request, CONFIRMATION, context)

    def _run(self, request: HttpRequest, name: str, rows: list[Any]) -> None:
        """Do it for each; one that is refused does not keep the others from it."""
        action, refused = self.confirmed[name], []
        for row in rows:
            try:
                with transaction.atomic():
                    action.run(request.user, row, request.POST.get("reason", "").strip())
            except REFUSALS as error:
                refused.append(f"{row}: {refusal_text(error)}")
        if done := len(rows) - len(refused):
            text = ngettext("%(what)s: %(count)d done.", "%(what)s: %(count)d done.", done)
            values = {"what": action.label, "count": done}
            self.message_user(request, text % values, messages.SUCCESS)
        for line in refused[:MOST_REFUSALS]:
            self.message_user(request, line, messages.ERROR)
        if (more := len(refused) - MOST_REFUSALS) > 0:
            self.message_user(request, _("%d more were refused.") % more, messages.ERROR)


def _for_selected(
    model_admin: ConfirmedActionsAdmin,
    request: HttpRequest,
    queryset: QuerySet[Any],
    *,
    name: str,
) -> HttpResponse | None:
    return model_admin.for_selected(request, queryset, name)
