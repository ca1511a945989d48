"""How a password becomes the row's hash: NFKC, then a pepper where there is one, then Argon2id."""

from __future__ import annotations

import hashlib
import hmac
import logging
import unicodedata
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher

logger = logging.getLogger(__name__)

LONGEST_NORMALISED = 1_024
PEPPER_MARK = "$k="


def normalised(password: str) -> str:
    """The same text however it was typed: NFKC (NIST SP 800-63B-4, 3.1.1.2).

    Case and spaces at the ends stay. A lone surrogate becomes U+FFFD, so that no input raises.
    Above ``LONGEST_NORMALISED`` code points the text is left as it is: putting combining marks
    in order takes time that grows with the square of their number.
    """
    text = password.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text if len(text) > LONGEST_NORMALISED else unicodedata.normalize("NFKC", text)


def _peppers() -> dict[str, bytes]:
    """The keys of ``PASSWORD_PEPPERS`` by their ids, newest first."""
    keys = [key.encode() for key in getattr(settings, "PASSWORD_PEPPERS", [])]
    return {hashlib.sha256(b"pepper id:" + key).hexdigest()[:8]: key for key in keys}


def _peppered(password: str, key: bytes | None) -> str:
    text = normalised(password)
    return hmac.digest(key, text.encode(), "sha256").hex() if key else text


def _parted(encoded: str) -> tuple[str, str]:
    """Django's own form of the hash, and the id of its pepper or nothing."""
    bare, mark, pepper = encoded.rpartition(PEPPER_MARK)
    return (bare, pepper) if mark else (encoded, "")


class Argon2idHasher(Argon2PasswordHasher):
    """Argon2id, by default at OWASP's m=19 MiB, t=2, p=1: a tenth of the cost of Django's.

    ``PASSWORD_HASH_MEMORY`` (KiB) and ``PASSWORD_HASH_PASSES`` raise it; each password is hashed
    anew at its next sign-in.
    With ``PASSWORD_PEPPERS`` the password goes through HMAC-SHA-256 with the first of them, and
    the hash ends in ``$k=`` and that key's id. Hashes with another key, or with none, are still
    right and are made anew at the next sign-in; without their key they match nothing.
    """

    parallelism = 1

    @property
    def memory_cost(self) -> int:  # type: ignore[override]
        """Kibibytes."""
        memory: int = settings.PASSWORD_HASH_MEMORY
        return memory

    @property
    def time_cost(self) -> int:  # type: ignore[override]
        passes: int = settings.PASSWORD_HASH_PASSES
        return passes

    def encode(self, password: str, salt: str) -> str:
        for pepper, key in _peppers().items():
            return f"{super().encode(_peppered(password, key), salt)}{PEPPER_MARK}{pepper}"
        return super().encode(_peppered(password, None), salt)

    def decode(self, encoded: str) -> Any:
        bare, _pepper = _parted(encoded)
        return super().decode(bare)

    def verify(self, password: str, encoded: str) -> bool:
        bare, pepper = _parted(encoded)
        key = _peppers().get(pepper)
        is_right = super().verify(_peppered(password, key), bare)
        if pepper and key is None:
            logger.error("A password needs the pepper %s, which is not configured.", pepper)
            return False
        return is_right

    def must_update(self, encoded: str) -> bool:
        _bare, pepper = _parted(encoded)
        return pepper != next(iter(_peppers()), "") or super().must_update(encoded)
