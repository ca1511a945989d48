"""The button of the banner."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.generic import View

from authentication.impersonation.sessions import stop


@method_decorator(never_cache, name="dispatch")
class StopImpersonationView(LoginRequiredMixin, View):
    """Goes back to the caller's own session; whoever acts as nobody is led to the start page."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        impersonation = getattr(request, "impersonation", None)
        if impersonation is None:
            return redirect("home")
        if not stop(request):
            return redirect("account_login")
        messages.success(request, _("You act as yourself again."))
        return redirect("admin:users_user_change", impersonation.user.pk)
