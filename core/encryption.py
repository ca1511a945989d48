"""Secrets at rest: Fernet (AES-128-CBC with HMAC-SHA-256) under rotating keys."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Q

# A Fernet token: version 128, a time, a vector, at least one block and the MAC, in base64url.
TOKEN = re.compile(r"\bgAAAA[A-Za-z0-9_-]{93,}={0,2}")
NEWEST = 0  # the position in FIELD_ENCRYPTION_KEYS of the key that encrypts


def _fernet() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.FIELD_ENCRYPTION_KEYS])


def encrypt(plaintext: bytes) -> str:
    """Encrypt under the newest key."""
    return _fernet().encrypt(plaintext).decode()


def decrypt(token: bytes | str) -> bytes:
    """Decrypt under whichever key fits; ``ImproperlyConfigured`` when none does."""
    try:
        return _fernet().decrypt(token)
    except InvalidToken:
        raise ImproperlyConfigured(
            "No key in FIELD_ENCRYPTION_KEYS opens a stored secret: put the old key back, "
            "after the new one."
        ) from None


def key_names() -> list[str]:
    """A short name for each key, newest first, that tells nothing about it."""
    return [
        hashlib.sha256(b"name:" + key.encode()).hexdigest()[:8]
        for key in settings.FIELD_ENCRYPTION_KEYS
    ]


def position_of_key(token: str) -> int | None:
    """Which key opens ``token``; nothing when none does."""
    for position, key in enumerate(settings.FIELD_ENCRYPTION_KEYS):
        try:
            Fernet(key).decrypt(token)
        except InvalidToken:
            continue
        return position
    return None


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """Text that the database holds only encrypted; it cannot be searched."""

    def from_db_value(
        self, value: str | None, expression: Any, connection: BaseDatabaseWrapper
    ) -> str | None:
        return None if value is None else decrypt(value).decode()

    def get_prep_value(self, value: Any) -> Any:
        prepared = super().get_prep_value(value)
        return None if prepared is None else encrypt(str(prepared).encode())


# --- Where encrypted values stand -----------------------------------------------------------


def whole(text: str) -> list[str]:
    """The one encrypted value of a column that holds nothing else; none in an empty one."""
    return [text] if text else []


def values_within(text: str) -> list[str]:
    """The encrypted values somewhere in a text such as JSON."""
    return TOKEN.findall(text)


@dataclass(frozen=True, slots=True)
class EncryptedColumn:
    """A column that ``rotate_encryption_keys`` re-encrypts.

    ``values_in`` answers the encrypted values in the column's text, which are then replaced
    there. ``rows`` leaves out what nobody will read again.
    """

    model: type[models.Model]
    name: str
    rows: Q = field(default_factory=Q)
    values_in: Callable[[str], list[str]] = whole

    @property
    def label(self) -> str:
        return f"{self.model._meta.label}.{self.name}"


_registered: dict[str, EncryptedColumn] = {}


def register(column: EncryptedColumn) -> None:
    """Tell of a column that is encrypted in another way than by ``EncryptedTextField``.

    Apps do so when they are ready; registering a column again replaces it.
    """
    _registered[column.label] = column


def encrypted_columns() -> list[EncryptedColumn]:
    """Every ``EncryptedTextField`` of a table of its own, and what apps have registered."""
    return sorted([*_encrypted_fields(), *_registered.values()], key=lambda column: column.label)


def _encrypted_fields() -> Iterator[EncryptedColumn]:
    for model in apps.get_models(include_auto_created=True):
        if model._meta.managed and not model._meta.proxy:
            for column in model._meta.local_concrete_fields:
                if isinstance(column, EncryptedTextField):
                    yield EncryptedColumn(model, column.name)
