"""Where people see what they are signed in with, and end what they do not know."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import Http404, HttpRequest
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.generic import TemplateView

from authentication import step_up
from authentication.views.changes import ChangeView
from core.errors import DomainError
from users.models import Device, EndReason, UserSession
from users.services import LONGEST_DEVICE_NAME, rename_device
from users.sessions import revoke_sessions

MOST_SHOWN = 100


def sessions_of(request: HttpRequest) -> Any:
    return UserSession.objects.active().filter(user=request.user.pk)


@method_decorator(never_cache, name="dispatch")
class SessionsView(LoginRequiredMixin, TemplateView):
    """The newest hundred, this one first. Two queries beside those that sign the request in."""

    template_name = "account/sessions.html"
    http_method_names = ["get", "head"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        session: Any = self.request.session
        rows = list(sessions_of(self.request).order_by("-last_activity_at", "-id")[:MOST_SHOWN])
        return super().get_context_data(
            sessions=sorted(rows, key=lambda row: row.pk != session.row_id),
            this=session.row_id,
            can_change=step_up.is_recent(self.request),
            **kwargs,
        )


class EndSessionView(ChangeView):
    """Ends one of the caller's sessions, not this one: that is signing out."""

    page = "account_sessions"

    def change(self, request: HttpRequest, **kwargs: Any) -> None:
        session: Any = request.session
        rows = sessions_of(request).filter(pk=kwargs["pk"]).exclude(pk=session.row_id)
        if not revoke_sessions(rows, reason=EndReason.REVOKED_BY_OWNER):
            raise DomainError(_("That session has ended already."))
        messages.success(request, _("The session is ended."))


class EndOtherSessionsView(ChangeView):
    page = "account_sessions"

    def change(self, request: HttpRequest, **kwargs: Any) -> None:
        session: Any = request.session
        rows = sessions_of(request).exclude(pk=session.row_id)
        ended = revoke_sessions(rows, reason=EndReason.REVOKED_BY_OWNER)
        text = ngettext("%d session is ended.", "%d sessions are ended.", ended)
        messages.success(request, text % ended)


@method_decorator(never_cache, name="dispatch")
class DevicesView(LoginRequiredMixin, TemplateView):
    """What the caller has signed in from, the newest hundred."""

    template_name = "account/devices.html"
    http_method_names = ["get", "head"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        session: Any = self.request.session
        here = UserSession.objects.filter(pk=session.row_id).values_list("device", flat=True)
        devices = Device.objects.filter(user=self.request.user.pk)
        return super().get_context_data(
            devices=devices.order_by("-last_seen_at", "-id")[:MOST_SHOWN],
            this=here.first(),
            can_change=step_up.is_recent(self.request),
            longest_name=LONGEST_DEVICE_NAME,
            **kwargs,
        )


class RenameDeviceView(ChangeView):
    page = "account_devices"

    def change(self, request: HttpRequest, **kwargs: Any) -> None:
        actor: Any = request.user
        device = Device.objects.filter(user=actor, pk=kwargs["pk"]).first()
        if device is None:
            raise Http404
        rename_device(actor=actor, device=device, name=request.POST.get("name", ""))
        messages.success(request, _("The name is changed."))
