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


@never_cache
@require_safe
def live(_request: HttpRequest) -> JsonResponse:
    """The process answers; it asks nothing else, so that a slow database restarts nobody."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def ready(_request: HttpRequest) -> JsonResponse:
    """Every part that a request needs works; else 503, naming the parts that do not."""
    checks = {name: _outcome(name, check) for name, check in CHECKS.items()}
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


def _check_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _check_migrations() -> None:
    applied = MigrationRecorder(connection).applied_migrations().keys()
    pending = [
        ".".join(key)
        for key, replaced in _migrations_on_disk().items()
        if key not in applied and not (replaced and applied >= replaced)
    ]
    if pending:
        raise RuntimeError(f"Not applied: {', '.join(sorted(pending))}. Run manage.py migrate.")


@cached
def _migrations_on_disk() -> dict[tuple[str, str], set[tuple[str, str]]]:
    """Each migration and those it replaces; read once, as the code does not change under way."""
    graph = MigrationLoader(None).graph
    return {key: set(graph.nodes[key].replaces) for key in graph.nodes}


def _check_cache() -> None:
    key, value = f"health:{token_hex(8)}", token_hex(8)
    cache.set(key, value, timeout=10)
    if cache.get(key) != value:
        raise RuntimeError("The cache does not answer what was put into it.")
    cache.delete(key)


CHECKS: dict[str, Callable[[], None]] = {
    "database": _check_database,
    "migrations": _check_migrations,
    "cache": _check_cache,
}
