"""Rate limits, counted per user or per address as the project sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.request import Request
from rest_framework.throttling import AnonRateThrottle

from core.context import client_ip_of

if TYPE_CHECKING:  # rest_framework.views imports this module through the settings
    from rest_framework.views import APIView


class AddressThrottle(AnonRateThrottle):
    """Callers who are not signed in. DRF's own believes any ``X-Forwarded-For``."""

    def get_ident(self, request: Request) -> str:
        return client_ip_of(request._request) or "unknown"

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        key: str | None = super().get_cache_key(request, view)
        return key
