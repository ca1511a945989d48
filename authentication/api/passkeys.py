"""Passkeys in the headless API, for apps and browsers: sign in, step up, keep them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from allauth.core import ratelimit
from allauth.headless.base.response import (
    RateLimitResponse,
    UnauthorizedResponse,
)
from allauth.headless.base.views import APIView
from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from authentication import device_trust, step_up
from authentication.api.factor_answers import (
    CODES,
    FACTOR,
    REFUSED,
    TRUST_HELP,
    answer,
    described,
    refused,
    shown,
    signed_in,
    trust_given,
)
from authentication.api.second_factors import EndOthersInput, FactorsAPIView, NameInput
from authentication.forms.sign_ins import FlagField
from authentication.passkeys.credentials import PasskeyRefusedError, Purpose, an_object, passkeys_of
from authentication.passkeys.registration import PasskeyRegistration
from authentication.passkeys.use import PasskeyUse, SignInOverError
from authentication.second_factors import public_id_of
from authentication.services.passkeys import rename_passkey
from authentication.services.second_factors import LONGEST_NAME, end_other_sessions, remove_factor
from core.errors import DomainError
from users.models import User


class AnswerInput(forms.Form):
    credential = forms.JSONField(
        help_text="The answer of the authenticator, as PublicKeyCredential.toJSON() has it."
    )

    def clean_credential(self) -> dict[str, Any]:
        try:
            return an_object(self.cleaned_data["credential"])
        except PasskeyRefusedError as error:
            raise ValidationError(error.message, code=error.code) from error


class NewPasskeyInput(AnswerInput, EndOthersInput):
    name = forms.CharField(required=False, max_length=LONGEST_NAME)


class UseInput(AnswerInput):
    password = forms.CharField(
        required=False,
        strip=False,
        max_length=4096,
        help_text="To step up: the account's password, if it has one.",
    )
    trust_device = FlagField(help_text=TRUST_HELP + " For a sign-in.")


def unauthorized(request: HttpRequest) -> HttpResponse:
    """allauth's answer to who has to start over: what there is to begin with."""
    response: HttpResponse = UnauthorizedResponse(request)
    return response


OPTIONS: dict[str, Any] = {
    "type": "object",
    "properties": {"publicKey": {"type": "object"}},
    "description": "For navigator.credentials, binary values in base64url; good for five minutes.",
}


# --- Using one ------------------------------------------------------------------------------


class UseAPIView(APIView):  # type: ignore[misc]
    """For a pending sign-in, or a session that steps up; what a rule refuses is an answer."""

    def handle(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        use = PasskeyUse.of(request)
        if use is None:
            return unauthorized(request)
        self.use = use
        try:
            response: HttpResponseBase = super().handle(request, *args, **kwargs)
        except DomainError as error:
            return refused(request, error)
        return response


class PasskeyOptionsView(UseAPIView):
    documented_answers = {
        "post": {"200": described({"request_options": OPTIONS}, has_meta=True), "409": REFUSED}
    }

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Ask for a passkey.

        For the pending step `otp` of a sign-in, or for a session that steps up. Each answer has a
        new challenge, which ends the one before. 409 for an account without passkeys.
        """
        return answer(request, {"request_options": {"publicKey": self.use.options()}})


class PasskeyView(UseAPIView):
    input_class = {"POST": UseInput}
    documented_answers = {"post": {"409": REFUSED}}

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Prove a passkey.

        It finishes the pending sign-in, with `trust_device` as in `auth/otp`; in a session it steps
        up, together with the password. Codes of a refusal: `passkey_refused`,
        `passkey_challenge_missing` (409: nothing was asked, it is too old, or answered already),
        `no_device_trust` (409), and those of stepping up. The fifth refused passkey ends a pending
        sign-in (401).
        """
        if self.use.purpose == Purpose.STEP_UP and not ratelimit.consume(
            request, action="reauthenticate", user=request.user
        ):
            too_many: HttpResponse = RateLimitResponse(request)
            return too_many
        given = self.input.cleaned_data
        is_asked = given["trust_device"] and self.use.purpose == Purpose.SIGN_IN
        if is_asked:
            device_trust.refuse_impossible(request, self.use.user)
        try:
            self.use.finish(given["credential"], password=given["password"])
        except SignInOverError:
            return unauthorized(request)
        return signed_in(request, **(trust_given(request) if is_asked else {}))


# --- Keeping them ---------------------------------------------------------------------------


class RegistrationAPIView(APIView):  # type: ignore[misc]
    """For a session that stepped up, or a sign-in that waits for a first second factor."""

    def handle(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        registration = PasskeyRegistration.of(request)
        if registration is None:
            return unauthorized(request)
        if registration.stage is None and request.method != "GET":
            step_up.require(request)
        self.registration = registration
        try:
            response: HttpResponseBase = super().handle(request, *args, **kwargs)
        except DomainError as error:
            return refused(request, error)
        return response


class PasskeysView(RegistrationAPIView):
    documented_answers = {
        "get": {"200": described({"passkeys": {"type": "array", "items": FACTOR}})},
        "post": {"200": described({"creation_options": OPTIONS}, has_meta=True), "409": REFUSED},
    }

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """List your passkeys."""
        rows = [shown(passkey) for passkey in passkeys_of(self.registration.user)]
        return answer(request, {"passkeys": rows})

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Begin to add a passkey.

        In a session after a step-up, or in the pending step `enrol` of a sign-in. 409 where there
        are twenty already.
        """
        options = self.registration.options()
        return answer(request, {"creation_options": {"publicKey": options}})


class CompletePasskeyView(RegistrationAPIView):
    input_class = {"POST": NewPasskeyInput}
    documented_answers = {
        "post": {
            "200": described({"factor": FACTOR, "backup_codes": CODES}, has_meta=True),
            "409": REFUSED,
        }
    }

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Add the passkey that answers the options.

        The session is verified by it and gets a new token; a pending sign-in is finished. With a
        first factor come ten backup codes, which are shown only now. Codes of a refusal:
        `passkey_refused`, `passkey_challenge_missing` (409).
        """
        given = self.input.cleaned_data
        done = self.registration.finish(given["credential"], name=given["name"])
        if given["end_other_sessions"]:
            end_others(request, self.registration.user)
        data = {"factor": shown(done.passkey), "backup_codes": done.codes}
        if self.registration.stage is not None:
            return signed_in(request, **data)
        return answer(request, data)


class OwnPasskeyView(FactorsAPIView):
    input_class = {"PATCH": NameInput, "DELETE": EndOthersInput}
    documented_answers = {
        "patch": {"200": described({"factor": FACTOR}), "409": REFUSED},
        "delete": {"200": described({}, has_meta=True), "409": REFUSED},
    }

    def patch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Rename a passkey."""
        passkey = self._own(kwargs["id"])
        if passkey is None:
            return answer(request, None, HTTPStatus.NOT_FOUND)
        user: Any = request.user
        name = self.input.cleaned_data["name"]
        renamed = rename_passkey(actor=user, passkey=passkey, name=name)
        return answer(request, {"factor": shown(renamed)})

    def delete(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Remove a passkey.

        Sessions that were verified by it are so no longer. The backup codes go with the last
        second factor, which is refused (409 `last_factor`) to who must have one.
        """
        passkey = self._own(kwargs["id"])
        if passkey is None:
            return answer(request, None, HTTPStatus.NOT_FOUND)
        user: Any = request.user
        remove_factor(actor=user, device=passkey)
        step_up.forget(request)
        if self.input.cleaned_data["end_other_sessions"]:
            end_others(request, user)
        return answer(request, {})

    def _own(self, public_id: str) -> Any:
        own = passkeys_of(self.request.user)
        return next((passkey for passkey in own if public_id_of(passkey) == public_id), None)


def end_others(request: HttpRequest, user: User) -> None:
    session: Any = request.session
    end_other_sessions(user=user, keep=session.row_id)


PASSKEY_VIEWS: tuple[tuple[str, Any, str], ...] = (
    ("auth/passkey", PasskeyView, "passkey"),
    ("auth/passkey/options", PasskeyOptionsView, "passkey_options"),
    ("account/passkeys", PasskeysView, "passkeys"),
    ("account/passkeys/complete", CompletePasskeyView, "complete_passkey"),
    ("account/passkeys/<str:id>", OwnPasskeyView, "manage_passkey"),
)
