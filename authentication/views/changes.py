"""What the pages of the account share: one change, asked for by a form, then back to its page."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.generic import View

from authentication import step_up
from core.errors import DomainError


class ChangeView(LoginRequiredMixin, View):
    """One change to what the caller owns, after a step-up; then back to ``page``."""

    http_method_names = ["post"]
    page: ClassVar[str]  # the name of the URL to come back to

    @method_decorator(never_cache)
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        is_change = request.user.is_authenticated and request.method == "POST"
        if is_change and not step_up.is_recent(request):
            back = urlencode({"next": reverse(self.page)})
            return redirect(f"{reverse('account_step_up')}?{back}")
        return super().dispatch(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            response = self.change(request, **kwargs)
        except DomainError as error:
            messages.error(request, error.message)
            response = None
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            response = None
        return response or redirect(self.page)

    def change(self, request: HttpRequest, **kwargs: Any) -> HttpResponse | None:
        """Do it; raise ``DomainError``, or answer the page to show in place of ``page``."""
        raise NotImplementedError
