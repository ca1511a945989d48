"""Passkeys (WebAuthn credentials): asking a browser for one, and checking what it answers.

A passkey is a second factor here, never a way in by itself: what is asked for always belongs to
an account that has proven its password or provider, or to one that is signed in.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from hmac import compare_digest
from typing import Any, TypeAlias

from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django_otp_webauthn.exceptions import OTPWebAuthnApiError
from django_otp_webauthn.helpers import WebAuthnHelper
from django_otp_webauthn.models import (
    WebAuthnCredential,
    WebAuthnUserHandle,
    as_credential_descriptors,
)
from webauthn.helpers import (
    parse_attestation_object,
    parse_authentication_credential_json,
    parse_authenticator_data,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import UserVerificationRequirement

from core.audit import AuditSpec
from core.errors import ConflictError, DomainError
from core.json_values import flaw_of
from users.models import User, UserSession
from users.sessions import SessionStore

Passkey: TypeAlias = WebAuthnCredential
# The library's model knows nothing of the trail; this is what the trail may say of it.
Passkey.audit = AuditSpec(fields=("user", "name", "confirmed"), label="name")

CHALLENGE = "passkey_challenge"  # in the session, encrypted like all of it
ATTEMPTS = "passkey_attempts"  # in the session: answers since the sign-in that is named there
CHALLENGE_SECONDS = 300
LONGEST_ID = 1023  # bytes (WebAuthn level 3, section 7.1)
LONGEST_ANSWER = 32_768  # characters of JSON; real ones have about a thousand
# What py_webauthn lets through of an answer that is not what it says it is.
UNREADABLE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


class Purpose(StrEnum):
    """What a challenge was made for: an answer to it serves nothing else."""

    REGISTER = "register"
    SIGN_IN = "sign_in"
    STEP_UP = "step_up"


class PasskeyRefusedError(DomainError):
    """The answer of the authenticator proves nothing; ``reason`` says why, for the trail."""

    code = "passkey_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(_("This passkey was not accepted. Try again."), field="credential")
        self.reason = reason


class NoChallengeError(ConflictError):
    """Nothing was asked, the time is over, or the question has been answered already."""

    code = "passkey_challenge_missing"

    def __init__(self) -> None:
        super().__init__(_("The request for a passkey has run out. Start again."))


class PasskeyHelper(WebAuthnHelper):  # type: ignore[misc]
    """django-otp-webauthn's helper, for passkeys that come after another proof.

    User verification (PIN, fingerprint, face) is preferred: asked for, and recorded when given. It
    is not required, because a security key without it is still a second factor after a password.
    """

    def get_generate_authentication_options_kwargs(
        self, *, user: User, require_user_verification: bool
    ) -> dict[str, Any]:
        kwargs: dict[str, Any] = super().get_generate_authentication_options_kwargs(
            user=user, require_user_verification=require_user_verification
        )
        # The parent discourages it where it is not required.
        kwargs["user_verification"] = UserVerificationRequirement.PREFERRED
        kwargs["allow_credentials"] = as_credential_descriptors(passkeys_of(user))
        return kwargs


def passkeys_of(user: User) -> Any:
    """The confirmed passkeys of ``user``, oldest first."""
    return Passkey.objects.filter(user=user, confirmed=True).order_by("id")


# --- Challenges -----------------------------------------------------------------------------


def ask_to_register(request: HttpRequest, *, user: User) -> dict[str, Any]:
    """Start a registration: the options for ``navigator.credentials.create()``."""
    options, state = PasskeyHelper(request).register_begin(user)
    return _asked(request, Purpose.REGISTER, user, options, state)


def ask_for_passkey(request: HttpRequest, *, user: User, purpose: Purpose) -> dict[str, Any]:
    """Ask for a passkey that ``user`` has: the options for ``navigator.credentials.get()``.

    Raise ``ConflictError`` when there is none.
    """
    options, state = PasskeyHelper(request).authenticate_begin(
        user=user, require_user_verification=False
    )
    if not options.get("allowCredentials"):
        raise ConflictError(_("There is no passkey to use."))
    return _asked(request, purpose, user, options, state)


def _asked(
    request: HttpRequest,
    purpose: Purpose,
    user: User,
    options: dict[str, Any],
    state: dict[str, Any],
) -> dict[str, Any]:
    request.session[CHALLENGE] = {
        "state": state,
        "purpose": purpose,
        "user": str(user.pk),
        "until": int(time.time()) + CHALLENGE_SECONDS,
    }
    return options


def take_challenge(
    request: HttpRequest, *, purpose: Purpose, user: User, attempt_of: str = ""
) -> tuple[dict[str, Any], int]:
    """What the session was asked, once, and how many answers ``attempt_of`` has had with this one.

    Whoever answers second finds nothing. Raise ``NoChallengeError`` when there is no challenge for
    this purpose and user, or it is too old.
    """
    session: Any = request.session
    with transaction.atomic():
        rows = UserSession.objects.select_for_update(no_key=True).filter(pk=session.row_id)
        # Read again under the lock: a request at the same moment has the same copy.
        stored = SessionStore(session.session_key if rows.first() else None)
        asked = stored.pop(CHALLENGE, None)
        if asked is None:
            raise NoChallengeError
        before = stored.get(ATTEMPTS, {})
        count = before["count"] + 1 if before.get("of") == attempt_of else 1
        stored[ATTEMPTS] = {"of": attempt_of, "count": count}
        stored.save()
    session.pop(CHALLENGE, None)
    session[ATTEMPTS] = stored[ATTEMPTS]
    is_meant = asked["purpose"] == purpose and asked["user"] == str(user.pk)
    if not is_meant or asked["until"] <= time.time():
        raise NoChallengeError
    return asked["state"], count


# --- Answers --------------------------------------------------------------------------------


def read_answer(text: str) -> dict[str, Any]:
    """The JSON of an authenticator's answer; ``PasskeyRefusedError`` when it is none."""
    try:
        answer = json.loads(text) if len(text) <= LONGEST_ANSWER else None
    except (ValueError, RecursionError) as error:
        raise PasskeyRefusedError("not_json") from error
    return an_object(answer)


def an_object(answer: Any) -> dict[str, Any]:
    """``answer`` if it is a JSON object of a likely size; else ``PasskeyRefusedError``."""
    if not isinstance(answer, dict) or flaw_of(answer):
        raise PasskeyRefusedError("not_json")
    if len(json.dumps(answer)) > LONGEST_ANSWER:
        raise PasskeyRefusedError("too_long")
    return answer


def registered(
    *, user: User, state: dict[str, Any], answer: dict[str, Any]
) -> tuple[Passkey, dict[str, Any]]:
    """The passkey that the answer registers, saved without a name, and what is worth recording.

    Raise ``PasskeyRefusedError`` unless it proves a new passkey for this server.
    """
    with _refusals():
        credential = parse_registration_credential_json(answer)
        _refuse_embedded(credential.response.client_data_json)
        if len(credential.raw_id) > LONGEST_ID:
            raise PasskeyRefusedError("too_long")
        signed = parse_attestation_object(credential.response.attestation_object).auth_data
        attested = signed.attested_credential_data
        if attested is None or attested.credential_id != credential.raw_id:
            raise PasskeyRefusedError("other_id")
        return PasskeyHelper(None).register_complete(user, state, answer), _seen(signed.flags)


def proven(
    *, user: User, state: dict[str, Any], answer: dict[str, Any]
) -> tuple[Passkey, dict[str, Any]]:
    """The passkey of ``user`` that the answer proves, and what is worth recording about it.

    Its counter and time of use are saved. Call it with the user's row locked, so that of two
    answers at the same moment the second meets the counter of the first. Raise
    ``PasskeyRefusedError`` unless the passkey is confirmed, belongs to ``user`` and has signed
    the challenge for this server with a counter that grew.
    """
    with _refusals():
        credential = parse_authentication_credential_json(answer)
        _refuse_embedded(credential.response.client_data_json)
        digest = Passkey.get_credential_id_sha256(credential.raw_id)
        if not passkeys_of(user).filter(credential_id_sha256=digest).exists():
            raise PasskeyRefusedError("unknown_passkey")
        _refuse_handle_of_another(user, credential.response.user_handle)
        passkey = PasskeyHelper(None).authenticate_complete(user, state, answer)
        signed = parse_authenticator_data(credential.response.authenticator_data)
        return passkey, _seen(signed.flags)


def _seen(flags: Any) -> dict[str, Any]:
    return {"user_verified": flags.uv, "backed_up": flags.bs}


def _refuse_embedded(client_data_json: bytes) -> None:
    """No page of this server runs in a frame of another site, so no passkey answers from one."""
    if parse_client_data_json(client_data_json).cross_origin:
        raise PasskeyRefusedError("cross_origin")


def _refuse_handle_of_another(user: User, handle: bytes | None) -> None:
    """A user handle that is sent along is the account's own (WebAuthn level 3, section 7.2)."""
    own = WebAuthnUserHandle.get_handle_for_user(user)
    if handle and not compare_digest(handle, own):
        raise PasskeyRefusedError("user_handle")


@contextmanager
def _refusals() -> Iterator[None]:
    """Whatever is wrong with an answer is a refusal, never an error of the server."""
    try:
        yield
    except PasskeyRefusedError:
        raise
    except (WebAuthnException, OTPWebAuthnApiError, *UNREADABLE) as error:
        raise PasskeyRefusedError(type(error).__name__) from error
