"""Verifying ID tokens (OpenID Connect Core 1.0, section 3.1.3.7), wherever they came from.

The signature is checked even where the standard lets it go because the token came straight from
the token endpoint over TLS.
"""

from __future__ import annotations

import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from hmac import compare_digest
from typing import Any

import jwt
import requests
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from django.core.cache import cache

from core.json_values import flaw_of
from users.models import User

# No HMAC, whose key would be the client secret, and no "none".
ALGORITHMS = frozenset(
    {
        "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
    }
)  # fmt: skip
CLOCK_SKEW_SECONDS = 30
LONGEST_LIFE_SECONDS = 30 * 24 * 3600
LONGEST_TOKEN = 16_384
MOST_KEYS = 100


class ProviderRefusedError(OAuth2Error):  # type: ignore[misc]
    """What a provider sent is not acceptable. The message holds nothing that it sent."""


class ClosedAccountError(ProviderRefusedError):
    """The identity belongs to ``owner``, who is switched off or deleted."""

    def __init__(self, owner: User) -> None:
        super().__init__("the owner of this identity cannot sign in")
        self.owner = owner


def nonce_of(code_verifier: str | None) -> str:
    """The nonce that belongs to a PKCE verifier.

    Both live in the session that began the sign-in. The verifier is a secret of 96 random bytes,
    and a hash of it tells nothing about it.
    """
    digest = sha256(f"nonce:{code_verifier}".encode()).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def verify_id_token(
    token: Any, *, keys_url: str, issuer: str, client_id: str, nonce: str | None
) -> dict[str, Any]:
    """The claims of ``token``; raise ``ProviderRefusedError`` unless every check passes.

    ``nonce`` is what the token must carry; ``None`` means that none was asked for, and that one
    in it is refused. A token is accepted once.
    """
    if not isinstance(token, str) or not token or len(token) > LONGEST_TOKEN:
        raise ProviderRefusedError("no ID token")
    try:
        header = jwt.get_unverified_header(token)
        algorithm = header.get("alg")
        if algorithm not in ALGORITHMS:
            raise ProviderRefusedError("the ID token is signed by no accepted algorithm")
        key = _signing_key(_fetch_keys(keys_url), key_id=header.get("kid"), algorithm=algorithm)
        claims: dict[str, Any] = jwt.decode(
            token,
            key=key,
            algorithms=[algorithm],
            issuer=issuer,
            audience=client_id,
            leeway=CLOCK_SKEW_SECONDS,
            options={"require": ["iss", "sub", "aud", "exp", "iat"]},
        )
    except (jwt.PyJWTError, TypeError, ValueError) as error:
        raise ProviderRefusedError(f"bad ID token: {type(error).__name__}") from error
    if not isinstance(claims["sub"], str) or not claims["sub"] or flaw_of(claims):
        raise ProviderRefusedError("the claims of the ID token cannot be stored")
    audience = claims["aud"]
    if isinstance(audience, list) and len(audience) > 1 and claims.get("azp") != client_id:
        raise ProviderRefusedError("the ID token was issued to another client")
    _check_nonce(claims.get("nonce"), nonce)
    _spend(token, expires_at=claims["exp"])
    return claims


def _check_nonce(found: Any, expected: str | None) -> None:
    if found is None and expected is None:
        return
    if (
        not isinstance(found, str)
        or not isinstance(expected, str)
        or not compare_digest(found.encode(), expected.encode())
    ):
        raise ProviderRefusedError("the nonce of the ID token is another one")


def _spend(token: str, *, expires_at: float) -> None:
    """Refuse a second use: an ID token that leaked opens nothing after its first use."""
    lifetime = max(1, int(expires_at - time.time()) + CLOCK_SKEW_SECONDS + 1)
    if lifetime > LONGEST_LIFE_SECONDS:
        raise ProviderRefusedError("the ID token lives too long to be remembered")
    if not cache.add(f"id-token:{sha256(token.encode()).hexdigest()}", 1, timeout=lifetime):
        raise ProviderRefusedError("the ID token was used before")


def fetch_json(address: str, *, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """A JSON object from a provider; raise ``RequestException`` or ``ProviderRefusedError``."""
    with get_adapter().get_requests_session() as session:
        response = session.get(address, headers=headers)
        response.raise_for_status()
        try:
            found = response.json()
        except requests.JSONDecodeError as error:
            raise ProviderRefusedError("the answer is not JSON") from error
    if not isinstance(found, dict) or flaw_of(found):
        raise ProviderRefusedError("the answer is no JSON object that can be used")
    return found


def _fetch_keys(keys_url: str) -> list[dict[str, Any]]:
    """The keys of a provider, fetched each time, so that a new one works and an old one ends."""
    keys = fetch_json(keys_url).get("keys")
    if not isinstance(keys, list) or len(keys) > MOST_KEYS:
        raise ProviderRefusedError("the key set is malformed")
    return [key for key in keys if isinstance(key, dict) and key.get("use", "sig") == "sig"]


def _signing_key(keys: list[dict[str, Any]], *, key_id: Any, algorithm: str) -> Any:
    """The key that the token names; where it names none, the only one that there is."""
    named = [key for key in keys if key.get("kid") == key_id] if key_id is not None else keys
    if len(named) != 1 or named[0].get("alg", algorithm) != algorithm:
        raise ProviderRefusedError("the key set has no key for the ID token")
    return jwt.PyJWK(named[0], algorithm=algorithm).key
