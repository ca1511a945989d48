"""Whether this process lives, and whether it can serve: for load balancers and people."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache as cached
from http import HTTPStatus
from secrets import token_hex

from django.core.cache import cache
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from authentication.mails.queue import are_mails_late, has_queue

logger = logging.getLogger(__name__)

PATIENCE = 1.0  # seconds to wait for a free connection; a request may wait longer


@never_cache
@require_safe
def live(_request: HttpRequest) -> JsonResponse:
    """The process answers; it asks nothing else, so that a slow database restarts nobody."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def ready(_request: HttpRequest) -> JsonResponse:
    """Every part that a request needs works; else 503, naming the parts that do not."""
    checks: dict[str, str] = {}
    for name, check in CHECKS.items():
        # Without its database it is not known whether something has to be migrated.
        is_known = name != "migrations" or checks["database"] == "ok"
        checks[name] = _outcome(name, check) if is_known else "unknown"
    is_ready = set(checks.values()) == {"ok"}
    status = "ok" if is_ready else "unavailable"
    if is_ready and has_queue():
        # Requests are served without a worker, so a late queue takes no process out of service.
        checks["mails"] = "late" if are_mails_late() else "ok"
        status = "ok" if checks["mails"] == "ok" else "degraded"
    return JsonResponse(
        {"status": status, "checks": checks},
        status=HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE,
    )


def _outcome(name: str, check: Callable[[], None]) -> str:
    try:
        check()
    except Exception:  # whatever a part raises, the answer is that it does not work
        logger.exception("The readiness check of the %s failed.", name)
        return "failed"
    return "ok"


def check_database() -> None:
    """Raise ``DatabaseError`` when it does not answer, or has no connection free for long."""
    pool = getattr(connection, "pool", None)
    if pool is not None and connection.connection is None:
        pool.open()
        with connection.wrap_database_errors, pool.connection(timeout=PATIENCE):
            pass
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _check_migrations() -> None:
    if pending := pending_migrations():
        raise RuntimeError(f"Not applied: {', '.join(pending)}. Run manage.py migrate.")


def pending_migrations() -> list[str]:
    """Migrations that the database has not seen yet, as app.name, sorted."""
    applied = MigrationRecorder(connection).applied_migrations().keys()
    return sorted(
        ".".join(key)
        for key, replaced in _migrations_on_disk().items()
        if key not in applied and not (replaced and applied >= replaced)
    )


@cached
def _migrations_on_disk() -> dict[tuple[str, str], set[tuple[str, str]]]:
    """Each migration and those it replaces; read once, as the code does not change under way."""
    graph = MigrationLoader(None).graph
    return {key: set(graph.nodes[key].replaces) for key in graph.nodes}


def check_cache() -> None:
    """Raise whatever the cache raises, and ``RuntimeError`` when it forgets at once."""
    key, value = f"health:{token_hex(8)}", token_hex(8)
    cache.set(key, value, timeout=10)
    if cache.get(key) != value:
        raise RuntimeError("The cache does not answer what was put into it.")
    cache.delete(key)


CHECKS: dict[str, Callable[[], None]] = {
    "database": check_database,
    "migrations": _check_migrations,
    "cache": check_cache,
}
