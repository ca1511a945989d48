"""docs/reference/settings.md: every environment variable, as the settings read it."""

from __future__ import annotations

import os
import runpy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from django.conf import settings

from truledgr.environment import Variable
from truledgr.reference.markdown import code, page, table
from truledgr.reference.variables import SECTIONS, Meaning

READERS = ("truledgr/settings.py", "gunicorn.conf.py")
INTRODUCTION = (
    "Everything that differs between machines is an environment variable, read once at the start. "
    "What is refused stops the start, with a sentence for each that says what to set. Without any "
    "of them this is a development set-up on SQLite. Those in **bold** are required in production "
    "(`DEBUG=0`)."
)
HEAD = ("variable", "type", "default", "meaning")

# What each reader of Environment takes, its default in words where it has none to write, and what
# it refuses.
KINDS = {
    "text": ("text", "", ""),
    "matching": ("text", "", "what is not like `{example}`"),
    "flag": ("`1` or `0`", "", "what is neither"),
    "number": ("whole number", "", "what is no whole number of at least {minimum}"),
    "words": ("list, by commas", "", ""),
    "fernet_keys": ("keys, by commas", "", "what is no Fernet key"),
    "database": ("URL", "SQLite in `db.sqlite3`", "other schemes, and a URL without a name"),
    "cache": ("URL", "memory of the process", "other schemes"),
    "mail_server": ("URL", "the console", "other schemes, and a URL without a host"),
    "sender": ("sender", "", "what is no address of mail"),
    "origin": ("origin", "", "a path, and in production plain HTTP"),
    "origins": ("origins, by commas", "", "a path, and in production plain HTTP"),
}


@dataclass(frozen=True, slots=True)
class Read:
    """A variable as it is read in production, and as in development; there ``None`` if not."""

    production: Variable
    development: Variable | None

    @property
    def is_required(self) -> bool:
        return self.production.is_required


def variables_read() -> dict[str, Read]:
    """Every variable that an installation reads, from running its settings twice."""
    development = _read_with({})
    production = _read_with(complete_environment())
    return {
        name: Read(variable, development.get(name))
        for name, variable in (development | production).items()
    }


def complete_environment() -> dict[str, str]:
    """One of production with everything set that makes the settings ask for more; no secrets."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    parts = {
        "GOOGLE": ("CLIENT_ID", "CLIENT_SECRET"),
        "MICROSOFT": ("CLIENT_ID", "CLIENT_SECRET"),
        "APPLE": ("CLIENT_ID", "TEAM_ID", "KEY_ID"),
        "OIDC_NAME": ("CLIENT_ID", "CLIENT_SECRET"),
    }
    return {
        "DEBUG": "0",
        "SECRET_KEY": "".join(map(chr, range(48, 110))),
        "FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "ALLOWED_HOSTS": "HOST",
        "DATABASE_URL": "postgres://HOST/NAME",
        **{f"OAUTH_{name}_{part}": "x" for name, own in parts.items() for part in own},
        "OAUTH_APPLE_PRIVATE_KEY": pem,
        "OAUTH_OIDC": "name",
        "OAUTH_OIDC_NAME_ISSUER": "https://issuer.example",
    }


def _read_with(environ: Mapping[str, str]) -> dict[str, Variable]:
    found: dict[str, Variable] = {}
    with _environment(environ):
        for reader in READERS:
            of_reader = runpy.run_path(str(Path(settings.BASE_DIR, reader)))["env"].variables
            found = of_reader | found
    return found


@contextmanager
def _environment(environ: Mapping[str, str]) -> Iterator[None]:
    kept = dict(os.environ)
    os.environ.clear()
    os.environ.update(environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(kept)


def settings_page() -> str:
    read = variables_read()
    parts = [INTRODUCTION]
    for section, meanings in SECTIONS.items():
        rows = [row(read[name], meaning) for name, meaning in meanings.items()]
        parts += [f"## {section}", table(HEAD, rows)]
    return page("Settings", *parts)


def row(read: Read, meaning: Meaning) -> tuple[str, ...]:
    variable = read.production
    kind, _default, refused = KINDS[variable.kind]
    refused = refused.format(example=variable.example, minimum=variable.minimum)
    is_bold = read.is_required and not meaning.default
    name = f"**{code(variable.name)}**" if is_bold else code(variable.name)
    more = f" [More](../{meaning.page})" if meaning.page else ""
    refusals = "; ".join(filter(None, [refused, meaning.refused]))
    says = f"{meaning.says} Refused: {refusals}." if refusals else meaning.says
    return name, kind, meaning.default or default_of(read), f"{says}{more}"


def default_of(read: Read) -> str:
    """In development first, and in production where it is another; secrets have none to show."""
    if read.is_required:
        return "none in production"
    of_kind = KINDS[read.production.kind][1]
    production = read.production.default
    development = read.development.default if read.development else production
    shown = code(production) or of_kind
    if development != production:
        shown = f"{shown or 'none'}; in development {code(development) or 'none'}"
    return shown
