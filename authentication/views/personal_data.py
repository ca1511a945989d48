"""The page on which people get a copy of what is kept about them, or put an end to it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.generic import TemplateView, View

from authentication import step_up
from authentication.personal_data.answers import as_download
from authentication.personal_data.closing import ask_for_deletion, cancel_deletion
from authentication.personal_data.export import export_data
from authentication.views.changes import ChangeView
from core.errors import DomainError
from core.personal_data import obstacles_of


@method_decorator(never_cache, name="dispatch")
class PersonalDataView(LoginRequiredMixin, TemplateView):
    """What can be asked for. Two queries beside those that sign in, a third for administrators."""

    template_name = "account/personal_data.html"
    http_method_names = ["get", "head"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user: Any = self.request.user
        return super().get_context_data(
            obstacles=[] if user.deletion_due_at else obstacles_of(user),
            grace_days=settings.ACCOUNT_DELETION_GRACE_DAYS,
            can_change=step_up.is_recent(self.request),
            **kwargs,
        )


class ExportView(ChangeView):
    """Answers the ZIP itself."""

    page = "account_data"

    def change(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        actor: Any = request.user
        answer: Any = as_download(export_data(actor=actor), request)
        response: HttpResponse = answer
        return response


class AskForDeletionView(ChangeView):
    page = "account_data"

    def change(self, request: HttpRequest, **kwargs: Any) -> None:
        actor: Any = request.user
        due = ask_for_deletion(actor=actor, username=request.POST.get("username", ""))
        messages.success(request, _("Your account will be deleted on %s.") % f"{due:%Y-%m-%d}")


@method_decorator(never_cache, name="dispatch")
class CancelDeletionView(LoginRequiredMixin, View):
    """Without a step-up: it only keeps what is there."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        actor: Any = request.user
        try:
            if cancel_deletion(actor=actor, user=actor):
                messages.success(request, _("Your account stays."))
        except DomainError as error:
            messages.error(request, error.message)
        return redirect("account_data")
