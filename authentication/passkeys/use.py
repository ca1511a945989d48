"""Where a passkey may be used: in a pending sign-in, or in a session that steps up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from allauth.account.stages import LoginStageController
from django.http import HttpRequest, HttpResponse

from authentication import step_up
from authentication.passkeys.credentials import (
    PasskeyRefusedError,
    Purpose,
    ask_for_passkey,
    take_challenge,
)
from authentication.services.passkeys import prove_passkey, tell_of_refusals
from authentication.services.second_factors import MOST_WRONG_CODES
from authentication.stages import OTPStage
from users.models import User


class SignInOverError(Exception):
    """The pending sign-in has ended: too many refused passkeys."""


@dataclass(frozen=True, slots=True)
class PasskeyUse:
    """A passkey of ``user`` may be used in this request; ``stage`` is the pending one, if any."""

    request: HttpRequest
    user: User
    purpose: Purpose
    stage: Any = None

    @classmethod
    def of(cls, request: HttpRequest) -> Self | None:
        """What the request's session waits for; ``None`` when nobody is there to be asked."""
        if isinstance(request.user, User):
            return cls(request, request.user, Purpose.STEP_UP)
        stage = LoginStageController.enter(request, OTPStage.key)
        user = stage.login.user if stage else None
        # Switched off or deleted meanwhile: the sign-in starts over.
        if user is None or not user.can_sign_in:
            return None
        return cls(request, user, Purpose.SIGN_IN, stage)

    def options(self) -> dict[str, Any]:
        """For ``navigator.credentials.get()``; ``ConflictError`` when there is no passkey."""
        return ask_for_passkey(self.request, user=self.user, purpose=self.purpose)

    def finish(self, answer: dict[str, Any], *, password: str = "") -> HttpResponse | None:
        """Sign in, or step up, with the answer; the page to go on to, where that is known.

        Raise ``DomainError`` for an answer or a password that proves nothing, and
        ``SignInOverError`` at the fifth refusal of a sign-in.
        """
        if self.stage is not None:
            return self._sign_in(answer)
        step_up.prove_password(self.request, password)
        state, _count = take_challenge(self.request, purpose=self.purpose, user=self.user)
        passkey = prove_passkey(user=self.user, state=state, answer=answer)
        step_up.mark(self.request, device=passkey)
        return None

    def _sign_in(self, answer: dict[str, Any]) -> HttpResponse:
        began = str(self.stage.login.initiated_at)
        state, count = take_challenge(
            self.request, purpose=self.purpose, user=self.user, attempt_of=began
        )
        try:
            passkey = prove_passkey(user=self.user, state=state, answer=answer)
        except PasskeyRefusedError as error:
            tell_of_refusals(user=self.user, count=count)
            if count >= MOST_WRONG_CODES:
                self.stage.abort()
                raise SignInOverError from error
            raise
        # django-otp marks the session as verified by this device when the user signs in.
        self.user.otp_device = passkey  # type: ignore[attr-defined]
        response: HttpResponse = self.stage.exit()
        return response
