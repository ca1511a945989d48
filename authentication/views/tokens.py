"""The page of personal access tokens: for programs that act as their owner."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.generic import TemplateView

from authentication import step_up
from authentication.forms.tokens import TokenForm
from authentication.models import APIToken
from authentication.services.api_tokens import create_api_token, revoke_api_token
from authentication.views.changes import ChangeView
from core.errors import DomainError

MOST_SHOWN = 100


@method_decorator(never_cache, name="dispatch")
class TokensView(LoginRequiredMixin, TemplateView):
    """The caller's tokens, those in use first; one query beside those that sign in."""

    template_name = "account/tokens.html"
    http_method_names = ["get", "head"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rows = APIToken.objects.filter(user=self.request.user.pk).defer("token_hash")
        tokens = list(rows.order_by("-id")[:MOST_SHOWN])
        return super().get_context_data(
            tokens=sorted(tokens, key=lambda token: not token.is_usable),
            form=kwargs.pop("form", None) or TokenForm(),
            can_change=step_up.is_recent(self.request),
            **kwargs,
        )


class MakeTokenView(ChangeView):
    """Makes a token and shows it, once."""

    page = "account_tokens"

    def change(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        actor: Any = request.user
        form = TokenForm(request.POST)
        if form.is_valid():
            try:
                token, secret = create_api_token(actor=actor, user=actor, **form.cleaned_data)
            except DomainError as error:
                form.add_error(error.field if error.field in form.fields else None, error.message)
            else:
                shown = {"token": token, "secret": secret}
                return render(request, "account/token_made.html", shown)
        view = TokensView()
        view.setup(request)
        return render(request, view.template_name, view.get_context_data(form=form))


class RevokeTokenView(ChangeView):
    page = "account_tokens"

    def change(self, request: HttpRequest, **kwargs: Any) -> None:
        actor: Any = request.user
        token = APIToken.objects.filter(user=actor, pk=kwargs["pk"]).first()
        if token is None:
            raise Http404
        revoke_api_token(actor=actor, token=token)
        messages.success(request, _("%s opens nothing any more.") % token.name)
