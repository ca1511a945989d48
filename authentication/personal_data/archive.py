"""An export: a ZIP of JSON files, written as its rows are read."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import IO, Any
from uuid import UUID

from django.db import connections, router, transaction
from django.utils.translation import gettext as _

from core.audit import iso_utc
from core.personal_data import PersonalRows, declarations
from users.models import User

FORMAT, VERSION = "truledgr-export", 1
READABLE_BY_OWNER = 0o600 << 16


def file_name(user: User, moment: datetime) -> str:
    return f"truledgr-export-{user.get_username()}-{moment.astimezone(UTC):%Y-%m-%d}.zip"


@contextmanager
def snapshot() -> Iterator[None]:
    """One transaction that sees the database as it was when it began.

    Inside of another transaction it is as consistent as that one.
    """
    using = router.db_for_read(User)
    connection = connections[using]
    is_outermost = not connection.in_atomic_block
    with transaction.atomic(using=using):
        if is_outermost and connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


def write_archive(user: User, stream: IO[bytes], *, moment: datetime) -> dict[str, int]:
    """Write everything that is kept about ``user``; answer how many rows of each kind that was.

    ``stream`` need not seek. No more than a thousand rows are in memory at once.
    """
    counts: dict[str, int] = {}
    exported = [declared for declared in declarations() if declared.fields]
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_entry("README.txt", moment), _readme(exported))
        for declared in exported:
            with archive.open(
                _entry(f"{declared.name}.json", moment), "w", force_zip64=True
            ) as out:
                counts[declared.name] = _write_rows(declared, user, out)
        manifest = _manifest(user, exported, counts, moment)
        archive.writestr(_entry("manifest.json", moment), manifest)
    return counts


def _entry(name: str, moment: datetime) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, moment.astimezone(UTC).timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = READABLE_BY_OWNER
    return entry


def _write_rows(declared: PersonalRows, user: User, out: IO[bytes]) -> int:
    """One JSON array, a row on each line."""
    count = 0
    out.write(b"[")
    for row in declared.read(user):
        out.write(b",\n" if count else b"\n")
        out.write(json.dumps(row, ensure_ascii=False, default=_plain).encode())
        count += 1
    out.write(b"\n]\n" if count else b"]\n")
    return count


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return iso_utc(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"JSON has no {type(value).__name__}.")


def _manifest(
    user: User, exported: list[PersonalRows], counts: dict[str, int], moment: datetime
) -> str:
    files = [
        {"file": f"{declared.name}.json", "says": str(declared.says), "rows": counts[declared.name]}
        for declared in exported
    ]
    manifest = {
        "format": FORMAT,
        "version": VERSION,
        "made_at": iso_utc(moment),
        "user": str(user.pk),
        "username": user.get_username(),
        "files": files,
    }
    return json.dumps(manifest, ensure_ascii=False, indent=2) + "\n"


def _readme(exported: list[PersonalRows]) -> str:
    width = max(len(declared.name) for declared in exported) + len(".json")
    lines = [
        _("This is what TruLedgr keeps about you."),
        _("Keep it safe: it says from where and with what you sign in."),
        "",
        *(f"{declared.name + '.json':<{width}}  {declared.says}" for declared in exported),
        f"{'manifest.json':<{width}}  " + _("When this was made, and how many rows each file has."),
        "",
        _("Each file is a JSON array with one row on each line. Times are in UTC."),
        _("Passwords, keys, codes and tokens are not in it, nor what is about others."),
    ]
    return "\n".join(lines) + "\n"
