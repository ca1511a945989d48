"""What mails need to know of where this installation is reached."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from truledgr.environment import HOST, Environment


def public_url(env: Environment, *, hosts: Collection[str], production: bool) -> str:
    """``PUBLIC_URL``, what links in mails start with; in production the one host of ``hosts``.

    Several hosts are refused there: a mail that is made outside of a request would have to guess.
    In development it may stay empty.
    """
    url = env.origin("PUBLIC_URL", needs_https=production)
    if url or not production:
        return url
    if env.text("PUBLIC_URL"):
        return ""  # refused by now, for another reason
    plain = {host.lower() for host in hosts if HOST.fullmatch(host.lower())}
    if len(plain) == 1:
        return f"https://{plain.pop()}"
    if hosts:
        env.refuse(
            "PUBLIC_URL",
            "is missing. ALLOWED_HOSTS does not name exactly one host, so say which one links "
            "in mails lead to: https://ledger.example.",
        )
    return ""


def sender_at(url: str) -> str:
    """The sender of mails, where nobody has said another."""
    return f"TruLedgr <no-reply@{urlsplit(url).hostname or 'localhost'}>"
