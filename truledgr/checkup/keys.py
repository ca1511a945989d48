"""Whether the keys are fit for production and open what is stored."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.db.models import TextField
from django.db.models.functions import Cast

from core.encryption import EncryptedColumn, encrypted_columns, position_of_key
from core.rows import all_rows
from truledgr.checkup.findings import Finding, Status, area

NEW_ENCRYPTION_KEY = "openssl rand -base64 32 | tr +/ -_"
NEW_SECRET_KEY = "openssl rand -base64 48"  # noqa: S105
LOOKED_AT = 100  # rows at either end of a column


@area("keys")
def check_keys() -> Iterator[Finding]:
    problems = [*_built_in(), *_unreadable()]
    yield from problems
    if not problems:
        yield Finding("keys.open", Status.OK, "The keys open what is stored.")
    if older := len(settings.FIELD_ENCRYPTION_KEYS) - 1:
        yield Finding(
            "keys.old-encryption-keys",
            Status.OK,
            f"FIELD_ENCRYPTION_KEYS has {older} older {_keys(older)}.",
            "manage.py rotate_encryption_keys, then take the older ones out",
        )
    if fallbacks := len(settings.SECRET_KEY_FALLBACKS):
        yield Finding(
            "keys.fallbacks",
            Status.OK,
            f"SECRET_KEY_FALLBACKS has {fallbacks} {_keys(fallbacks)}.",
            "Take it out once every link that it signed has expired.",
        )


def _keys(number: int) -> str:
    return "key" if number == 1 else "keys"


def _built_in() -> Iterator[Finding]:
    if settings.DEBUG:
        return
    if settings.DEVELOPMENT_SECRET_KEY in {settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS}:
        yield Finding(
            "keys.development-secret-key",
            Status.FAILED,
            "SECRET_KEY is the one of development, which everybody knows.",
            f"Set SECRET_KEY to a new one: {NEW_SECRET_KEY}",
        )
    elif _is_weak(settings.SECRET_KEY):
        yield Finding(
            "keys.weak-secret-key",
            Status.FAILED,
            "SECRET_KEY is short or repeats itself.",
            f"Set SECRET_KEY to a new one: {NEW_SECRET_KEY}",
        )
    if settings.DEVELOPMENT_ENCRYPTION_KEY in settings.FIELD_ENCRYPTION_KEYS:
        yield Finding(
            "keys.development-encryption-key",
            Status.FAILED,
            "FIELD_ENCRYPTION_KEYS has the key of development, which everybody knows.",
            f"Put a new one before it ({NEW_ENCRYPTION_KEY}), run manage.py "
            "rotate_encryption_keys, and take the old one out",
        )


def _is_weak(key: str) -> bool:
    short, uniform = settings.SHORTEST_SECRET_KEY, settings.MINIMUM_VARIETY
    return len(key) < short or len(set(key)) < uniform


def _unreadable() -> Iterator[Finding]:
    """Look at the newest and the oldest value of each column: a lost key shows in one of them."""
    for column in encrypted_columns():
        if any(position_of_key(value) is None for value in _samples(column)):
            yield Finding(
                "keys.unreadable",
                Status.FAILED,
                f"No key of FIELD_ENCRYPTION_KEYS opens what is in {column.label}.",
                "Put the old key back, after the new one; manage.py rotate_encryption_keys "
                "--dry-run tells which rows are lost.",
            )


def _samples(column: EncryptedColumn) -> Iterator[str]:
    rows = all_rows(column.model, "default").filter(column.rows)
    for order in ("pk", "-pk"):
        # Most rows may be empty: of a session that has ended nothing is left to be read.
        near = rows.order_by(order)[:LOOKED_AT].values("pk")
        texts = rows.filter(pk__in=near).annotate(text=Cast(column.name, TextField()))
        text = texts.exclude(text="").exclude(text=None).values_list("text", flat=True).first()
        yield from column.values_in(text) if text else []
