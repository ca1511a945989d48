"""Everything that the database holds, as bytes to search: rows, logs, queued tasks."""

from __future__ import annotations

import base64

from django.db import connection


def database_bytes():
    """Each value of each row of each table, as a thief of a dump would read it."""
    parts = []
    with connection.cursor() as cursor:
        for table in sorted(connection.introspection.table_names(cursor)):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            for row in cursor.fetchall():
                parts += [f"\n{table}".encode(), *(as_bytes(value) for value in row)]
    return b"\x00".join(parts)


def as_bytes(value):
    if isinstance(value, memoryview | bytes | bytearray):
        return bytes(value)
    return str(value).encode()


def spellings(secret):
    """The secret itself, and the ways in which it could have been stored in clear."""
    raw = secret.encode()
    return {
        "itself": raw,
        "hexadecimal": raw.hex().encode(),
        "base64": base64.b64encode(raw).rstrip(b"="),
        "URL-safe base64": base64.urlsafe_b64encode(raw).rstrip(b"="),
        "without hyphens": raw.replace(b"-", b""),
    }


def found(secrets, dump):
    """The secrets (name to value) that the dump holds, each with its spelling."""
    return [
        (name, spelling)
        for name, secret in secrets.items()
        for spelling, stored in spellings(secret).items()
        if stored in dump
    ]
