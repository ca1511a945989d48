"""Typed reading of environment variables, with every problem reported at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from environ import Env

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off"})
MAIL_PORTS = {"smtp": 25, "smtp+tls": 587, "smtp+ssl": 465}
CACHE_SCHEMES = ("redis", "rediss", "locmemcache", "dummycache")
# Neither is a full grammar: they keep out what is plainly not one, line breaks above all.
HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")
MAIL_ADDRESS = re.compile(r"[^\s@<>\",;]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable as it was asked for; ``default`` is what somebody would set to get it.

    ``kind`` is the name of the reader. The reference of settings is made from these.
    """

    name: str
    kind: str
    default: str = ""
    minimum: int | None = None
    example: str = ""
    is_required: bool = False


class RefusedEnvironmentError(ImproperlyConfigured):
    """``problems`` has the name of each variable that is unusable, and what to set."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        self.problems = problems
        lines = "".join(f"\n  - {name}: {message}" for name, message in problems)
        super().__init__(f"mend these environment variables first:{lines}")


class Environment:
    """Read variables from ``environ``; collect what is wrong until ``check()`` raises it.

    A reader answers its default after a problem, so that one start names all problems.
    ``variables`` are those that were asked for, as they were asked for first.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._problems: list[tuple[str, str]] = []
        self.variables: dict[str, Variable] = {}

    def refuse(self, name: str, message: str) -> None:
        """Note that ``name`` is unusable; the message says what to set."""
        self._problems.append((name, message))

    def check(self) -> None:
        """Raise ``RefusedEnvironmentError`` naming every problem met so far."""
        if self._problems:
            raise RefusedEnvironmentError(self._problems)

    def text(self, name: str, *, default: str = "", required_because: str = "") -> str:
        self._note(Variable(name, "text", default=default, is_required=bool(required_because)))
        value = self._environ.get(name, "").strip()
        if value:
            return value
        if required_because:
            self.refuse(name, f"is missing. {required_because}")
        return default

    def names(self, prefix: str) -> list[str]:
        """The variables that begin with ``prefix`` and say something, sorted."""
        return sorted(n for n, value in self._environ.items() if n.startswith(prefix) and value)

    def matching(self, name: str, pattern: str, *, default: str, example: str) -> str:
        """Text that the whole ``pattern`` matches; the refusal shows ``example``."""
        self._note(Variable(name, "matching", default=default, example=example))
        value = self.text(name, default=default)
        if not re.fullmatch(pattern, value):
            self.refuse(name, f"is {value!r}. Set something like {example}.")
            return default
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        self._note(Variable(name, "flag", default="1" if default else "0"))
        value = self.text(name).lower()
        if not value:
            return default
        if value not in TRUE | FALSE:
            self.refuse(name, f"is {value!r}. Set 1 or 0 (true/false, yes/no, on/off also work).")
        return value in TRUE

    def number(self, name: str, *, default: int, minimum: int = 0) -> int:
        self._note(Variable(name, "number", default=str(default), minimum=minimum))
        value = self.text(name)
        if not value:
            return default
        if not value.isascii() or not value.isdigit() or int(value) < minimum:
            self.refuse(name, f"is {value!r}. Set a whole number of at least {minimum}.")
            return default
        return int(value)

    def words(
        self, name: str, *, default: tuple[str, ...] = (), required_because: str = ""
    ) -> list[str]:
        is_required = bool(required_because)
        self._note(Variable(name, "words", default=",".join(default), is_required=is_required))
        value = self.text(name, required_because=required_because)
        if not value:
            return list(default)
        return [word.strip() for word in value.split(",") if word.strip()]

    def fernet_keys(self, name: str, *, default: str, required_because: str) -> list[str]:
        """Comma-separated Fernet keys, newest first: the first encrypts, all of them decrypt."""
        self._note(Variable(name, "fernet_keys", is_required=bool(required_because)))
        keys = self.words(name, default=(default,), required_because=required_because)
        for position, key in enumerate(keys, start=1):
            try:
                Fernet(key)
            except ValueError:
                self.refuse(
                    name,
                    f"key {position} is not a Fernet key. Make one with: "
                    "openssl rand -base64 32 | tr +/ -_",
                )
        return keys

    def database(self, name: str, *, default_file: Path) -> dict[str, Any]:
        """Django's DATABASES entry for a URL; SQLite in ``default_file`` when there is none."""
        self._note(Variable(name, "database"))
        value = self.text(name)
        default = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(default_file)}
        if not value:
            return default
        scheme = urlsplit(value).scheme
        if scheme not in {"postgres", "postgresql", "sqlite"}:
            self.refuse(
                name,
                f"has the scheme {scheme!r}. Set postgres://USER:PASSWORD@HOST:5432/NAME "
                "or sqlite:///FILE.",
            )
            return default
        try:
            config: dict[str, Any] = Env.db_url_config(value)
        except (ValueError, ImproperlyConfigured) as error:
            return self._malformed_url(name, error, default)
        if not config.get("NAME"):
            self.refuse(name, "names no database. End the URL in /NAME.")
        return config

    def cache(self, name: str) -> dict[str, Any]:
        """Django's CACHES entry for a URL; the process's own memory when there is none."""
        self._note(Variable(name, "cache"))
        value = self.text(name, default="locmemcache://")
        default: dict[str, Any] = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
        if urlsplit(value).scheme not in CACHE_SCHEMES:
            self.refuse(name, "has an unknown scheme. Set redis://HOST:6379/0, or leave it unset.")
            return default
        try:
            config: dict[str, Any] = Env.cache_url_config(
                value,
                backend="django.core.cache.backends.redis.RedisCache"
                if value.startswith("redis")
                else None,
            )
        except (ValueError, ImproperlyConfigured) as error:
            return self._malformed_url(name, error, default)
        return config

    def mail_server(self, name: str) -> dict[str, Any]:
        """Django's EMAIL_… settings for a URL; the console when there is none."""
        self._note(Variable(name, "mail_server"))
        value = self.text(name)
        default: dict[str, Any] = {
            "EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend",
            "EMAIL_HOST": "localhost",
            "EMAIL_PORT": 25,
            "EMAIL_HOST_USER": "",
            "EMAIL_HOST_PASSWORD": "",
            "EMAIL_USE_TLS": False,
            "EMAIL_USE_SSL": False,
        }
        if not value or value == "consolemail://":
            return default
        try:
            scheme = urlsplit(value).scheme
            config: dict[str, Any] = Env.email_url_config(value) if scheme in MAIL_PORTS else {}
        except (ValueError, ImproperlyConfigured) as error:
            return self._malformed_url(name, error, default)
        if not config.get("EMAIL_HOST"):
            self.refuse(
                name,
                "names no mail server. Set smtp+tls://USER:PASSWORD@HOST:587, smtp+ssl://… or "
                "smtp://…; characters such as @ and / in the password are written %40 and %2F.",
            )
            return default
        config["EMAIL_PORT"] = config["EMAIL_PORT"] or MAIL_PORTS[scheme]
        return default | {key: value for key, value in config.items() if value and key in default}

    def sender(self, name: str, *, default: str) -> str:
        """A ``From`` header: ``you@ledger.example`` or ``Ledger <you@ledger.example>``."""
        self._note(Variable(name, "sender", default=default))
        value = self.text(name, default=default)
        display_name, address = parseaddr(value)
        if not MAIL_ADDRESS.fullmatch(address) or value not in {
            address,
            f"{display_name} <{address}>",
            f'"{display_name}" <{address}>',
        }:
            self.refuse(
                name, f"is {value!r}. Set something like TruLedgr <no-reply@ledger.example>."
            )
            return default
        return value

    def origin(self, name: str, *, needs_https: bool) -> str:
        """``https://HOST`` or ``https://HOST:PORT``, without a path; empty when it is not set."""
        self._note(Variable(name, "origin"))
        value = self.text(name)
        return self._origin(name, value, needs_https=needs_https) if value else ""

    def origins(self, name: str, *, needs_https: bool) -> list[str]:
        """Origins as above, separated by commas, each once; none when it is not set."""
        self._note(Variable(name, "origins"))
        read = (self._origin(name, word, needs_https=needs_https) for word in self.words(name))
        return [origin for origin in dict.fromkeys(read) if origin]

    def _origin(self, name: str, value: str, *, needs_https: bool) -> str:
        value = value.removesuffix("/")
        try:
            parts = urlsplit(value)
            host, port = parts.hostname or "", parts.port
        except ValueError as error:
            self._malformed_url(name, error, {})
            return ""
        schemes = {"https"} if needs_https else {"https", "http"}
        written = f"{parts.scheme}://{host}" + (f":{port}" if port else "")
        if parts.scheme not in schemes or not HOST.fullmatch(host) or value.lower() != written:
            schemes_said = " or ".join(f"{scheme}://HOST" for scheme in sorted(schemes))
            self.refuse(name, f"has what is no origin. Set {schemes_said}, without a path.")
            return ""
        return written

    def _note(self, variable: Variable) -> None:
        self.variables.setdefault(variable.name, variable)

    def _malformed_url(
        self, name: str, error: Exception, default: dict[str, Any]
    ) -> dict[str, Any]:
        # The URL itself stays out of the message: it may hold a password.
        self.refuse(name, f"is not a URL that can be read ({type(error).__name__}).")
        return default
