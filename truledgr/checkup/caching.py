"""Whether the cache answers, and whether all processes share it."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings

from truledgr.checkup.findings import Finding, Status, area
from truledgr.health import check_cache as ask

OF_ONE_PROCESS = ("LocMemCache", "DummyCache")


@area("cache", asks_database=False)
def check_cache() -> Iterator[Finding]:
    try:
        ask()
    except Exception as error:  # noqa: BLE001 - each cache raises errors of its own
        yield Finding(
            "cache.unreachable",
            Status.FAILED,
            f"The cache does not answer ({type(error).__name__}).",
            "Start the cache server and look at CACHE_URL.",
        )
        return
    if is_shared():
        yield Finding("cache.shared", Status.OK, "The cache answers, and all processes share it.")
    elif settings.DEBUG:
        yield Finding("cache.own", Status.OK, "The cache answers; each process has its own.")
    else:
        yield Finding(
            "cache.not-shared",
            Status.WARNING,
            "Each process has a cache of its own, so limits hold for one process at a time.",
            "Set CACHE_URL=redis://HOST:6379/0, or run one process (WEB_CONCURRENCY=1).",
        )


def is_shared() -> bool:
    """Whether what one process puts into the cache is there for every other one."""
    return not settings.CACHES["default"]["BACKEND"].endswith(OF_ONE_PROCESS)
