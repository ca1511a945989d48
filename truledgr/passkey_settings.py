"""Where passkeys work: the domain that they belong to, and the pages that may ask for one."""

from __future__ import annotations

import re
from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

from truledgr.environment import Environment

LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
DOMAIN = re.compile(rf"{LABEL}(?:\.{LABEL})*")
LONGEST_DOMAIN = 253
LOCAL = "localhost"
# Browsers treat plain http on localhost as secure (W3C Secure Contexts, section 3.1). The ports
# are those that `make run PORT=…` is likely to get.
LOCAL_ORIGINS = ("http://localhost", *(f"http://localhost:{port}" for port in range(8000, 8100)))


def passkey_domain(env: Environment, *, hosts: Collection[str], production: bool) -> str:
    """``PASSKEY_DOMAIN``, the relying party id of WebAuthn.

    Without it: ``localhost`` in development, in production the one domain of ``hosts``. Several
    domains are refused, because a guess that changes later makes every passkey useless.
    """
    domain = env.text("PASSKEY_DOMAIN").lower()
    if domain:
        if not is_domain(domain):
            env.refuse(
                "PASSKEY_DOMAIN",
                f"is {domain!r}. Set a domain name such as ledger.example, without scheme or "
                "port; WebAuthn does not work with IP addresses.",
            )
            return LOCAL
        return domain
    if not production:
        return LOCAL
    domains = {host.lstrip(".").lower() for host in hosts if is_domain(host.lstrip(".").lower())}
    if len(domains) == 1:
        return domains.pop()
    if hosts:
        env.refuse(
            "PASSKEY_DOMAIN",
            "is missing. ALLOWED_HOSTS does not name exactly one domain, so say which one "
            "passkeys belong to: ledger.example serves its subdomains too.",
        )
    return LOCAL


def passkey_origins(env: Environment, *, domain: str) -> list[str]:
    """``PASSKEY_ORIGINS``: the origins (scheme, host, port) whose pages may ask for a passkey.

    Each is the domain or a subdomain of it, over https, or over http on localhost.
    """
    usual = LOCAL_ORIGINS if domain == LOCAL else (f"https://{domain}",)
    origins = env.words("PASSKEY_ORIGINS", default=usual)
    for origin in origins:
        if flaw := flaw_of_origin(origin, domain):
            env.refuse("PASSKEY_ORIGINS", f"has {origin!r}, which {flaw}.")
    return origins


def flaw_of_origin(origin: str, domain: str) -> str:
    """What is wrong with ``origin`` as a place for passkeys of ``domain``; empty when nothing."""
    try:
        parts = urlsplit(origin)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "cannot be read"
    if origin != f"{parts.scheme}://{host}" + (f":{port}" if port else ""):
        return f"is not like https://{domain} or https://{domain}:8443, all in lower case"
    if port == {"https": 443, "http": 80}.get(parts.scheme):
        return "names the usual port, which browsers leave out"
    if host != domain and not host.endswith(f".{domain}"):
        return f"lies outside {domain} (PASSKEY_DOMAIN)"
    if parts.scheme != "https" and not (parts.scheme == "http" and host == LOCAL):
        return "is not https"
    return ""


def is_domain(name: str) -> bool:
    """Whether ``name`` is a host name and no IP address."""
    if len(name) > LONGEST_DOMAIN or not DOMAIN.fullmatch(name):
        return False
    try:
        ip_address(name)
    except ValueError:
        return True
    return False
