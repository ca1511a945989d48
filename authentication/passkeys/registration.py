"""Where a passkey may be added: in a session, or in a sign-in that waits for a first factor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from allauth.account.stages import LoginStageController
from django.http import HttpRequest, HttpResponse

from authentication import step_up
from authentication.passkeys.credentials import Passkey, Purpose, ask_to_register, take_challenge
from authentication.services.passkeys import add_passkey, refuse_too_many
from authentication.stages import EnrolmentStage
from users.models import User


@dataclass(frozen=True, slots=True)
class Registered:
    """A new passkey; the backup codes that came with it; the page that a sign-in goes on to."""

    passkey: Passkey
    codes: list[str]
    response: HttpResponse | None


@dataclass(frozen=True, slots=True)
class PasskeyRegistration:
    """``user`` may add a passkey in this request; ``stage`` is the pending one, if any.

    In a session, ``step_up.require()`` comes first.
    """

    request: HttpRequest
    user: User
    stage: Any = None

    @classmethod
    def of(cls, request: HttpRequest) -> Self | None:
        """``None`` when nobody is there who could add one."""
        if isinstance(request.user, User):
            return cls(request, request.user)
        stage = LoginStageController.enter(request, EnrolmentStage.key)
        # Somebody with the same password was faster: who proves it now has to use that factor.
        if stage is None or stage.device is None or not stage.login.user.can_sign_in:
            return None
        return cls(request, stage.login.user, stage)

    def options(self) -> dict[str, Any]:
        """For ``navigator.credentials.create()``; ``ConflictError`` when there are too many."""
        refuse_too_many(self.user)
        return ask_to_register(self.request, user=self.user)

    def finish(self, answer: dict[str, Any], *, name: str) -> Registered:
        """Add the passkey and verify the session by it, or go on with the sign-in.

        Raise ``DomainError`` for an answer that proves nothing, or a bad name.
        """
        state, _count = take_challenge(self.request, purpose=Purpose.REGISTER, user=self.user)
        passkey, codes = add_passkey(
            actor=self.user,
            user=self.user,
            name=name,
            state=state,
            answer=answer,
            must_be_first=self.stage is not None,
        )
        if self.stage is None:
            step_up.bind(self.request, passkey)
            return Registered(passkey, codes, None)
        self.stage.login.user.otp_device = passkey
        return Registered(passkey, codes, self.stage.exit())
