"""Making, spelling and hashing the secrets that people and programs sign in with."""

from __future__ import annotations

import base64
import hashlib
import secrets
import string
import zlib

BACKUP_CODES = 10
BACKUP_CODE_LENGTH = 16  # characters of base32: 80 bits
# The codes are random and long, so a low cost is enough (NIST SP 800-63B-4, 3.1.2.2).
BACKUP_CODE_ITERATIONS = 20_000

TOKEN_PREFIX = "tl_pat_"  # noqa: S105
TOKEN_SECRET_LENGTH = 40  # characters of base62: 238 bits
TOKEN_CHECKSUM_LENGTH = 6  # characters of base62
BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase


def new_totp_secret() -> str:
    """160 random bits (RFC 4226, section 4) as unpadded base32."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def totp_key(secret: str) -> bytes:
    return base64.b32decode(secret)


def new_salt() -> str:
    return secrets.token_hex(16)


def new_backup_code() -> str:
    """Four groups of four base32 characters, such as ``k2f7-q3ma-77xd-o5ze``."""
    code = base64.b32encode(secrets.token_bytes(BACKUP_CODE_LENGTH * 5 // 8)).decode().lower()
    return "-".join(code[start : start + 4] for start in range(0, len(code), 4))


def hash_backup_code(code: str, *, salt: str) -> str:
    """PBKDF2-HMAC-SHA-256 of the code; case, spaces and hyphens do not count."""
    plain = "".join(code.split()).replace("-", "").lower()
    return hashlib.pbkdf2_hmac(
        "sha256", plain.encode(), bytes.fromhex(salt), BACKUP_CODE_ITERATIONS
    ).hex()


def new_api_token() -> str:
    """``tl_pat_``, 40 random characters, and a checksum that tells a typo without a look-up."""
    secret = "".join(secrets.choice(BASE62) for _ in range(TOKEN_SECRET_LENGTH))
    return f"{TOKEN_PREFIX}{secret}{_checksum(secret)}"


def is_well_formed(token: str) -> bool:
    """Whether prefix, length, alphabet and checksum fit; says nothing of its validity."""
    body = token.removeprefix(TOKEN_PREFIX)
    if body == token or len(body) != TOKEN_SECRET_LENGTH + TOKEN_CHECKSUM_LENGTH:
        return False
    secret, checksum = body[:TOKEN_SECRET_LENGTH], body[TOKEN_SECRET_LENGTH:]
    return set(body) <= set(BASE62) and _checksum(secret) == checksum


def hash_api_token(token: str) -> str:
    """SHA-256: the token has 238 random bits, so that a slow hash would add nothing."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_reset_token() -> str:
    """256 random bits, in characters that a link may hold."""
    return secrets.token_urlsafe(32)


def hash_reset_token(token: str) -> str:
    """SHA-256: the token has 256 random bits, so that a slow hash would add nothing.

    Any text may be asked about, one that is no Unicode included.
    """
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


def _checksum(secret: str) -> str:
    number = zlib.crc32(secret.encode())
    digits = []
    for _ in range(TOKEN_CHECKSUM_LENGTH):
        number, digit = divmod(number, len(BASE62))
        digits.append(BASE62[digit])
    return "".join(reversed(digits))
