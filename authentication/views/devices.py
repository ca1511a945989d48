"""Where people see what they have signed in from, and take trust away."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import Http404, HttpRequest
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.generic import TemplateView

from authentication import device_trust, step_up
from authentication.services.devices import report_device
from authentication.views.changes import ChangeView
from users.models import Device, UserSession
from users.services import LONGEST_DEVICE_NAME, rename_device

MOST_SHOWN = 100


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
            now=timezone.now(),
            can_change=step_up.is_recent(self.request),
            longest_name=LONGEST_DEVICE_NAME,
            **kwargs,
        )


class DeviceChangeView(ChangeView):
    """A change to one of the caller's own devices."""

    page = "account_devices"

    def device(self) -> Device:
        device = Device.objects.filter(user=self.request.user.pk, pk=self.kwargs["pk"]).first()
        if device is None:
            raise Http404
        return device


class RenameDeviceView(DeviceChangeView):
    def change(self, request: HttpRequest, **kwargs: Any) -> None:
        actor: Any = request.user
        rename_device(actor=actor, device=self.device(), name=request.POST.get("name", ""))
        messages.success(request, _("The name is changed."))


class DistrustDeviceView(DeviceChangeView):
    def change(self, request: HttpRequest, **kwargs: Any) -> None:
        actor: Any = request.user
        device_trust.distrust(actor=actor, device=self.device())
        messages.success(request, _("The device is asked for a code again."))


class ReportDeviceView(DeviceChangeView):
    """Says that a stranger signed in from a device."""

    def change(self, request: HttpRequest, **kwargs: Any) -> None:
        actor: Any = request.user
        session: Any = request.session
        report = report_device(actor=actor, device=self.device(), this=session.row_id)
        text = ngettext(
            "The device is reported, and its %d session is ended. A link to set a new password "
            "is on its way to you: whoever it was knows the old one.",
            "The device is reported, and its %d sessions are ended. A link to set a new password "
            "is on its way to you: whoever it was knows the old one.",
            report.sessions,
        )
        messages.success(request, text % report.sessions)
