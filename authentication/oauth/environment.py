"""Which other providers people may sign in with, read from environment variables.

``truledgr.settings`` calls it before any app is loaded, so it imports no model. What it answers
becomes allauth's ``SOCIALACCOUNT_PROVIDERS``: providers live in the environment, and no table
holds one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

NAME = re.compile(r"[a-z][a-z0-9]{0,29}(?:-[a-z0-9]+)*")
LONGEST_NAME = 30
TENANT = re.compile(r"common|organizations|consumers|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
RESERVED = frozenset({"google", "github", "microsoft", "apple"})

# Where the pages of each stand. Browsers hold a form, and every redirect that follows it, to the
# form-action of the page (Chromium and Safari do; CSP level 3, section 6.6.2.1).
ORIGINS = {
    "google": ("https://accounts.google.com",),
    "github": ("https://github.com",),
    "microsoft": ("https://login.microsoftonline.com", "https://login.live.com"),
    "apple": ("https://appleid.apple.com",),
}


class Reader(Protocol):
    """What ``truledgr.environment.Environment`` offers, as far as it is needed here."""

    def text(self, name: str, *, default: str = "", required_because: str = "") -> str: ...

    def flag(self, name: str, *, default: bool) -> bool: ...

    def words(
        self, name: str, *, default: tuple[str, ...] = (), required_because: str = ""
    ) -> list[str]: ...

    def names(self, prefix: str) -> list[str]: ...

    def refuse(self, name: str, message: str) -> None: ...


@dataclass(slots=True)
class Providers:
    """``settings`` is SOCIALACCOUNT_PROVIDERS; ``origins`` is for the form-action of the pages."""

    settings: dict[str, Any] = field(default_factory=dict)
    origins: list[str] = field(default_factory=list)

    def add(self, kind: str, apps: list[dict[str, Any]], origins: tuple[str, ...]) -> None:
        self.settings[kind]["APPS"] += apps
        self.origins += [origin for origin in origins if origin not in self.origins]


def read_providers(env: Reader, *, production: bool) -> Providers:
    """Every provider whose variables are set; what is half set or malformed is refused.

    ``production`` refuses issuers without TLS; otherwise one on this machine may have none.
    """
    found = Providers(
        settings={
            kind: {"provider_class": f"authentication.oauth.providers.{name}", "APPS": []}
            for kind, name in (
                ("google", "GoogleProvider"),
                ("github", "GitHubProvider"),
                ("microsoft", "MicrosoftProvider"),
                ("apple", "AppleProvider"),
                ("openid_connect", "OpenIDConnectProvider"),
            )
        }
    )
    _add_google(env, found)
    _add_github(env, found)
    _add_microsoft(env, found)
    _add_apple(env, found)
    for name in _issuer_names(env):
        _add_issuer(env, found, name, production=production)
    return found


def _whole(env: Reader, prefix: str, *parts: str) -> dict[str, str] | None:
    """The values of ``PREFIX_PART`` for every part; ``None`` when none is set.

    Those that are missing are refused as soon as one is there.
    """
    values = {part: env.text(f"{prefix}_{part}") for part in parts}
    if not any(values.values()):
        return None
    given = next(f"{prefix}_{part}" for part, value in values.items() if value)
    for part, value in values.items():
        if not value:
            env.refuse(f"{prefix}_{part}", f"is missing, while {given} is set.")
    return values


def _apps(
    env: Reader, prefix: str, app: dict[str, Any], *, tokens: bool = True
) -> list[dict[str, Any]]:
    """``app`` and, hidden, one for each further client id whose ID tokens are accepted.

    Phone apps have client ids of their own. Hidden ones have no button and no secret.
    """
    further = env.words(f"{prefix}_APP_CLIENT_IDS") if tokens else []
    hidden = {"secret": "", "settings": app["settings"] | {"hidden": True}}
    others = dict.fromkeys(client_id for client_id in further if client_id != app["client_id"])
    return [app, *(app | hidden | {"client_id": client_id} for client_id in others)]


def _add_google(env: Reader, found: Providers) -> None:
    values = _whole(env, "OAUTH_GOOGLE", "CLIENT_ID", "CLIENT_SECRET")
    if values is None:
        _refuse_orphans(env, "OAUTH_GOOGLE", "CLIENT_ID")
        return
    app = {
        "client_id": values["CLIENT_ID"],
        "secret": values["CLIENT_SECRET"],
        "settings": {"scope": ["openid", "profile", "email"], "trust_email": True},
    }
    found.add("google", _apps(env, "OAUTH_GOOGLE", app), ORIGINS["google"])


def _add_github(env: Reader, found: Providers) -> None:
    values = _whole(env, "OAUTH_GITHUB", "CLIENT_ID", "CLIENT_SECRET")
    if values is None:
        return
    app = {
        "client_id": values["CLIENT_ID"],
        "secret": values["CLIENT_SECRET"],
        "settings": {"scope": ["user:email"], "trust_email": True},
    }
    found.add("github", [app], ORIGINS["github"])


def _add_microsoft(env: Reader, found: Providers) -> None:
    values = _whole(env, "OAUTH_MICROSOFT", "CLIENT_ID", "CLIENT_SECRET")
    if values is None:
        _refuse_orphans(env, "OAUTH_MICROSOFT", "CLIENT_ID")
        return
    tenant = env.text("OAUTH_MICROSOFT_TENANT", default="common").lower()
    if not TENANT.fullmatch(tenant):
        env.refuse(
            "OAUTH_MICROSOFT_TENANT",
            f"is {tenant!r}. Set the tenant's id (a UUID), or common, organizations or consumers.",
        )
    app = {
        "client_id": values["CLIENT_ID"],
        "secret": values["CLIENT_SECRET"],
        # Whoever runs a tenant writes what they like into the e-mail addresses of its people.
        "settings": {"scope": ["User.Read"], "trust_email": False, "tenant": tenant},
    }
    found.add("microsoft", [app], ORIGINS["microsoft"])


def _add_apple(env: Reader, found: Providers) -> None:
    values = _whole(env, "OAUTH_APPLE", "CLIENT_ID", "TEAM_ID", "KEY_ID", "PRIVATE_KEY")
    if values is None:
        _refuse_orphans(env, "OAUTH_APPLE", "CLIENT_ID")
        return
    # One line is what most places that set variables can hold.
    pem = values["PRIVATE_KEY"].replace("\\n", "\n")
    if pem and not _is_p256_key(pem):
        env.refuse(
            "OAUTH_APPLE_PRIVATE_KEY",
            "is not the text of an AuthKey_….p8 file: a PEM private key on the curve P-256. "
            "Line breaks may be written as \\n.",
        )
    app = {
        "client_id": values["CLIENT_ID"],
        "secret": values["KEY_ID"],
        "key": values["TEAM_ID"],
        "settings": {"scope": ["name", "email"], "trust_email": True, "certificate_key": pem},
    }
    found.add("apple", _apps(env, "OAUTH_APPLE", app), ORIGINS["apple"])


def _is_p256_key(pem: str) -> bool:
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError):
        return False
    return isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP256R1)


def _issuer_names(env: Reader) -> list[str]:
    """The names in OAUTH_OIDC that can be used; the others are refused."""
    usable: list[str] = []
    for name in env.words("OAUTH_OIDC"):
        if not NAME.fullmatch(name) or len(name) > LONGEST_NAME or name in RESERVED:
            env.refuse(
                "OAUTH_OIDC",
                f"has the name {name!r}. A name is part of addresses: up to {LONGEST_NAME} small "
                f"letters, digits and hyphens, a letter first, and none of "
                f"{', '.join(sorted(RESERVED))}.",
            )
        elif name in usable:
            env.refuse("OAUTH_OIDC", f"has the name {name!r} twice.")
        else:
            usable.append(name)
    prefixes = tuple(f"{_prefix(name)}_" for name in usable)
    for variable in env.names("OAUTH_OIDC_"):
        if not variable.startswith(prefixes or ("\0",)):
            env.refuse(variable, "belongs to no name in OAUTH_OIDC. Add it there.")
    return usable


def _prefix(name: str) -> str:
    return f"OAUTH_OIDC_{name.upper().replace('-', '_')}"


def _add_issuer(env: Reader, found: Providers, name: str, *, production: bool) -> None:
    prefix = _prefix(name)
    because = f"OAUTH_OIDC names {name}."
    issuer = env.text(f"{prefix}_ISSUER", required_because=because)
    flaw = flaw_of_web_address(issuer, production=production) if issuer else ""
    if flaw:
        env.refuse(f"{prefix}_ISSUER", f"{flaw}. Set the issuer as its tokens spell it.")
    origins = env.words(f"{prefix}_ORIGINS")
    for origin in origins:
        if flaw_of_web_address(origin, production=production) or origin != origin_of(origin):
            env.refuse(f"{prefix}_ORIGINS", f"has {origin!r}. Set origins: https://login.example")
    app = {
        "provider_id": name,
        "name": env.text(f"{prefix}_NAME", default=name.replace("-", " ").title()),
        "client_id": env.text(f"{prefix}_CLIENT_ID", required_because=because),
        "secret": env.text(f"{prefix}_CLIENT_SECRET", required_because=because),
        "settings": {
            "scope": ["openid", "profile", "email"],
            "trust_email": env.flag(f"{prefix}_TRUST_EMAIL", default=False),
            "server_url": issuer,
        },
    }
    allowed = [] if flaw or not issuer else [origin_of(issuer)]
    found.add("openid_connect", _apps(env, prefix, app), (*allowed, *origins))


def _refuse_orphans(env: Reader, prefix: str, needed: str) -> None:
    """Refuse settings of a provider that is not there: somebody believes that it is."""
    for variable in env.names(f"{prefix}_"):
        env.refuse(f"{prefix}_{needed}", f"is missing, while {variable} is set.")


def flaw_of_web_address(address: str, *, production: bool) -> str:
    """What is wrong with ``address`` as a place of a provider; empty when nothing."""
    try:
        parts = urlsplit(address)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        return "cannot be read"
    if not host or any(c.isspace() or c in ";,'\"" for c in address):
        return "is no web address"
    if parts.query or parts.fragment or "@" in parts.netloc:
        return "has more than scheme, host and path"
    if parts.scheme == "https" or (
        parts.scheme == "http" and host in LOCAL_HOSTS and not production
    ):
        return ""
    return "is not https"


def origin_of(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"
