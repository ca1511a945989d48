"""The stages that hold every sign-in: proving a second factor, and setting up a first one."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from allauth.account.stages import LoginStage
from django.contrib.sessions.backends.base import UpdateError
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from authentication.device_trust import is_trusted, note_pass
from authentication.models import TOTPDevice
from authentication.risk import must_ask_again
from authentication.second_factors import has_second_factor, second_factors_of
from authentication.services.second_factors import SignIn, start_totp


class FactorStage(LoginStage):  # type: ignore[misc]
    """A stage whose requests may come at the same moment, under one session key."""

    def abort(self) -> HttpResponse:
        """End the pending sign-in, unless another request has just finished it."""
        response: HttpResponse = super().abort()
        session = self.request.session
        # Whoever finished it holds the session now, under a new key.
        with suppress(UpdateError):
            session.save()
        session.modified = False
        return response


class OTPStage(FactorStage):
    """Asks those who have a confirmed second factor for it; lets the others pass.

    A device that its owner trusts passes too, unless the risk of this sign-in says otherwise.
    """

    key = "otp"
    urlname = "account_otp"

    def handle(self) -> tuple[HttpResponse | None, bool]:
        user = self.login.user
        if user is None or not has_second_factor(user):
            return None, True
        if is_trusted(self.request, user) and not must_ask_again(self.request, user):
            note_pass(self.request)
            return None, True
        factors = second_factors_of(user)
        # Counted by the devices and not here: a session loses what parallel requests write.
        self.state["began_at"] = timezone.now().isoformat()
        self.state["wrong_before"] = {
            device.persistent_id: device.wrong_codes for device in factors.guarded
        }
        return redirect(self.urlname), True

    @property
    def sign_in(self) -> SignIn:
        """What the wrong codes of this sign-in are counted by."""
        return SignIn(
            began_at=datetime.fromisoformat(self.state["began_at"]),
            wrong_before=self.state["wrong_before"],
        )


class EnrolmentStage(FactorStage):
    """Holds whoever must use a second factor and has none, until there is one.

    Each sign-in has an app of its own to confirm: whoever else knows the password never sees its
    secret, and what is confirmed first ends the others.
    """

    key = "enrol"
    urlname = "account_enrol_totp"

    def handle(self) -> tuple[HttpResponse | None, bool]:
        user = self.login.user
        if user is None or not user.must_use_second_factor or second_factors_of(user).lasting:
            return None, True
        if self.device is None:
            self.state["device"] = start_totp(actor=user, user=user).pk
        return redirect(self.urlname), True

    @property
    def device(self) -> TOTPDevice | None:
        """The app to confirm; ``None`` when it has been removed or another factor was faster."""
        user = self.login.user
        if "device" not in self.state or second_factors_of(user).lasting:
            return None
        devices = TOTPDevice.objects.filter(pk=self.state["device"], user=user, confirmed=False)
        return devices.select_related("user").first()
