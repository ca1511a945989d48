"""Whether the static files of this version were collected, in production."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage, staticfiles_storage

from truledgr.checkup.findings import Finding, Status, area

OURS = Path(__file__).resolve().parent.parent / "static"
COLLECT = "manage.py collectstatic --no-input"


@area("static", asks_database=False)
def check_static_files() -> Iterator[Finding]:
    if not isinstance(staticfiles_storage, ManifestStaticFilesStorage):
        yield Finding("static.not-needed", Status.OK, "Static files come from where they are.")
        return
    known = staticfiles_storage.hashed_files
    names = [str(path.relative_to(OURS)) for path in OURS.rglob("*") if path.is_file()]
    missing = sorted(name for name in names if name not in known)
    if not known:
        summary = f"No static files have been collected in {settings.STATIC_ROOT}."
        yield Finding("static.not-collected", Status.FAILED, summary, COLLECT)
    elif missing:
        yield Finding(
            "static.outdated",
            Status.FAILED,
            f"The collected static files are of another version: {missing[0]} is not among them.",
            f"{COLLECT}, then start the web server again",
        )
    else:
        yield Finding("static.collected", Status.OK, "The static files are collected.")
