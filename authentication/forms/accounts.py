"""allauth's forms of sign-up, reset and verification: deleted users are nobody to them.

Each is there twice, for the pages (``ACCOUNT_FORMS``) and for the headless API.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from allauth.account.adapter import get_adapter
from allauth.account.forms import (
    ConfirmEmailVerificationCodeForm,
    ResetPasswordForm,
    SignupForm,
)
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.headless.account.inputs import RequestPasswordResetInput, SignupInput
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from authentication.api.answers import is_headless, refusal
from authentication.invited import refuse_other_address
from authentication.services.accounts import has_account
from authentication.services.password_resets import rehearse_reset_token
from users.models import User


class SignUpRules:
    """One account for an address; what the model refuses is an error at its field."""

    # The form's own, made plain for the type checker.
    cleaned_data: dict[str, Any]
    account_already_exists: bool

    def validate_unique_email(self, value: str) -> str:
        refuse_other_address(context.request, value)
        email: str = get_adapter().validate_unique_email(value)
        self.account_already_exists = has_account(email)
        return email

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean()  # type: ignore[misc]
        user = self._user()
        wanted = {"username", "email"} & cleaned.keys()
        try:
            user.clean_fields(exclude={f.name for f in User._meta.fields} - wanted)
        except ValidationError as error:
            self.add_error(None, error)  # type: ignore[attr-defined]
        return cleaned

    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        """Save; a known address takes as long, and answers the same, as an unknown one."""
        if self.account_already_exists:
            self._rehearse(request)
            return self._tried(request)
        try:
            with transaction.atomic():
                return self._tried(request)
        except IntegrityError:
            # Somebody else took the name or the address in this very moment.
            self.account_already_exists = has_account(self.cleaned_data["email"])
            if self.account_already_exists:
                return self._tried(request)
            raise ImmediateHttpResponse(_name_taken(request)) from None

    def _rehearse(self, request: HttpRequest) -> None:
        """Cost what a sign-up costs: make an account for an address of nobody, and undo it.

        The password hash and the writes take tens of milliseconds, which strangers can measure.
        """
        email = self.cleaned_data["email"]
        self.cleaned_data["email"] = f"{uuid4().hex}@nobody.invalid"
        self.account_already_exists = False
        try:
            with transaction.atomic():
                self.save(request)  # type: ignore[attr-defined]
                transaction.set_rollback(True)
        except IntegrityError:
            pass  # the name was taken in this very moment: nothing was made either
        finally:
            self.cleaned_data["email"] = email
            self.account_already_exists = True

    def _tried(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        result: tuple[User | None, HttpResponse | None] = super().try_save(request)  # type: ignore[misc]
        return result

    def _user(self) -> User:
        """Who this would become, unsaved."""
        return User(
            username=self.cleaned_data.get("username", ""),
            email=self.cleaned_data.get("email", ""),
        )


def _name_taken(request: HttpRequest) -> HttpResponse:
    adapter = get_adapter()
    message = str(adapter.error_messages["username_taken"])
    if is_headless(request):
        return refusal(message, code="username_taken", param="username")
    adapter.add_message(request, messages.ERROR, message=message)
    return redirect("account_signup")


class SignUpForm(SignUpRules, SignupForm):  # type: ignore[misc]
    """The page's. allauth checks the password against the name and address already."""


class SignUpInput(SignUpRules, SignupInput):  # type: ignore[misc]
    def clean_password(self) -> str:
        """Left to ``clean()``, which knows whose it is."""
        password: str = self.cleaned_data["password"]
        return password

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if password := cleaned.get("password"):
            try:
                get_adapter().clean_password(password, user=self._user())
            except ValidationError as error:
                self.add_error("password", error)
        return cleaned


class ResetRules:
    cleaned_data: dict[str, Any]
    users: list[User]

    def clean_email(self) -> str:
        """Find the one who has this address and may sign in, if anybody."""
        email: str = get_adapter().clean_email(self.cleaned_data["email"])
        self.users = list(User.objects.active().named(email))
        return email

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        if not self.users:
            rehearse_reset_token(email=self.cleaned_data["email"])
        email: str = super().save(request, **kwargs)  # type: ignore[misc]
        return email


class ResetForm(ResetRules, ResetPasswordForm):  # type: ignore[misc]
    """The page's."""


class ResetInput(ResetRules, RequestPasswordResetInput):  # type: ignore[misc]
    """The headless API's."""


class VerifyEmailForm(ConfirmEmailVerificationCodeForm):  # type: ignore[misc]
    def clean_code(self) -> str:
        """A right code for an address that a live user has meanwhile is refused like a wrong one.

        allauth counts deleted users, too; it has compared the code by then.
        """
        try:
            code: str = super().clean_code()
        except ValidationError as error:
            if error.code != "email_taken" or self._is_somebody_elses():
                raise
            code = self.cleaned_data["code"]
        return code

    def _is_somebody_elses(self) -> bool:
        holders = User.objects.alive().named(self.email or "")
        own = self.user.pk if self.user else None
        return bool(holders.exclude(pk=own).exists())
