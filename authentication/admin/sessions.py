"""Ending everybody's sessions, which takes a step-up; the rest of the page is ``users.admin``'s."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from authentication import step_up
from core.reasons import LONGEST_REASON
from users.admin.sessions import UserSessionAdmin
from users.ending import SHORTEST_REASON, end_all, open_sessions
from users.models import UserSession

TEMPLATE = "admin/users/usersession/end_everybodys.html"
MOST_IN_A_REQUEST = 20_000  # more are for the command, which no timeout of a worker stops

admin.site.unregister(UserSession)


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("What for"),
        min_length=SHORTEST_REASON,
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"}),
        help_text=gettext_lazy("Kept in the audit trail."),
    )


@admin.register(UserSession)
class EverybodysSessionAdmin(UserSessionAdmin):
    change_list_template = "admin/users/usersession/change_list.html"

    def get_urls(self) -> list[URLPattern]:
        view = path(
            "end-everybodys/",
            self.admin_site.admin_view(self.end_everybodys_view),
            name="users_usersession_end_everybodys",
        )
        return [view, *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = dict(extra_context or {})
        if self.has_end_permission(request):
            context["end_everybodys_url"] = reverse("admin:users_usersession_end_everybodys")
        return super().changelist_view(request, context)

    def end_everybodys_view(self, request: HttpRequest) -> HttpResponse:
        """Ask what for; end every session but the caller's own, who has just proven who it is."""
        if not self.has_end_permission(request):
            raise PermissionDenied
        if not step_up.is_recent(request):
            back = urlencode({"next": request.path})
            return redirect(f"{reverse('account_step_up')}?{back}")
        own: Any = request.session
        rows = open_sessions(keep=own.row_id)
        count = rows.order_by()[: MOST_IN_A_REQUEST + 1].count()
        form = ReasonForm(request.POST if request.method == "POST" else None)
        if count <= MOST_IN_A_REQUEST and form.is_valid():
            ended = sum(end_all(reason=form.cleaned_data["reason"], keep=own.row_id))
            text = ngettext("%d session was ended.", "%d sessions were ended.", ended) % ended
            self.message_user(request, text, messages.SUCCESS)
            return HttpResponseRedirect(reverse("admin:users_usersession_changelist"))
        context = {
            **self.admin_site.each_context(request),
            "title": _("End everybody's sessions"),
            "form": form,
            "count": count,
            "most": MOST_IN_A_REQUEST,
            "is_too_many": count > MOST_IN_A_REQUEST,
            "opts": self.opts,
        }
        return TemplateResponse(request, TEMPLATE, context)
