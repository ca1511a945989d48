"""The page that Prometheus asks for, open to whoever has the token."""

from __future__ import annotations

import os
from http import HTTPStatus
from ipaddress import ip_address

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import REGISTRY, CollectorRegistry, disable_created_metrics
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector

from core.context import current
from core.security_events import Kind, note
from truledgr.metrics.processes import SHARED, sample
from truledgr.metrics.scraped import Scraped

SCHEME = "Bearer "

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each one, which says when it began


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Every number, in the format that ``Accept`` asks for: OpenMetrics or Prometheus's text.

    Without ``METRICS_TOKEN`` there is no such page, but for this machine in development.
    """
    if settings.METRICS_TOKEN:
        if not _has_token(request):
            note(Kind.BAD_TOKEN, reason="metrics", status=HTTPStatus.UNAUTHORIZED)
            return HttpResponse(
                "Send METRICS_TOKEN as a bearer token.\n",
                status=HTTPStatus.UNAUTHORIZED,
                content_type="text/plain; charset=utf-8",
                headers={"WWW-Authenticate": 'Bearer realm="metrics"'},
            )
    elif not (settings.DEBUG and _is_from_here()):
        raise Http404
    sample()
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(encode(_registry()), content_type=content_type)


def _has_token(request: HttpRequest) -> bool:
    sent = request.headers.get("Authorization", "")
    return sent.startswith(SCHEME) and constant_time_compare(
        sent.removeprefix(SCHEME), settings.METRICS_TOKEN
    )


def _is_from_here() -> bool:
    address = current().client_ip
    return address is not None and ip_address(address).is_loopback


def _registry() -> CollectorRegistry:
    """What is counted, by this process or by all that share their numbers, and what is read."""
    registry = CollectorRegistry()
    if SHARED in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(REGISTRY)
    registry.register(Scraped())
    return registry
