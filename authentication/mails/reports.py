"""The links by which somebody says "this was not me": what they name, and for how long."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse
from django.utils import timezone

from authentication.mails.addresses import base_url
from core.encryption import decrypt, encrypt
from core.security_events import Kind, note

PURPOSE = "not-me"  # other things are encrypted under the same keys
LIFETIME = timedelta(days=7)
LONGEST = 1000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Claim:
    """What a link names. ``email`` received it.

    ``may_restore``: the address was the account's own when the notice was sent, so that a report
    gives the account back to it. False for the new address in a notice of its change.
    """

    user_id: UUID
    notice: str
    session_id: UUID | None
    email: str
    may_restore: bool
    issued_at: datetime

    @property
    def has_expired(self) -> bool:
        return timezone.now() - self.issued_at > LIFETIME


def token_of(claim: Claim) -> str:
    """The claim, encrypted and authenticated: the link shows no address."""
    return encrypt(_row_of(claim)).rstrip("=")


def _row_of(claim: Claim) -> bytes:
    row = [
        PURPOSE,
        claim.user_id.hex,
        claim.notice,
        claim.session_id.hex if claim.session_id else "",
        claim.email,
        int(claim.may_restore),
        (claim.issued_at - EPOCH) // timedelta(microseconds=1),
    ]
    return json.dumps(row, separators=(",", ":")).encode()


def read(token: str) -> Claim | None:
    """The claim in a link; ``None`` when it is forged, garbled or older than ``LIFETIME``."""
    claim = _opened(token)
    if claim is None:
        note(Kind.TAMPERED_STATE, reason="not_me_link")
        return None
    return None if claim.has_expired else claim


def _opened(token: str) -> Claim | None:
    if len(token) > LONGEST:
        return None
    try:
        padding = "=" * (-len(token) % 4)
        row = json.loads(decrypt(token + padding))
        if not isinstance(row, list) or row[0] != PURPOSE:
            return None
        _purpose, user, notice, session, email, may_restore, issued_at = row
    except (ImproperlyConfigured, ValueError, TypeError):
        return None
    return Claim(
        user_id=UUID(user),
        notice=notice,
        session_id=UUID(session) if session else None,
        email=email,
        may_restore=bool(may_restore),
        issued_at=EPOCH + timedelta(microseconds=issued_at),
    )


def digest_of(claim: Claim) -> str:
    """What the audit trail keeps of a link that was used; two spellings of a link share it."""
    return sha256(_row_of(claim)).hexdigest()


def url_of(claim: Claim) -> str:
    return base_url() + reverse("account_not_me", args=[token_of(claim)])
