"""Second factors in the headless API: proving one, setting the first one up, looking after them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from allauth.headless.base.views import AuthenticatedAPIView, AuthenticationStageAPIView
from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from authentication import device_trust, step_up
from authentication.api.factor_answers import (
    CHOICES,
    CODES,
    ENROLMENT,
    FACTOR,
    FLAG,
    REFUSED,
    TRUST_HELP,
    answer,
    choices,
    described,
    enrolment,
    refused,
    shown,
    signed_in,
    trust_given,
)
from authentication.forms.second_factors import CodeField
from authentication.forms.sign_ins import FlagField
from authentication.models import TOTPDevice
from authentication.second_factors import public_id_of, second_factors_of
from authentication.services.passkeys import rename_passkey
from authentication.services.second_factors import (
    check_code,
    confirm_totp,
    end_other_sessions,
    remove_factor,
    rename_app,
    replace_backup_codes,
    start_totp,
)
from authentication.stages import EnrolmentStage, OTPStage
from core.errors import ConflictError, DomainError

# Passkeys answer in the same words.
__all__ = [
    "CODES",
    "ENROLMENT",
    "FACTOR",
    "FLAG",
    "REFUSED",
    "SECOND_FACTOR_VIEWS",
    "FactorsAPIView",
    "NameInput",
    "choices",
    "described",
    "refused",
    "shown",
    "signed_in",
]

# --- During a sign-in -----------------------------------------------------------------------


def over(view: Any) -> HttpResponse:
    """End the pending sign-in: 401, and nothing is pending."""
    view.stage.abort()
    response: HttpResponse = view.respond_stage_error()
    return response


class OTPInput(forms.Form):
    code = CodeField()
    device = forms.CharField(
        required=False, max_length=64, help_text="The id of the app, where there are several."
    )
    trust_device = FlagField(help_text=TRUST_HELP)


class OTPView(AuthenticationStageAPIView):  # type: ignore[misc]
    """The pending step ``otp`` of a sign-in."""

    stage_class = OTPStage
    input_class = {"POST": OTPInput}
    documented_answers = {
        "get": {"200": described({**CHOICES, "can_trust_device": FLAG})},
        "post": {"409": REFUSED},
    }

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """What can be proven in the pending sign-in.

        The authenticator apps to choose from, whether there are backup codes and passkeys, and
        whether this device may be trusted to skip this step from now on.
        """
        user = self.stage.login.user
        data = {
            **choices(second_factors_of(user)),
            "can_trust_device": device_trust.is_possible(request, user),
        }
        return answer(request, data)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Prove a second factor by a code.

        Six digits are for an authenticator app, anything else is a backup code. The fifth wrong
        code ends the pending sign-in (401 without a pending flow). With `trust_device` this step
        is skipped on this device for some days; an app that asks for it gets a secret in
        `data.device_trust.secret`, shown only now, and sends it as `X-Device-Trust` with each
        sign-in, beside its `X-Device-ID`. Codes of a refusal: `incorrect_code`, `too_soon`,
        `factor_locked`, `no_device_trust` (409: no code is spent).
        """
        user = self.stage.login.user
        if not user.can_sign_in or not second_factors_of(user):
            return over(self)
        is_asked = self.input.cleaned_data["trust_device"]
        if is_asked:
            try:
                device_trust.refuse_impossible(request, user)
            except DomainError as error:
                return refused(request, error)
        checked = check_code(
            user=user,
            code=self.input.cleaned_data["code"],
            app_id=self.input.cleaned_data["device"],
            sign_in=self.stage.sign_in,
        )
        if checked.device is not None:
            # django-otp marks the session as verified by this device when the user signs in.
            user.otp_device = checked.device
            self.stage.exit()
            return signed_in(request, **(trust_given(request) if is_asked else {}))
        if checked.is_over:
            return over(self)
        return refused(request, checked.refusal)


class ConfirmInput(forms.Form):
    code = CodeField()
    name = forms.CharField(required=False, max_length=64)


class EnrolView(AuthenticationStageAPIView):  # type: ignore[misc]
    """The pending step ``enrol`` of a sign-in: a first second factor, for who must have one."""

    stage_class = EnrolmentStage
    input_class = {"POST": ConfirmInput}
    documented_answers = {"get": {"200": described(ENROLMENT)}}

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The secret of the authenticator app to set up, also as a QR code (SVG)."""
        device = self.stage.device
        if device is None or not self.stage.login.user.can_sign_in:
            return over(self)
        return answer(request, enrolment(device))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Confirm the app by its first code, and go on with the sign-in.

        The answer has ten backup codes in `data.backup_codes`, which are shown only now.
        """
        device = self.stage.device
        if device is None or not self.stage.login.user.can_sign_in:
            return over(self)
        try:
            codes = confirm_totp(
                actor=device.user, device=device, must_be_first=True, **self.input.cleaned_data
            )
        except ConflictError:
            return over(self)
        except DomainError as error:
            return refused(request, error)
        self.stage.login.user.otp_device = device
        self.stage.exit()
        return signed_in(request, backup_codes=codes)


# --- In a session ---------------------------------------------------------------------------


class FactorsAPIView(AuthenticatedAPIView):  # type: ignore[misc]
    """Whatever changes something needs a step-up; what a rule refuses is an answer."""

    def handle(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method not in {"GET", "HEAD", "OPTIONS"}:
            step_up.require(request)
        try:
            response: HttpResponseBase = super().handle(request, *args, **kwargs)
        except DomainError as error:
            return refused(request, error)
        return response


class NewFactorInput(forms.Form):
    name = forms.CharField(required=False, max_length=64)


class FactorsView(FactorsAPIView):
    """The caller's second factors."""

    input_class = {"POST": NewFactorInput}
    documented_answers = {
        "get": {
            "200": described(
                {
                    "factors": {"type": "array", "items": FACTOR},
                    "backup_codes_left": {"type": ["integer", "null"]},
                    "is_required": FLAG,
                }
            )
        },
        "post": {"200": described(ENROLMENT), "409": REFUSED},
    }

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """List your second factors.

        `backup_codes_left` is null for who has never had any; `is_required` says whether the
        last factor can be removed.
        """
        user: Any = request.user
        factors = second_factors_of(user)
        data = {
            "factors": [shown(device) for device in factors.lasting],
            "backup_codes_left": factors.backup.unused if factors.backup else None,
            "is_required": user.must_use_second_factor,
        }
        return answer(request, data)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Start to set up an authenticator app.

        It asks for nothing until its first code is posted to its own address, within 15 minutes.
        """
        user: Any = request.user
        device = start_totp(actor=user, user=user, **self.input.cleaned_data)
        return answer(request, enrolment(device))


class NameInput(forms.Form):
    name = forms.CharField(max_length=64)


class EndOthersInput(forms.Form):
    end_other_sessions = forms.BooleanField(
        required=False, help_text="Sign out everywhere but here."
    )


class NewCodeInput(ConfirmInput, EndOthersInput):
    """Both: the first code of an app, and whether to sign out elsewhere."""


class FactorView(FactorsAPIView):
    """One of the caller's second factors."""

    input_class = {"POST": NewCodeInput, "PATCH": NameInput, "DELETE": EndOthersInput}
    documented_answers = {
        "post": {
            "200": described({"factor": FACTOR, "backup_codes": CODES}, has_meta=True),
            "409": REFUSED,
        },
        "patch": {"200": described({"factor": FACTOR}), "409": REFUSED},
        "delete": {"200": described({}, has_meta=True), "409": REFUSED},
    }

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Confirm an authenticator app by its first code.

        The session is verified by it and gets a new token. With a first factor come ten backup
        codes, which are shown only now.
        """
        user: Any = request.user
        pending = TOTPDevice.objects.filter(user=user, confirmed=False).select_related("user")
        device = next((one for one in pending if public_id_of(one) == kwargs["id"]), None)
        if device is None:
            return self._unknown()
        given = self.input.cleaned_data
        codes = confirm_totp(actor=user, device=device, code=given["code"], name=given["name"])
        step_up.bind(request, device)
        self._end_others()
        data = {"factor": shown(device), "backup_codes": codes}
        return answer(request, data)

    def patch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Rename a second factor."""
        user: Any = request.user
        device = second_factors_of(user).named(kwargs["id"])
        if device is None:
            return self._unknown()
        name = self.input.cleaned_data["name"]
        if isinstance(device, TOTPDevice):
            rename_app(actor=user, device=device, name=name)
        else:
            device = rename_passkey(actor=user, passkey=device, name=name)
        return answer(request, {"factor": shown(device)})

    def delete(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Remove a second factor.

        Sessions that were verified by it are so no longer. The backup codes go with the last one,
        which is refused (409 `last_factor`) to who must have one.
        """
        user: Any = request.user
        device = second_factors_of(user).named(kwargs["id"])
        if device is None:
            return self._unknown()
        remove_factor(actor=user, device=device)
        step_up.forget(request)
        self._end_others()
        return answer(request, {})

    def _end_others(self) -> None:
        session: Any = self.request.session
        if self.input.cleaned_data["end_other_sessions"]:
            end_other_sessions(user=self.request.user, keep=session.row_id)

    def _unknown(self) -> HttpResponse:
        return answer(self.request, None, HTTPStatus.NOT_FOUND)


class BackupCodesView(FactorsAPIView):
    """The caller's backup codes."""

    documented_answers = {"post": {"200": described({"backup_codes": CODES}), "409": REFUSED}}

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Make ten new backup codes.

        They are shown only now, and end the old ones.
        """
        user: Any = request.user
        codes = replace_backup_codes(actor=user, user=user)
        return answer(request, {"backup_codes": codes})


SECOND_FACTOR_VIEWS: tuple[tuple[str, Any, str], ...] = (
    ("auth/otp", OTPView, "otp"),
    ("auth/enrol", EnrolView, "enrol"),
    ("account/second-factors", FactorsView, "second_factors"),
    ("account/second-factors/backup-codes", BackupCodesView, "backup_codes"),
    ("account/second-factors/<str:id>", FactorView, "second_factor"),
)
