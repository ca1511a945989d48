"""The page that asks again for what a sign-in asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account.utils import get_next_redirect_url
from allauth.core import ratelimit
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import FormView

from authentication import step_up
from authentication.forms.second_factors import StepUpForm
from authentication.second_factors import second_factors_of
from core.errors import DomainError

# allauth keeps the request that it held back in the session, passwords included.
HELD_BACK = "account_reauthentication_state"

if TYPE_CHECKING:
    StepUpFormView = FormView[StepUpForm]
else:
    StepUpFormView = FormView


@method_decorator([never_cache, sensitive_post_parameters("password", "code")], name="dispatch")
class StepUpView(LoginRequiredMixin, StepUpFormView):
    """Goes on to ``next``, where whoever was sent here repeats what they wanted to do."""

    template_name = "account/step_up.html"
    form_class = StepUpForm

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        request.session.pop(HELD_BACK, None)
        return super().get(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not ratelimit.consume(request, action="reauthenticate", user=request.user):
            refusal: HttpResponse = ratelimit.respond_429(request)
            return refusal
        return super().post(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        user: Any = self.request.user
        self.factors = second_factors_of(user)
        return {
            **super().get_form_kwargs(),
            "factors": self.factors,
            "has_password": user.has_usable_password(),
        }

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)  # makes the form, which reads the factors
        return context | {
            "factors": self.factors,
            "next": self.next_url(),
            "must_sign_in_again": step_up.is_nothing_to_prove(self.request.user),
        }

    def next_url(self) -> str:
        return get_next_redirect_url(self.request) or reverse("account_second_factors")

    def form_valid(self, form: StepUpForm) -> HttpResponse:
        given = form.cleaned_data
        try:
            step_up.prove(
                self.request,
                password=given.get("password", ""),
                code=given.get("code", ""),
                app_id=given.get("app", ""),
            )
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
            return self.form_invalid(form)
        return redirect(self.next_url())
