"""Acting as a user, begun on their page: docs/developer/impersonation.md."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _

from authentication import step_up
from authentication.admin.accounts import AccountAdmin
from authentication.forms.impersonation import ImpersonationForm
from authentication.impersonation import rules, sessions
from core.admin_base import refusal_text
from core.errors import DomainError
from users.models import User

TEMPLATE = "admin/users/user/impersonate.html"


class ImpersonationAdmin(AccountAdmin):
    """The page of a user, with the way to act as them for those who may."""

    def get_urls(self) -> list[URLPattern]:
        view = path(
            "<path:object_id>/impersonate/",
            self.admin_site.admin_view(self.impersonate_view),
            name="users_user_impersonate",
        )
        return [view, *super().get_urls()]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        user, actor = kwargs.get("obj"), _actor(request)
        response = super().render_change_form(request, context, *args, **kwargs)
        if user is not None and not rules.refusal_of(actor, user):
            url = reverse("admin:users_user_impersonate", args=[user.pk])
            tools = response.context_data.setdefault("account_actions", [])
            tools.append((_("Act as this user"), url))
        return response

    def impersonate_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask what for, and whether to change anything; then go on as the user."""
        actor = _actor(request)
        if not actor.has_perm(rules.PERMISSION):
            raise PermissionDenied
        user: User | None = self.get_object(request, unquote(object_id))
        if user is None:
            return self.not_found(request, object_id)
        if refusal := rules.refusal_of(actor, user):
            self.message_user(request, refusal, messages.ERROR)
            return HttpResponseRedirect(self.page_of(quote(user.pk)))
        if not step_up.is_recent(request):
            back = urlencode({"next": request.path})
            return redirect(f"{reverse('account_step_up')}?{back}")
        form = ImpersonationForm(
            request.POST if request.method == "POST" else None,
            may_allow_changes=rules.may_allow_changes(actor),
        )
        if form.is_valid() and self._start(request, user, form):
            return redirect("account_sessions")
        return self._page(request, user, form)

    def _start(self, request: HttpRequest, user: User, form: ImpersonationForm) -> bool:
        given = form.cleaned_data
        try:
            sessions.start(
                request,
                user=user,
                reason=given["reason"],
                allow_changes=given.get("allow_changes", False),
            )
        except DomainError as error:
            form.add_error("reason" if error.field else None, refusal_text(error))
            return False
        return True

    def _page(self, request: HttpRequest, user: User, form: ImpersonationForm) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": _("Act as %s") % user,
            "form": form,
            "opts": self.opts,
            "original": user,
            "minutes": settings.IMPERSONATION_SECONDS // 60,
        }
        return TemplateResponse(request, TEMPLATE, context)


def _actor(request: HttpRequest) -> Any:
    return request.user
