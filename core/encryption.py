"""Secrets at rest: Fernet (AES-128-CBC with HMAC-SHA-256) under rotating keys."""

from __future__ import annotations

from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


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


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """Text that the database holds only encrypted; it cannot be searched."""

    def from_db_value(
        self, value: str | None, expression: Any, connection: BaseDatabaseWrapper
    ) -> str | None:
        return None if value is None else decrypt(value).decode()

    def get_prep_value(self, value: Any) -> Any:
        prepared = super().get_prep_value(value)
        return None if prepared is None else encrypt(str(prepared).encode())
